"""Find in a results folder what nobody needs any more: old attempts, and what killed processes left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchbox.files import explained, listed
from benchbox.jobdir import Attempt, JobDir

DRAFTS = (".claim-*", ".merge-*", ".draft-*", ".old-*", ".*.tmp", ".probe-*")
KILLED = "left by a process that was killed"


@dataclass(frozen=True)
class Leftover:
    """Something that can be removed: a folder or file, what it is, its bytes."""

    path: Path
    what: str
    size: int


def leftovers(results: Path) -> Iterator[Leftover]:
    """List what can be removed without losing a result, a checkpoint to go on from, or the log of a last failure.

    Jobs that run are left alone.
    """
    for entry in listed(results / "jobs", "[0-9a-f]*"):
        job = JobDir(entry)
        if entry.is_symlink() or job.attempts.is_symlink():
            continue
        if job.state().name != "running":
            yield from _of_job(job)
    for folder in (results / "jobs", results / "predictions"):
        yield from _drafts(folder)


def remove(found: Leftover) -> None:
    """Remove one thing.

    Raises: EnvironmentProblem.
    """
    with explained(found.path):
        if found.path.is_dir() and not found.path.is_symlink():
            shutil.rmtree(found.path)
        else:
            found.path.unlink(missing_ok=True)


def _of_job(job: JobDir) -> Iterator[Leftover]:
    result, attempts = job.result(), [Attempt(job, number) for number in job.numbers()]
    resumable = [attempt for attempt in attempts if attempt.checkpoint.exists()]
    needed = [result] if result else [*attempts[-1:], *resumable[-1:]]
    for attempt in attempts:
        if attempt not in needed:
            yield Leftover(
                attempt.path, f"attempt {attempt.number} of a job that is {job.state().name}", _size(attempt.path)
            )
    if result and result.checkpoint.exists():
        yield Leftover(result.checkpoint, "checkpoint of a job that is done", _size(result.checkpoint))
    yield from _drafts(job.path)
    yield from _drafts(job.attempts)


def _drafts(folder: Path) -> Iterator[Leftover]:
    for pattern in DRAFTS:
        for draft in sorted(folder.glob(pattern)):
            yield Leftover(draft, KILLED, _size(draft))


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
    return path.lstat().st_size
