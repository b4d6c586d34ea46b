"""The errors a user can mend, each with its exit code; anything else is a bug and keeps its traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

OK = 0
FAILED = 1
USAGE = 2
CANNOT_JUDGE = 3
ENVIRONMENT = 4
INTERRUPTED = 130
TERMINATED = 143
LONGEST = 2000
"""Characters of a problem's line."""


class BenchboxError(Exception):
    """A problem that one line explains; `exit_code` says of which kind it is."""

    exit_code = FAILED


class InvalidInput(BenchboxError):
    """A file or an option that cannot be used as it stands."""

    exit_code = USAGE


class CannotJudge(BenchboxError):
    """A score or a row that is missing, stale or not comparable."""

    exit_code = CANNOT_JUDGE


class EnvironmentProblem(BenchboxError):
    """The machine lacks something: data, a device, a library, room on a disk, the right to write."""

    exit_code = ENVIRONMENT


class WorkerBug(RuntimeError):
    """A bug in the worker, or in a module of one's own that it loads, with its traceback."""


def told(problem: object) -> str:
    """Put a problem on one line, without its middle where a file made it longer than anybody reads."""
    line = " ".join(str(problem).splitlines())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 125]} ... {line[-120:]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "X"?` for the nearest known word, or the list of known words when none is near."""
    names = sorted(known)
    if same := [name for name in names if name.lower() == word.lower()]:
        return f'; did you mean "{same[0]}"?'
    begun = [name for name in names if len(word) > 1 and name.startswith(word)]
    if len(begun) == 1:
        return f'; did you mean "{begun[0]}"?'
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close or (len(word) < 4 and close[0][0] != word[0]):  # of three letters any two may be alike: foo, oom
        close = [name for name in names if len(word) > 2 and word.lower() in name.lower()]
    if len(close) == 1:
        return f'; did you mean "{close[0]}"?'
    return f"; known: {', '.join(names)}" if names else ""
