"""Join a results folder with that of another machine."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchbox import records, saved
from benchbox.errors import InvalidInput
from benchbox.files import explained, listed, read_json, refuse_special, write_json
from benchbox.jobdir import Attempt, JobDir

LEFT_BEHIND = ("checkpoint.pt", "checkpoint.before.pt", "heartbeat")
"""Files of an attempt that mean nothing elsewhere."""


@dataclass(frozen=True)
class Merged:
    """What became of one job, or of one set of saved predictions: added, same, unfinished, differs, running, damaged.

    Of these, differs (both have a result, and not the same) and damaged leave something to do.
    """

    name: str
    outcome: str
    why: str = ""


def merge(here: Path, other: Path) -> Iterator[Merged]:
    """Copy the finished jobs and saved predictions of another results folder that this one lacks; change nothing else.

    Doing it again changes nothing, and the order of several folders does not matter unless they disagree.

    Raises: InvalidInput where the other is no results folder. EnvironmentProblem where this one cannot be written.
    """
    if not (other / "jobs").is_dir() and not (other / "predictions").is_dir():
        raise InvalidInput(f"{other}: no results folder: it has neither jobs nor predictions")
    if here.resolve() == other.resolve():
        raise InvalidInput(f"{other}: is this results folder itself; give another")
    for entry in listed(other / "jobs", "[0-9a-f]*"):
        theirs, ours = JobDir(entry), JobDir.of(here, entry.name)
        try:
            theirs.refuse_link()
            ours.refuse_link()
            theirs.read()
            yield _merged(ours, theirs)
        except (InvalidInput, ValueError) as problem:
            yield Merged(entry.name, "damaged", str(problem).splitlines()[0])
    for name in saved.names(other):
        try:
            yield _kept(here, saved.find(other, name))
        except InvalidInput as problem:
            yield Merged(f"predictions/{name}", "damaged", str(problem).splitlines()[0])


def _merged(ours: JobDir, theirs: JobDir) -> Merged:
    result = theirs.result()
    if result is None:
        return Merged(theirs.id, "unfinished", f"{theirs.state().name} there")
    for file in (theirs.path / "job.json", *result.path.rglob("*")):
        if file.is_symlink():
            raise InvalidInput(f"{file}: is a link; what lies behind it is none of the results")
        if not file.is_dir():
            refuse_special(file)
    standing = ours.result()
    if standing is not None:
        different = next((name for name in ("people", "scores") if not _same(standing, result, name)), None)
        if different is None:
            return Merged(theirs.id, "same")
        return Merged(theirs.id, "differs", f"{different} of attempt {standing.number} here and {result.number} there")
    if ours.state().name == "running":
        return Merged(theirs.id, "running", "a process works on it here")
    for name in records.JOB_TABLES:
        records.load(result.table(name), name, theirs.id)
    _copy(result, ours)
    return Merged(theirs.id, "added")


def _copy(result: Attempt, ours: JobDir) -> None:
    """Copy an attempt with its result; it appears whole, under the next number."""
    with explained(ours.path):
        ours.attempts.mkdir(parents=True, exist_ok=True)
        if read_json(ours.path / "job.json") is None:
            shutil.copy2(result.job.path / "job.json", ours.path / "job.json", follow_symlinks=False)
        draft = Path(tempfile.mkdtemp(prefix=".merge-", dir=ours.attempts))
        try:
            shutil.copytree(result.path, draft, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True)
            number = (ours.numbers() or [0])[-1] + 1
            published = json.loads((draft / "published.json").read_text(encoding="utf-8"))
            write_json(draft / "published.json", published | {"attempt": number})
            draft.chmod(0o755)
            os.rename(draft, ours.attempts / str(number))
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _same(ours: Attempt, theirs: Attempt, name: str) -> bool:
    one, other = (records.load(attempt.table(name), name) for attempt in (ours, theirs))
    return records.same(one, other)


def _kept(here: Path, theirs: saved.Saved) -> Merged:
    name = f"predictions/{theirs.name}"
    if theirs.name not in saved.names(here):
        record = {key: value for key, value in theirs.read().items() if key not in ("schema", "name")}
        with saved.replaced(here, theirs.name, record) as copy:
            for table in ("people", "scores"):
                records.load(theirs.table(table), table)
                shutil.copy2(theirs.table(table), copy.table(table))
        return Merged(name, "added")
    ours = saved.find(here, theirs.name)
    for table in ("people", "scores"):
        if not records.same(records.load(ours.table(table), table), records.load(theirs.table(table), table)):
            return Merged(name, "differs", f"its {table}")
    return Merged(name, "same")
