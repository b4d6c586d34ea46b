"""Arms with their states, scores, networks' costs and differences to their reference, as tables need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchbox import costs, store
from benchbox.cli import folders
from benchbox.cli.counts import count_networks
from benchbox.cli.differences import Answer, How, compared, methods
from benchbox.cli.finished import finished
from benchbox.errors import CannotJudge
from benchbox.papers.read import COUNTED
from benchbox.plan import Arm
from benchbox.report import frame
from benchbox.report.differences import Differences, gathered


def arm_rows(arms: Sequence[Arm], results: Path, names: Sequence[str] = ()) -> list[frame.ArmRow]:
    """Read what there is of arms, and of saved predictions by name: their states and scores."""
    found = store.read(results, dict.fromkeys(arm.job for arm in arms), folders.data_root())
    return joined(arms, store.with_saved(found, results, names), names)


def joined(arms: Sequence[Arm], found: store.Store, names: Sequence[str] = ()) -> list[frame.ArmRow]:
    """Join arms, and saved predictions by name, with what was read of them."""
    jobs: dict[str, list[str]] = {}
    for arm in arms:
        jobs.setdefault(arm.name, []).append(arm.job)
    references = {arm.name for arm in arms if arm.reference}
    named = [frame.ArmJobs(name, name in references, tuple(ids)) for name, ids in jobs.items()]
    return frame.rows([*named, *(frame.ArmJobs(name, False, (name,)) for name in names)], found)


def counted(arms: Sequence[Arm]) -> Mapping[str, Mapping[str, int | float]]:
    """Return what each arm's network costs, by the arm's name."""
    found = count_networks([arm.config for arm in arms])
    return {arm.name: {key: vars(found[costs.key(arm.config)])[key] for key in COUNTED} for arm in arms}


def differences(
    arms: Sequence[Arm], rows: Sequence[frame.ArmRow], how: How, results: Path, saved: Sequence[str] = ()
) -> Differences:
    """Compare every arm that has results with its reference, and saved predictions with the study's first.

    Raises: CannotJudge where no arm has results beside its reference.
    """
    found = sides(arms, rows, results, saved)
    if not found:
        raise CannotJudge("--compare: needs results of the reference arm and of another one; benchbox run first")
    answers = compared(list(found.values()), how, results)
    return summed(dict(zip(found, answers, strict=True)), how)


def sides(
    arms: Sequence[Arm], rows: Sequence[frame.ArmRow], results: Path, saved: Sequence[str] = ()
) -> dict[str, tuple[list[str], list[str]]]:
    """Return by arm the jobs that are done of its reference and its own, of those that have both."""
    done = {
        row.arm.name: [job for job in row.arm.jobs if row.state == "saved" or finished(results, job)] for row in rows
    }
    against = {name: arms[0].against for name in saved} | {arm.name: arm.against for arm in arms}
    names = [row.arm.name for row in rows if not row.arm.reference]
    return {name: (done[against[name]], done[name]) for name in names if done[name] and done[against[name]]}


def summed(answers: Mapping[str, Answer], how: How) -> Differences:
    """Return the differences of a table from the answers by arm."""
    found = {name: answer.rows for name, answer in answers.items()}
    notes = methods(row for some in found.values() for row in some)
    notes += [f"{name}: not compared: {one.problem}." for name, one in answers.items() if one.problem]
    return gathered(found, confidence=how.confidence, notes=notes)
