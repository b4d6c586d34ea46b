"""The arms that gates speak of, and whether their results are there at all: seen before any is read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchbox.errors import CannotJudge, nearest
from benchbox.files import explained

MADE_BY_RUN = {"pending": (), "interrupted": (), "stale": ("--stale",), "cancelled": ("--retry", "cancelled")}
"""States whose jobs `run` does, and the words that they need besides."""


@dataclass(frozen=True)
class ArmJobs:
    """An arm of a study at a scale.

    Args:
        reference: the name of the arm that it is held against there.
        jobs: by seed.
        study, results: the file and the folder, as they can be typed.
    """

    name: str
    scale: str
    reference: str
    jobs: Mapping[int, str]
    study: Path
    results: Path


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
            why = ": made by other code or data than today's" if states[job] == "stale" else ""
            said = f'arm "{arm.name}", seed {seed}: job {job} is {states[job]}{why}'
            raise CannotJudge(f"{said}; next: {shlex.join(_next(arm, states, job))}")


def check_results(arm: ArmJobs) -> None:
    """Refuse a folder that holds no results at all, which a name mistyped or a forgotten run looks like.

    Raises: CannotJudge with the nearest one that does, else with the command that makes them.
    """
    results = arm.results
    if (results / "jobs").is_dir():
        return
    said = f"{results}: no results in it, no job at all" if results.is_dir() else f"{results}: no such results folder"
    others = [str(jobs.parent) for jobs in results.parent.glob("*/jobs") if jobs.is_dir()]
    command = shlex.join(_next(arm, dict.fromkeys(arm.jobs.values(), "pending"), next(iter(arm.jobs.values()))))
    raise CannotJudge(f"{said}{nearest(str(results), others) or f'; next: {command}'}")


def _next(arm: ArmJobs, states: Mapping[str, str], job: str) -> list[str]:
    """Return the command that a job which is not done asks for: `run` takes all seeds that it can do."""
    where = [] if str(arm.results) == "results" else ["--results", str(arm.results)]
    if states[job] == "failed":
        return ["benchbox", "logs", job, *where]
    if states[job] not in MADE_BY_RUN:
        seeds = ",".join(map(str, arm.jobs))
        return ["benchbox", "status", str(arm.study), "--seeds", seeds, "--scale", arm.scale, *where, "--watch"]
    left = [seed for seed, one in arm.jobs.items() if states[one] in MADE_BY_RUN]
    besides = dict.fromkeys(MADE_BY_RUN[states[arm.jobs[seed]]] for seed in left)
    words = ["--only", arm.name, "--seeds", ",".join(map(str, left)), "--scale", arm.scale, *where]
    return ["benchbox", "run", str(arm.study), *words, *(word for some in besides for word in some)]


def check_there(reference: Path) -> None:
    """Refuse a reference that is not there.

    Raises: CannotJudge naming those that are.
    """
    with explained(reference):
        if not reference.is_file():
            near = sorted(reference.parent.glob("*.json")) if reference.parent.is_dir() else []
            known = f"; there are: {', '.join(one.name for one in near)}" if near else ""
            raise CannotJudge(f"{reference}: no such reference{known}; `--update` writes it")
