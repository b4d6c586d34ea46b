"""The arms that gates speak of, and whether their results are there at all: seen before any is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchbox.errors import CannotJudge, nearest
from benchbox.files import explained

HINTS = {
    "stale": ": made by other code or data than today's; next: benchbox run STUDY.toml --stale",
    "pending": "; next: benchbox run STUDY.toml",
    "interrupted": "; next: benchbox run STUDY.toml",
    "running": "; next: benchbox status --watch",
    "failed": "; next: benchbox logs {job}",
}


@dataclass(frozen=True)
class ArmJobs:
    """An arm of a study at a scale: its jobs by seed, and the name of the arm that it is held against there."""

    name: str
    scale: str
    reference: str
    jobs: Mapping[int, str]


def arm_of(arms: Mapping[tuple[str, str], ArmJobs], scale: str, name: str) -> ArmJobs:
    """Return an arm.

    Raises: CannotJudge where the study has none of that name.
    """
    if (scale, name) not in arms:
        names = [other for place, other in arms if place == scale]
        raise CannotJudge(f'arm "{name}": the study has none{nearest(name, names)}')
    return arms[scale, name]


def check_done(arm: ArmJobs, states: Mapping[str, str]) -> None:
    """Refuse an arm whose jobs are not all done with today's code and data.

    Args: states: by job.

    Raises: CannotJudge.
    """
    for seed, job in arm.jobs.items():
        if states[job] != "done":
            hint = HINTS.get(states[job], "").format(job=job)
            raise CannotJudge(f'arm "{arm.name}", seed {seed}: job {job} is {states[job]}{hint}')


def check_there(reference: Path) -> None:
    """Refuse a reference that is not there.

    Raises: CannotJudge naming those that are.
    """
    with explained(reference):
        if not reference.is_file():
            near = sorted(reference.parent.glob("*.json")) if reference.parent.is_dir() else []
            known = f"; there are: {', '.join(one.name for one in near)}" if near else ""
            raise CannotJudge(f"{reference}: no such reference{known}; `--update` writes it")
