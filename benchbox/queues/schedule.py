"""Drain a list of jobs through a queue: start what fits, repeat what died, wait for what another process runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchbox.jobdir import Attempt, JobDir, State
from benchbox.lease import Watch
from benchbox.queues.local import LocalQueue
from benchbox.queues.pool import Need

POLL_SECONDS = 0.1
ELSEWHERE_SECONDS = 1.0
MOST_REPEATS = 3
SETTLED = ("done", "failed", "cancelled")


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
    need: Callable[[JobDir], Need] = lambda job: Need(),
    begin: Callable[[JobDir], None] = lambda job: None,
    fail_fast: bool = False,
) -> Outcome:
    """Run every job, the first ones first; a failing job does not stop the others unless `fail_fast`.

    No device idles while a waiting job fits: a later one goes before one that needs more than is free. A worker that
    was killed from outside, or whose folder was deleted, is started again, at most three times. A job that another
    process works on is watched, and taken over when that process dies. No worker is left behind.

    Args: need: what a job needs of the pool. begin: writes what a job's folder must hold before its worker starts.
    """
    drained = _Drain(queue, tell, need, begin, list(jobs))
    try:
        while drained.left():
            if stop():
                drained.outcome.stopped = True
                break
            drained.see_ends(fail_fast)
            drained.start()
            drained.look_elsewhere()
            refresh()
            time.sleep(POLL_SECONDS)
    finally:
        queue.cancel()
    return drained.outcome


@dataclass
class _Drain:
    queue: LocalQueue
    tell: Callable[[Event], None]
    need: Callable[[JobDir], Need]
    begin: Callable[[JobDir], None]
    waiting: list[JobDir]
    elsewhere: dict[str, JobDir] = field(default_factory=dict)
    lapsed: dict[str, int] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    outcome: Outcome = field(default_factory=Outcome)
    watch: Watch = field(default_factory=Watch)
    looked: float = float("-inf")

    def left(self) -> bool:
        return bool(self.waiting or self.elsewhere or self.queue.running)

    def see_ends(self, fail_fast: bool) -> None:
        for attempt, state in self.queue.poll():
            job = attempt.job
            if _died(state) and self.deaths[job.id] < MOST_REPEATS:
                self.deaths[job.id] += 1
                self.waiting.insert(0, job)
                self.tell(Event("repeated", job, attempt.number, state))
                continue
            self._ended(job, attempt.number, state)
            if state.name == "failed" and fail_fast:
                self.waiting.clear()

    def start(self) -> None:
        refused: set[Need] = set()
        for job in list(self.waiting):
            if self.queue.full:
                return
            need = self.need(job)
            if need not in refused and not self._start(job, need):
                refused.add(need)

    def look_elsewhere(self) -> None:
        """See what became of the jobs of other processes, and take over those that nobody works on any more."""
        now = time.monotonic()
        if not self.elsewhere or now - self.looked < ELSEWHERE_SECONDS:
            return
        self.looked = now
        for job in list(self.elsewhere.values()):
            state = job.state()
            if state.name == "running":
                if not Attempt(job, state.attempt).lapsed(self.watch):
                    continue
                self.lapsed[job.id] = state.attempt
            del self.elsewhere[job.id]
            if state.name in SETTLED:
                self._ended(job, state.attempt, state)
            else:
                self.waiting.append(job)

    def _start(self, job: JobDir, need: Need) -> bool:
        """Start a job or see why it cannot be claimed; False where what it needs is not free."""
        state = job.state()
        lapsed = self.lapsed.get(job.id, 0)
        if state.name in ("running", "done", "cancelled") and state.attempt != lapsed:
            self._leave(job, state)
            return True
        self.begin(job)
        submitted = self.queue.submit(job, need, lapsed=lapsed)
        if submitted.busy:
            return False
        if submitted.attempt is None:
            self._leave(job, job.state())
        else:
            self.waiting.remove(job)
            self.tell(Event("started", job, submitted.attempt.number, slot=submitted.slot))
        return True

    def _leave(self, job: JobDir, state: State) -> None:
        self.waiting.remove(job)
        if state.name in SETTLED:
            self._ended(job, state.attempt, state)
            return
        self.elsewhere[job.id] = job
        self.tell(Event("elsewhere", job, state.attempt))

    def _ended(self, job: JobDir, number: int, state: State) -> None:
        self.outcome.states[job.id] = state
        self.tell(Event("ended", job, number, state))


def _died(state: State) -> bool:
    """Tell whether an ended attempt says nothing of its job: its worker was killed, or its folder is gone."""
    if state.name == "pending":
        return True
    return state.name == "failed" and state.failure == "infrastructure" and state.exit_code < 0
