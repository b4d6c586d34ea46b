"""Ask the worker, in a process of its own: what needs the heavy libraries never loads them here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from benchbox.console import note
from benchbox.errors import (
    CANNOT_JUDGE,
    ENVIRONMENT,
    TERMINATED,
    USAGE,
    CannotJudge,
    EnvironmentProblem,
    InvalidInput,
    WorkerBug,
)

PROBLEMS = {USAGE: InvalidInput, CANNOT_JUDGE: CannotJudge, ENVIRONMENT: EnvironmentProblem}


def ask(words: Sequence[str], given: Any = None, seconds: float | None = None) -> Any:
    """Call a verb of the worker and return what it answers; it ends when this process does, however that is.

    Args: words: the verb and its options. given: JSON for its stdin. seconds: how long to wait; for ever without.

    Raises: the worker's own problem, one line; WorkerBug with its traceback for a bug.
    """
    command = [sys.executable, "-m", "benchbox.worker", *words, "--asked-by", str(os.getpid())]
    text = None if given is None else json.dumps(given)
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise EnvironmentProblem(f"the worker's {words[0]} did not answer within {seconds:.0f} s") from None
    said = done.stderr.strip().splitlines()
    if done.returncode in PROBLEMS and said and "Traceback" not in done.stderr:
        for line in said[:-1]:
            note(line)
        raise PROBLEMS[done.returncode](said[-1])
    if done.returncode in (-2, -15, TERMINATED):
        raise KeyboardInterrupt
    if done.returncode == -9:
        raise EnvironmentProblem(
            f"the worker's {words[0]} was killed from outside, most often for want of memory; see benchbox doctor"
        )
    if done.returncode:
        raise WorkerBug(f"the worker's {words[0]} failed ({done.returncode}):\n{done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else None
