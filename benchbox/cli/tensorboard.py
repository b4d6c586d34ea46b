"""The verb that writes what is on record of jobs as event files of TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from benchbox import events
from benchbox.cli import folders
from benchbox.cli.finished import scaled
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.errors import OK, CannotJudge, InvalidInput
from benchbox.files import listed
from benchbox.jobdir import JobDir
from benchbox.spec import read_study

FOLDER = "tensorboard"
"""Below a results folder."""
LONGEST = 150
"""Letters of a name that a folder's name takes over."""


@dataclass(frozen=True)
class Run:
    """What TensorBoard calls a run: a job, as an arm of a study or by itself, and the name of its folder."""

    job: str
    folder: str
    arm: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def tensorboard(studies: Sequence[Path], scale: str | None, persons: int, results: Path, format: str) -> int:
    """Write the event files of studies' jobs, or of all jobs, and say what became of each."""
    runs = [run for path in studies for run in _of_study(path, scale, results)] if studies else _alone(scale, results)
    if not any(JobDir.of(results, run.job).numbers() for run in runs):
        raise CannotJudge(f"{results}: none of these jobs was begun; next: benchbox run STUDY.toml")
    events.require()
    rows = []
    for run in runs:
        folder = JobDir.of(results, run.job, folders.data_root())
        state = folder.state().name
        if not folder.numbers():
            rows.append({"run": run.folder, "job": run.job, "state": state, "outcome": "nothing yet"})
            continue
        from benchbox.cli import event_files

        outcome = event_files.written(run, folder, state, persons, results)
        rows.append({"run": run.folder, "job": run.job, "state": state, "outcome": outcome})
    columns = [Column("run", "Run"), Column("job", "Job"), Column("state", "State"), Column("outcome", "Event file")]
    place = results / FOLDER
    meta = {"schema": 1, "kind": "results-tensorboard", "folder": str(place)}
    emit(format, f"Event files in {place}", columns, rows, meta, [f"Look: tensorboard --logdir {place}"])
    return OK


def _of_study(path: Path, asked: str | None, results: Path) -> Iterator[Run]:
    study = read_study(path)
    scale, arms = scaled(study, asked, results)
    for arm in arms:
        folder = f"{_name(path.stem)} {scale}/{_name(arm.name)}, seed {arm.seed}"
        facts = {"study": path.stem, "scale": scale, "arm": arm.name}
        yield Run(arm.job, folder, arm.name, facts | ({"group": arm.group} if arm.group else {}))


def _alone(scale: str | None, results: Path) -> list[Run]:
    if scale:
        raise InvalidInput(f"--scale {scale}: goes with a study's file")
    return [Run(entry.name, f"jobs/{entry.name}") for entry in listed(results / "jobs", "[0-9a-f]*")]


def _name(text: str) -> str:
    """Return a name as a part of a path: readable, and nothing in it leads elsewhere."""
    return quote(text, safe=" ,+=()@").lstrip(".")[:LONGEST] or "-"
