"""The verb that runs a study: do what is missing, on this machine's devices."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchbox.cli import folders
from benchbox.cli.counts import count_networks
from benchbox.cli.display import Display
from benchbox.cli.study import Choice, Selection, estimates, headline, select
from benchbox.config import schedule as schedule_of
from benchbox.console import ask, live, note
from benchbox.digest import source_digest
from benchbox.errors import ENVIRONMENT, FAILED, INTERRUPTED, OK, TERMINATED, InvalidInput, nearest
from benchbox.files import explained
from benchbox.jobdir import FAILURE_CLASSES, REPEATED_CLASSES, Attempt, State
from benchbox.plan import Arm, jobs
from benchbox.queues import QUEUES
from benchbox.queues.pool import Need
from benchbox.queues.schedule import Outcome, drain

ASK_ABOVE_GPU_HOURS = 24
RETRIED = (*FAILURE_CLASSES, "cancelled")
"""What --retry takes."""


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
        if name not in RETRIED:
            raise InvalidInput(f"--retry {name}: unknown class of failure{nearest(name, RETRIED)}")
    chosen = select(path, choice)
    folders.require_data([arm.config for arm in chosen.arms], chosen.data)
    _check_writable(chosen.results)
    states = {job: chosen.folder(job).state() for job in jobs(chosen.arms)}
    _check_shares(chosen.arms, processes)
    todo = [arm for job, arm in jobs(chosen.arms).items() if _pending(states[job], retry, stale)]
    counted = count_networks([arm.config for arm in chosen.arms])
    seconds = estimates(chosen, states, counted)
    pool, need = folders.pool(slots, processes), Need(processes)
    note(headline(chosen, states, seconds, at_once=min(pool.most, max(1, len(todo)))))
    if not yes and _too_long(chosen, choice, sum(seconds[arm.job] for arm in todo)):
        return INTERRUPTED
    for arm in todo:
        chosen.folder(arm.job).write(arm.config)
        chosen.folder(arm.job).revive()
    stop, number = _catch_signals()
    queue = QUEUES[on](pool, _command(chosen, pack, processes))
    with Display(chosen.arms, chosen.results, len(todo), moving=live() and on == "local") as display:
        outcome = drain(
            [chosen.folder(arm.job) for arm in todo],
            queue,
            tell=display.tell,
            refresh=display.refresh,
            stop=stop,
            need=lambda job: need,
            fail_fast=fail_fast,
        )
    return _close(chosen, path, outcome, number)


def _pending(state: State, retry: Sequence[str], stale: bool) -> bool:
    if state.name == "done":
        return False
    if state.name == "stale":
        return stale
    if state.name == "cancelled":
        return "cancelled" in retry
    if state.name == "failed":
        return state.failure in (*REPEATED_CLASSES, *retry) or state.source != source_digest()
    return True


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
    given_up = sum(state.name == "cancelled" for state in states.values())
    if outcome.stopped:
        note(f"stopped with {done} of {len(states)} jobs done; go on with: {again}")
        return TERMINATED if received[:1] == [signal.SIGTERM] else INTERRUPTED
    counts = [f"{done} of {len(states)} jobs done", f"{len(failed)} failed", f"{given_up} cancelled"]
    note(", ".join(count for count, some in zip(counts, (True, failed, given_up), strict=True) if some))
    if given_up:
        note(f"take up what was cancelled: {again} --retry cancelled")
    if failed:
        classes = sorted({state.failure for state in failed.values()} - set(REPEATED_CLASSES))
        note("again, when mended: " + again + "".join(f" --retry {name}" for name in classes))
        return ENVIRONMENT if all(state.exit_code == ENVIRONMENT for state in failed.values()) else FAILED
    note(f"next: benchbox table {path} --scale {chosen.scale}{where}")
    return FAILED if given_up else OK
