"""The verbs of a study: plan shows what would be done, run does what is missing."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox import costs, estimate
from benchbox.cli import folders, schedule
from benchbox.cli.counts import count_networks
from benchbox.cli.display import Display
from benchbox.cli.grid import Column, emit
from benchbox.config import schedule as schedule_of
from benchbox.console import ask, duration, live, note
from benchbox.digest import source_digest
from benchbox.errors import ENVIRONMENT, FAILED, INTERRUPTED, OK, TERMINATED, EnvironmentProblem, InvalidInput, nearest
from benchbox.files import explained
from benchbox.jobdir import FAILURE_CLASSES, REPEATED_CLASSES, Attempt, JobDir, State
from benchbox.plan import Arm, expand, jobs
from benchbox.queues import QUEUES
from benchbox.queues.local import Slot, cpu_slots, gpu_slots
from benchbox.queues.schedule import Outcome, drain
from benchbox.spec import Study, read_study

ASK_ABOVE_GPU_HOURS = 24


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
    arms = expand(study, scale, _seeds(choice.seeds))
    if choice.only:
        named = [arm for arm in arms if any(part.lower() in arm.name.lower() for part in choice.only)]
        if not named:
            raise InvalidInput(
                f"--only {' '.join(choice.only)}: no arm{nearest(choice.only[0], [a.name for a in arms])}"
            )
        arms = named
    return Selection(study, scale, reason, arms, data, choice.results)


def plan(path: Path, choice: Choice, format: str, *, schedules: bool = False, effect: float | None = None) -> int:
    """Print every arm with its job, costs, difference, state and estimated time.

    With `schedules`, print how the arms are trained; with `effect`, what it takes to see one.
    """
    from benchbox.cli import power

    chosen = select(path, choice)
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
    note(_headline(chosen, states, seconds, slots=len(_slots(None))))
    power.warn(chosen)
    columns = [
        Column("arm", "Arm"),
        Column("seed", "Seed", right=True),
        Column("job", "Job"),
        Column("parameters", "Parameters", right=True, show=lambda value: f"{value:,}"),
        Column("macs", "Multiply-adds", right=True, show=lambda value: f"{value:,}"),
        Column("difference", "Difference from the reference"),
        Column("state", "State"),
        Column("seconds", "Estimated", right=True, show=lambda value: "~" + duration(value)),
    ]
    emit(format, chosen.study.title, columns, rows, meta)
    return OK


def run(
    path: Path,
    choice: Choice,
    *,
    slots: int | None,
    on: str,
    processes: int,
    retry: Sequence[str],
    stale: bool,
    fail_fast: bool,
    yes: bool,
    pack: bool = True,
) -> int:
    """Do what is missing and say what to do next; see the exit codes of the verb."""
    if on not in QUEUES:
        raise InvalidInput(f"--on {on}: unknown executor{nearest(on, QUEUES)}")
    for name in retry:
        if name not in FAILURE_CLASSES:
            raise InvalidInput(f"--retry {name}: unknown class of failure{nearest(name, FAILURE_CLASSES)}")
    chosen = select(path, choice)
    folders.require_data([arm.config for arm in chosen.arms], chosen.data)
    _check_writable(chosen.results)
    states = {job: chosen.folder(job).state() for job in jobs(chosen.arms)}
    _check_shares(chosen.arms, processes)
    todo = [arm for job, arm in jobs(chosen.arms).items() if _pending(states[job], retry, stale)]
    counted = count_networks([arm.config for arm in chosen.arms])
    seconds = estimates(chosen, states, counted)
    places = _slots(slots, processes)[: max(1, len(todo))]
    note(_headline(chosen, states, seconds, slots=len(places)))
    if not yes and _too_long(chosen, choice, sum(seconds[arm.job] for arm in todo)):
        return INTERRUPTED
    for arm in todo:
        chosen.folder(arm.job).write(arm.config)
    stop, number = _catch_signals()
    queue = QUEUES[on](places, _command(chosen, pack, processes))
    with Display(chosen.arms, chosen.results, len(todo), moving=live() and on == "local") as display:
        folders_todo = [chosen.folder(arm.job) for arm in todo]
        outcome = drain(folders_todo, queue, tell=display.tell, refresh=display.refresh, stop=stop, fail_fast=fail_fast)
    return _close(chosen, path, outcome, number)


def estimates(chosen: Selection, states: dict[str, State], counted: dict[str, costs.Costs]) -> dict[str, float]:
    """Return the seconds of every job, measured where it has run."""
    device = "cuda" if folders.gpus() else "cpu"
    work = {
        job: estimate.work(arm.config, counted[costs.key(arm.config)].macs, chosen.data)
        for job, arm in jobs(chosen.arms).items()
    }
    measured = {job: state.seconds for job, state in states.items() if state.seconds}
    return estimate.seconds(work, measured, device)


def _pending(state: State, retry: Sequence[str], stale: bool) -> bool:
    if state.name == "done":
        return False
    if state.name == "stale":
        return stale
    if state.name == "failed":
        return state.failure in (*REPEATED_CLASSES, *retry) or state.source != source_digest()
    return True


def _headline(chosen: Selection, states: dict[str, State], seconds: dict[str, float], slots: int) -> str:
    counts = {name: sum(state.name == name for state in states.values()) for name in ("done", "stale", "running")}
    left = [job for job, state in states.items() if state.name not in ("done", "stale")]
    parts = [f"{len(chosen.arms)} arms, {len(states)} jobs", *(f"{n} {name}" for name, n in counts.items() if n)]
    if left:
        total = max(sum(seconds[job] for job in left) / slots, max(seconds[job] for job in left))
        parts.append(f"{len(left)} to do, {slots} at a time, about {duration(total)}")
    else:
        parts.append("nothing to do" + (" but --stale, which runs them again" if counts["stale"] else ""))
    return f"{chosen.study.path.name} at scale {chosen.scale} ({chosen.reason}): {', '.join(parts)}"


def _too_long(chosen: Selection, choice: Choice, seconds: float) -> bool:
    hours = seconds / 3600
    if chosen.scale != "paper" or choice.scale or hours <= ASK_ABOVE_GPU_HOURS or not sys.stdin.isatty():
        return False
    return not ask(f"Scale paper takes about {hours:,.0f} GPU-hours. Start it?")


def _check_writable(results: Path) -> None:
    with explained(results):
        (results / "jobs").mkdir(parents=True, exist_ok=True)
        probe = results / "jobs" / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(b"benchbox" * 512)
        finally:
            probe.unlink(missing_ok=True)


def _check_shares(arms: Sequence[Arm], processes: int) -> None:
    for arm in arms:
        batch = min((phase.batch or 0 for phase in schedule_of(arm.config)), default=2 * processes)
        if batch < 2 * processes:
            raise InvalidInput(f"--processes {processes}: {arm.name} has batches of {batch}, not two samples for each")


def _slots(asked: int | None, processes: int = 1) -> list[Slot]:
    devices = folders.gpus()
    if devices:
        if len(devices) < processes:
            raise EnvironmentProblem(f"--processes {processes}: there are {len(devices)} GPUs, and each needs its own")
        return gpu_slots(devices, processes)[:asked]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return cpu_slots(asked or max(1, cores // processes))


def _command(chosen: Selection, pack: bool, processes: int) -> Callable[[Attempt], list[str]]:
    fixed = ["--cache", str(folders.cache_root()), *(["--data", str(chosen.data)] if chosen.data else [])]
    fixed += [] if pack else ["--no-pack"]

    def command(attempt: Attempt) -> list[str]:
        words = [sys.executable, "-m", "benchbox.worker", "run", str(attempt.job.path.resolve())]
        return [*words, "--attempt", str(attempt.number), "--processes", str(processes), *fixed]

    return command


def _catch_signals() -> tuple[Callable[[], bool], list[int]]:
    received: list[int] = []

    def remember(number: int, frame: Any) -> None:
        received.append(number)
        if len(received) == 1:
            note("stopping: the running jobs save their state")

    signal.signal(signal.SIGINT, remember)
    signal.signal(signal.SIGTERM, remember)
    return lambda: bool(received), received


def _close(chosen: Selection, path: Path, outcome: Outcome, received: list[int]) -> int:
    states = {job: chosen.folder(job).state() for job in jobs(chosen.arms)}
    names = {job: arm.name for job, arm in jobs(chosen.arms).items()}
    failed = {job: state for job, state in states.items() if state.name == "failed"}
    done = sum(state.name in ("done", "stale") for state in states.values())
    for job, state in failed.items():
        log = Attempt(chosen.folder(job), state.attempt).log
        note(f"failed: {names[job]} [{state.failure}]: {state.error}\n  log: {log}  (benchbox logs {job})")
    where = "" if str(chosen.results) == "results" else f" --results {chosen.results}"
    again = f"benchbox run {path} --scale {chosen.scale}{where}"
    if outcome.stopped:
        note(f"stopped with {done} of {len(states)} jobs done; go on with: {again}")
        return TERMINATED if received[:1] == [signal.SIGTERM] else INTERRUPTED
    note(f"{done} of {len(states)} jobs done{f', {len(failed)} failed' if failed else ''}")
    if failed:
        classes = sorted({state.failure for state in failed.values()} - set(REPEATED_CLASSES))
        note("again, when mended: " + again + "".join(f" --retry {name}" for name in classes))
        return ENVIRONMENT if all(state.exit_code == ENVIRONMENT for state in failed.values()) else FAILED
    note(f"next: benchbox table {path} --scale {chosen.scale}{where}")
    return OK


def _difference(arm: Arm) -> str:
    return ", ".join(f"{key}: {_short(before)} -> {_short(after)}" for key, before, after in arm.difference)


def _short(value: Any) -> str:
    return json.dumps(value) if value is not None else "none"


def _seeds(typed: str | None) -> list[int] | None:
    if typed is None:
        return None
    try:
        seeds = [int(part) for part in typed.split(",")]
    except ValueError:
        raise InvalidInput(f"--seeds {typed}: must be whole numbers with commas, e.g. 0,1,2") from None
    if len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InvalidInput(f"--seeds {typed}: seeds are different numbers from 0 up")
    return seeds
