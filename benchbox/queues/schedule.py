"""Drain a list of jobs through a queue: start what fits, repeat what died, wait for what another process runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchbox.jobdir import Attempt, JobDir, State
from benchbox.queues.local import LocalQueue

POLL_SECONDS = 0.1
ELSEWHERE_SECONDS = 1.0
MOST_REPEATS = 3


@dataclass(frozen=True)
class Event:
    """Something to tell the user: `kind` is started, ended, elsewhere or repeated."""

    kind: str
    job: JobDir
    attempt: int
    state: State | None = None
    slot: str = ""


@dataclass
class Outcome:
    """The last state of every job that this call saw end, and whether it was told to stop."""

    states: dict[str, State] = field(default_factory=dict)
    stopped: bool = False


def drain(
    jobs: Iterable[JobDir],
    queue: LocalQueue,
    *,
    tell: Callable[[Event], None],
    refresh: Callable[[], None],
    stop: Callable[[], bool],
    fail_fast: bool = False,
) -> Outcome:
    """Run every job; a failing job does not stop the others unless `fail_fast`.

    A worker that was killed from outside is started again, at most three times. A job that another process works on
    is watched, and taken over when that process dies.
    """
    waiting, elsewhere = list(jobs), dict[str, tuple[JobDir, float]]()
    outcome, deaths = Outcome(), Counter[str]()
    while waiting or elsewhere or queue.running:
        if stop():
            queue.cancel()
            outcome.stopped = True
            return outcome
        for attempt, state in queue.poll():
            if _died(state) and deaths[attempt.job.id] < MOST_REPEATS:
                deaths[attempt.job.id] += 1
                waiting.insert(0, attempt.job)
                tell(Event("repeated", attempt.job, attempt.number, state))
                continue
            outcome.states[attempt.job.id] = state
            tell(Event("ended", attempt.job, attempt.number, state))
            if state.name == "failed" and fail_fast:
                waiting.clear()
        while waiting and queue.free:
            _start(waiting.pop(0), queue, elsewhere, tell)
        for job, state in _come_back(elsewhere):
            if state.name in ("done", "failed"):
                outcome.states[job.id] = state
                tell(Event("ended", job, state.attempt, state))
            else:
                waiting.append(job)
        refresh()
        time.sleep(POLL_SECONDS)
    return outcome


def _start(
    job: JobDir, queue: LocalQueue, elsewhere: dict[str, tuple[JobDir, float]], tell: Callable[[Event], None]
) -> None:
    attempt: Attempt | None = None if job.state().name in ("running", "done") else queue.submit(job)
    if attempt is None:
        elsewhere[job.id] = (job, time.monotonic())
        tell(Event("elsewhere", job, job.state().attempt))
    else:
        tell(Event("started", job, attempt.number, slot=queue.running[-1].slot.name))


def _come_back(elsewhere: dict[str, tuple[JobDir, float]]) -> list[tuple[JobDir, State]]:
    back = []
    for job, looked in list(elsewhere.values()):
        if time.monotonic() - looked >= ELSEWHERE_SECONDS:
            state = job.state()
            elsewhere[job.id] = (job, time.monotonic())
            if state.name != "running":
                del elsewhere[job.id]
                back.append((job, state))
    return back


def _died(state: State) -> bool:
    return state.name == "failed" and state.failure == "infrastructure" and state.exit_code < 0
