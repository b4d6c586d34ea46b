"""The verb that examines this machine: one line for each finding, and what to do next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from benchbox.cli import folders, machine_devices, machine_software, machine_storage
from benchbox.cli.finding import Finding, Where
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.console import note
from benchbox.errors import ENVIRONMENT, OK

Check = Callable[[Where], list[Finding]]
CHECKS: dict[str, Check] = {
    "python": machine_software.python,
    "torch": machine_software.torch,
    "opencv": machine_software.opencv,
    "gpu": machine_devices.gpus,
    "cores": machine_devices.cores,
    "memory": machine_devices.memory,
    "shared memory": machine_devices.shared_memory,
    "results": machine_storage.results,
    "cache": machine_storage.cache,
    "data": machine_storage.data,
    "clock": machine_storage.clock,
    "slurm": machine_software.slurm,
}
"""What is looked at, in the order of the report."""
LEVELS = ("ok", "warning", "error")
MOST_SECONDS = 90.0
"""How long all checks together may take; what hangs, on a network's disk say, is left behind with a warning."""
COLUMNS = [
    Column("check", "Check"),
    Column("level", "State"),
    Column("text", "Found"),
    Column("advice", "What to do"),
]


def examine(results: Path, format: str) -> int:
    """Print what every check finds; 4 where one finds an error."""
    where = Where(results, folders.cache_root(), folders.data_root())
    found = findings(CHECKS, where, MOST_SECONDS)
    worst = max((finding.level for finding in found), key=LEVELS.index)
    count = {level: sum(finding.level == level for finding in found) for level in LEVELS}
    meta = {"schema": 1, "kind": "doctor", "worst": worst, "counts": count}
    emit(format, "This machine", COLUMNS, [asdict(finding) for finding in found], meta)
    note(", ".join(f"{number} {level}" for level, number in count.items() if number))
    return ENVIRONMENT if worst == "error" else OK


def findings(checks: Mapping[str, Check], where: Where, seconds: float) -> list[Finding]:
    """Do all checks side by side and return their findings in order; one that hangs is a warning.

    Args: seconds: for all of them together.
    """
    answers: dict[str, list[Finding]] = {}
    threads = [
        threading.Thread(target=_answer, args=(answers, name, check, where), name=name, daemon=True)
        for name, check in checks.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    silent = f"no answer within {seconds:g} s"
    late = {name: [Finding(name, "warning", silent, "look whether a disk or a driver hangs")] for name in checks}
    return [finding for name in checks for finding in answers.get(name, late[name])]


def _answer(answers: dict[str, list[Finding]], name: str, check: Check, where: Where) -> None:
    try:
        answers[name] = check(where)
    except Exception as problem:  # one check that cannot cope must not hide what the others found
        text = f"could not be examined: {type(problem).__name__}: {problem}"
        answers[name] = [Finding(name, "warning", text, "please report this")]
