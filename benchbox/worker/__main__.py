"""The worker's command line: `python -m benchbox.worker run|count|...`; every executor starts jobs through it.

`run` does a job; the other verbs answer the command line with JSON on stdout, or with one line on stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbox.digest import source_digest
from benchbox.errors import (
    ENVIRONMENT,
    FAILED,
    OK,
    TERMINATED,
    BenchboxError,
    CannotJudge,
    EnvironmentProblem,
    InvalidInput,
    told,
)
from benchbox.files import refusal
from benchbox.worker.answers import ANSWERS
from benchbox.worker.together import AGAIN, LAUNCHER, LOST, MoreParts, follow, launcher

if TYPE_CHECKING:  # jobs and their options are loaded for verbs that have to do with one
    from benchbox.jobdir import Attempt

WITHOUT_IMAGES = {"count", "fit", "score", "torch"}
"""Verbs that do without OpenCV."""
MOST_PIXELS = 2**28
"""Of an image: more than any camera's, and less than a packed file may claim in order to fill the memory."""
OPENCV_HELP = "OpenCV cannot be imported ({problem}); on Debian or Ubuntu: apt-get install -y libgl1 libglib2.0-0"


def main(arguments: list[str] | None = None) -> int:
    """Run one of the worker's verbs and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    source_digest()  # of the code that is about to be loaded: what is edited later has made nothing
    options = _parser().parse_args(words)
    if options.verb == "run":
        from benchbox.jobdir import Attempt, JobDir

        return _run(Attempt(JobDir(options.job, options.data), options.attempt), options, words[1:])
    if options.asked_by:
        follow(options.asked_by)
    try:
        if options.verb not in WITHOUT_IMAGES:
            check_opencv()
        answer = ANSWERS[options.verb](options)
    except (BenchboxError, OSError) as problem:
        known = refusal(problem) if isinstance(problem, OSError) else problem
        if known is None:
            raise
        print(told(known), file=sys.stderr)
        return known.exit_code
    if answer is not None:
        print(json.dumps(answer))
    return OK


def check_opencv() -> None:
    """Say what to install where OpenCV's shared libraries are missing; load it with a limit on images."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
    try:
        import cv2  # noqa: F401
    except ImportError as problem:
        raise EnvironmentProblem(OPENCV_HELP.format(problem=problem)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchbox.worker")
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = {name: verbs.add_parser(name) for name in ("run", *ANSWERS)}

    def add(names: str, option: str, **how: Any) -> None:
        for name in names.split():
            made[name].add_argument(option, **how)

    add(" ".join(ANSWERS), "--asked-by", type=int)
    add("run", "job", type=Path)
    add("run", "--attempt", type=int, required=True)
    add("run", "--processes", type=int, default=1)
    add("run", "--nodes", type=int, default=1)
    add("run", "--which", type=int, default=0)
    add("run", "--meet", default="")
    add("run", "--no-pack", dest="pack", action="store_false")
    add("score", "predictions", type=Path)
    add("score", "--truth", type=Path)
    add("score", "--origin", type=int, default=1)
    add("score", "--save", default="")
    add("rescore", "--jobs", nargs="*", default=[])
    add("rescore", "--saved", nargs="*", default=[])
    add("rescore", "--check", action="store_true")
    add("check", "--split", default="")
    add("fit", "weights", type=Path)
    add("full score check", "--dataset", required=True)
    add("score rescore", "--protocol", action="append", default=[])
    add("score rescore compare matches spread persons predict export", "--results", type=Path, required=True)
    add("run full score rescore check compare matches spread persons export", "--data", type=Path)
    add("run count rescore check compare matches spread persons export", "--cache", type=Path, required=True)
    return parser


def _begin(attempt: Attempt, *, first: bool) -> None:
    """Let the first process sign the attempt and show that it lives; of the others' output nothing is wanted twice."""
    if first:
        attempt.take_over()
        if LAUNCHER not in os.environ:
            from benchbox.lease import Heart

            Heart(attempt.heartbeat, lambda: not attempt.wanted(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    elif "RANK" in os.environ:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector of garbage from what is made here: it would search torch's modules over and over in vain."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _run(attempt: Attempt, options: argparse.Namespace, words: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _begin(attempt, first=os.environ.get("RANK", "0") == "0" and options.which == 0)
        with uncollected():
            check_opencv()
            from benchbox.engine.distributed import Lost
            from benchbox.engine.provenance import commit
            from benchbox.worker.progress import Stopped
            from benchbox.worker.run import run_attempt

            commit()
    except EnvironmentProblem as problem:
        return _failed(attempt, "infrastructure", problem, ENVIRONMENT)
    if options.processes > 1 or options.nodes > 1:
        from benchbox.worker.launch import Group, launch

        group = Group(options.processes, options.nodes, options.which, options.meet)
        return launch(attempt, group, [*words, "--processes", "1", "--nodes", "1"])
    if "RANK" in os.environ:
        follow(launcher())
    try:
        run_attempt(attempt, options.data, options.cache, pack=options.pack)
        return OK
    except Lost as problem:
        print(f"another process of the job is gone: {problem}", file=sys.stderr)
        return LOST
    except MoreParts:
        return AGAIN
    except Stopped:
        attempt.end("interrupted", exit_code=TERMINATED)
        print("stopped; the state is saved")
        return TERMINATED
    except (InvalidInput, CannotJudge) as problem:
        return _failed(attempt, "data", problem, problem.exit_code)
    except EnvironmentProblem as problem:
        return _failed(attempt, "infrastructure", problem, ENVIRONMENT)
    except Exception as problem:
        return _unforeseen(attempt, problem)


def _failed(attempt: Attempt, failure: str, problem: BaseException, code: int) -> int:
    with contextlib.suppress(OSError):  # the disk may be what failed; the exit code still tells
        print(problem, flush=True)
    with contextlib.suppress(EnvironmentProblem):
        attempt.end("failed", failure=failure, error=str(problem), exit_code=code)
    return code


def _unforeseen(attempt: Attempt, problem: Exception) -> int:
    from benchbox.engine.memory import out_of_memory
    from benchbox.engine.train import NonFiniteLoss

    if isinstance(problem, NonFiniteLoss):
        return _failed(attempt, "nan", problem, FAILED)
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        what = f"{problem.filename or attempt.path}: cannot be written: {(problem.strerror or '').lower()}"
        return _failed(attempt, "infrastructure", EnvironmentProblem(what), ENVIRONMENT)
    traceback.print_exc()
    if out_of_memory(problem):
        return _failed(attempt, "oom", MemoryError(f"out of memory: {problem}"), FAILED)
    return _failed(attempt, "code", RuntimeError(f"{type(problem).__name__}: {problem}"), FAILED)


if __name__ == "__main__":
    sys.exit(main())
