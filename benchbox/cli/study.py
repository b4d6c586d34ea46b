"""The verbs of a study: plan shows what would be done, run does what is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox import costs, estimate
from benchbox.cli import folders, known, schedule
from benchbox.cli.counts import count_networks
from benchbox.cli.early import seeds_of
from benchbox.cli.early_results import arms_named
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.console import duration, many, note
from benchbox.digest import source_digest
from benchbox.errors import OK, EnvironmentProblem
from benchbox.jobdir import REPEATED_CLASSES, JobDir, State
from benchbox.plan import Arm, expand, jobs
from benchbox.spec import Study, read_study

COUNTED = ("done", "stale", "running", "queued", "failed", "cancelled")
"""States that a study's headline counts, of jobs that are not to do."""


@dataclass(frozen=True)
class Choice:
    """What the user picked of a study: scale, seeds (as typed), parts of arm names, the results folder."""

    scale: str | None
    seeds: str | None
    only: Sequence[str] | None
    results: Path


@dataclass(frozen=True)
class Selection:
    """A study's arms at one scale, with the folders of their jobs."""

    study: Study
    scale: str
    reason: str
    arms: list[Arm]
    data: Path | None
    results: Path

    def folder(self, job: str) -> JobDir:
        return JobDir.of(self.results, job, self.data)


def select(path: Path, choice: Choice) -> Selection:
    """Read a study and expand it at the scale that was asked for or fits the machine."""
    study, data = read_study(path), folders.data_root()
    scale, reason = folders.choose_scale(choice.scale, study, data)
    arms = expand(study, scale, seeds_of(choice.seeds))
    known.remember(path, {arm.job: arm.name for arm in arms})
    if choice.only:
        names = arms_named([arm.name for arm in arms], choice.only)
        arms = [arm for arm in arms if arm.name in names]
    return Selection(study, scale, reason, arms, data, choice.results)


def plan(path: Path, choice: Choice, format: str, *, schedules: bool = False, effect: float | None = None) -> int:
    """Print every arm with its job, costs, difference, state and estimated time.

    With `schedules`, print how the arms are trained; with `effect`, what it takes to see one.
    """
    chosen = select(path, choice)
    schedule.warn(path, chosen.arms)
    from benchbox.cli import power

    if effect is not None:
        return power.needed(chosen, effect, format)
    meta = {"schema": 1, "kind": "plan", "study": str(path), "scale": chosen.scale, "reason": chosen.reason}
    if schedules and format != "json":
        note(f"{path.name} at scale {chosen.scale} ({chosen.reason})")
        emit(format, chosen.study.title, schedule.COLUMNS, schedule.rows(chosen.arms), meta)
        return OK
    states = {job: chosen.folder(job).state() for job in jobs(chosen.arms)}
    counted = count_networks([arm.config for arm in chosen.arms])
    seconds = estimates(chosen, states, counted)
    seen: set[str] = set()
    rows = []
    for arm in chosen.arms:
        cost = counted[costs.key(arm.config)]
        rows.append(
            {
                "arm": arm.name,
                "seed": arm.seed,
                "job": arm.job,
                "parameters": cost.parameters,
                "macs": cost.macs,
                "difference": "reference" if arm.reference else _difference(arm),
                "state": states[arm.job].name + (" (same job as above)" if arm.job in seen else ""),
                "seconds": round(seconds[arm.job], 1),
                "schedule": schedule.of_job(arm.config),
            }
        )
        seen.add(arm.job)
    todo = [job for job, state in states.items() if waits(state)]
    note(headline(chosen, states, seconds, todo, at_once=folders.pool().most))
    _doubt(chosen)
    power.warn(chosen)
    columns = [
        Column("arm", "Arm"),
        Column("seed", "Seed", right=True),
        Column("job", "Job"),
        Column("parameters", "#Param", right=True, show=lambda value: f"{value:,}"),
        Column("macs", "MACs", right=True, show=lambda value: f"{value:,}"),
        Column("difference", "Difference from the reference"),
        Column("state", "State"),
        Column("seconds", "Time", right=True, show=lambda value: "~" + duration(value)),
    ]
    emit(format, chosen.study.title, columns, rows, meta)
    return OK


def _doubt(chosen: Selection) -> None:
    """Say what an estimate cannot know: data that are not there, and devices that this machine has not."""
    try:
        folders.require_data([arm.config for arm in chosen.arms], chosen.data)
    except EnvironmentProblem as problem:
        note(f"{problem}; until then times are a guess, and run refuses")
    else:
        tell_samples(chosen)
    real = any(arm.config.dataset.name != "synthetic" for arm in chosen.arms)
    if chosen.scale == "paper" and real and not folders.gpus():
        note("times are those of this CPU; scale paper is meant for GPUs")


def tell_samples(chosen: Selection) -> None:
    """Say where the paper's scale has not the paper's data."""
    names = {arm.config.dataset.name for arm in chosen.arms} & {*known.DATA_SETS} if chosen.scale == "paper" else set()
    for name in sorted(names):
        if chosen.data and not folders.is_full(name, chosen.data):
            note(f"not all of {name.upper()} is in {chosen.data}: scores are those of a sample")


def waits(state: State, retry: Sequence[str] = (), stale: bool = False) -> bool:
    """Tell whether `run` takes a job up, given classes of failures to repeat and whether to renew what is stale."""
    if state.name in ("done", "queued"):
        return False
    if state.name == "stale":
        return stale
    if state.name == "cancelled":
        return "cancelled" in retry
    if state.name == "failed":
        return state.failure in (*REPEATED_CLASSES, *retry) or state.source != source_digest()
    return True


def estimates(chosen: Selection, states: dict[str, State], counted: dict[str, costs.Costs]) -> dict[str, float]:
    """Return the seconds that every job will take, or took."""
    device = "cuda" if folders.gpus() else "cpu"
    work = {
        job: estimate.work(arm.config, counted[costs.key(arm.config)].macs, chosen.data)
        for job, arm in jobs(chosen.arms).items()
    }
    measured = {job: state.seconds for job, state in states.items() if state.seconds}
    return estimate.seconds(work, measured, device)


def headline(
    chosen: Selection, states: dict[str, State], seconds: dict[str, float], todo: Sequence[str], at_once: int
) -> str:
    """Say in one line which jobs there are to do and how long they take, so many at a time."""
    told = [state.name for job, state in states.items() if job not in todo or state.name == "running"]
    counts = {name: told.count(name) for name in COUNTED}
    parts = [
        f"{many(len({arm.name for arm in chosen.arms}), 'arm')}, {many(len(states), 'job')}",
        *(f"{n} {name}" for name, n in counts.items() if n),
    ]
    if todo:
        stale = sum(states[job].name == "stale" for job in todo)
        anew = f" ({stale} stale, made anew)" if stale else ""
        total = max(sum(seconds[job] for job in todo) / at_once, max(seconds[job] for job in todo))
        parts.append(f"{len(todo)} to do{anew}, {at_once} at a time, about {duration(total)}")
    else:
        parts.append("nothing to do" + (" but --stale, which runs them again" if counts["stale"] else ""))
    return f"{chosen.study.path.name} at scale {chosen.scale} ({chosen.reason}): {', '.join(parts)}"


def _difference(arm: Arm) -> str:
    return ", ".join(f"{key}: {_short(before)} -> {_short(after)}" for key, before, after in arm.difference)


def _short(value: Any) -> str:
    return json.dumps(value) if value is not None else "none"
