"""What of a study is finished, and at which scale: looked up without what reads results."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchbox.cli import folders
from benchbox.cli.early import seeds_of
from benchbox.cli.places import results_words
from benchbox.console import note
from benchbox.errors import CannotJudge, InvalidInput, nearest
from benchbox.jobdir import JobDir
from benchbox.plan import Arm, expand
from benchbox.spec import SCALES, Study, read_study

WAITING = frozenset({"pending", "interrupted", "cancelled"})
"""States of what `run` takes up."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what it is called, and its jobs or saved predictions."""

    name: str
    results: tuple[str, ...] = field(default=())


def choose_scale(study: Study, asked: str | None, results: Path, seeds: Sequence[int] | None = None) -> str:
    """Choose the largest scale with a finished job; without any, or where they are the same, the one `run` chooses."""
    return asked or scaled(study, None, results, seeds)[0]


def scaled(study: Study, asked: str | None, results: Path, seeds: Sequence[int] | None = None) -> tuple[str, list[Arm]]:
    """Return the scale that `choose_scale` chooses with its arms, expanded once; seeds: not the study's own."""
    if asked:
        return asked, expand(study, asked, seeds)
    usual = folders.choose_scale(None, study, folders.data_root())[0]
    known = {usual: expand(study, usual, seeds)}
    usual_jobs = {arm.job for arm in known[usual]}
    for scale in SCALES:
        if scale == "paper" or scale in study.scales:
            arms = known.get(scale) or expand(study, scale, seeds)
            jobs = {arm.job for arm in arms}
            if any(finished(results, job) for job in jobs):
                return (usual, known[usual]) if jobs == usual_jobs else (scale, arms)
    return usual, known[usual]


def finished(results: Path, job: str) -> bool:
    """Tell whether a job has a result."""
    return JobDir.of(results, job).result() is not None


def next_step(
    path: Path, states: Iterable[str], *, scale: str | None, results: Path, seeds: str | None = None
) -> str | None:
    """Return the command that fills what waits in a study's table; None where nothing does, or something is at work.

    Args: states: of its jobs or arms. scale: None for the one that `run` chooses. seeds: as typed.
    """
    found = set(states)
    if not found & WAITING or found & {"running", "queued"}:
        return None
    more = ("--retry", "cancelled") if "cancelled" in found else ()
    return run_command(path, scale, seeds, results, *more)


def run_command(path: Path, scale: str | None, seeds: str | None, results: Path, *more: str) -> str:
    """Return the call of `run` for a study; scale: None for the one that it chooses, seeds: as typed."""
    words = ["benchbox", "run", path.as_posix(), *(["--scale", scale] if scale else [])]
    words += ["--seeds", seeds] if seeds else []
    return shlex.join([*words, *more, *results_words(results)])


def require_done(path: Path, asked: str | None, seeds: str | None, results: Path, advised: str | None = None) -> None:
    """See that a job of a study is done, of which a table by a kind of group can be made.

    Args: advised: seeds that the command shall name where none were typed.

    Raises: CannotJudge with the command that makes them.
    """
    scale, arms = scaled(read_study(path), asked, results, seeds_of(seeds))
    jobs = dict.fromkeys(arm.job for arm in arms)
    if not any(finished(results, job) for job in jobs):
        states = [JobDir.of(results, job).state().name for job in jobs]
        step = (
            next_step(path, states, scale=scale, results=results, seeds=seeds or advised)
            or f"see benchbox status {path}"
        )
        raise CannotJudge(f"{path}: nothing of it is done at scale {scale}; {step}")


def arm_side(path: Path, name: str, scale: str | None, results: Path, seeds: str | None = None) -> Side:
    """Return the finished jobs of a study's arm.

    Raises: InvalidInput for an unknown arm, CannotJudge where none of its jobs is done.
    """
    study = read_study(path)
    chosen, arms = scaled(study, scale, results, seeds_of(seeds))
    jobs = [arm.job for arm in arms if arm.name == name]
    if not jobs:
        raise InvalidInput(f'{path}: has no arm "{name}"{nearest(name, {arm.name for arm in arms})}')
    done = [job for job in dict.fromkeys(jobs) if JobDir.of(results, job).result() is not None]
    if not done:
        command = run_command(path, chosen, seeds, results)
        raise CannotJudge(f"{path}:{name}: no seed of it is done at scale {chosen}; {command}")
    if len(done) < len(set(jobs)):
        note(f"{path.name}:{name}: {len(done)} of {len(set(jobs))} seeds are done")
    tell_stale(done, results)
    return Side(f"{path.name}:{name}", tuple(done))


def tell_stale(jobs: Iterable[str], results: Path) -> None:
    """Say which finished jobs were made by other code or data."""
    for job in jobs:
        if JobDir.of(results, job, folders.data_root()).state().name == "stale":
            note(f"{job}: stale, made by other code or data than today's")
