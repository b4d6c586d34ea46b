"""Run jobs on this machine: each in a worker process of its own, with a GPU, a core, or several."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchbox.errors import ENVIRONMENT
from benchbox.files import read_record
from benchbox.jobdir import ENDED, Attempt, JobDir, State
from benchbox.queues.pool import Need, Pool, Slot

STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Submitted:
    """What became of a job that was to be started: nothing for now (`busy`), an attempt with the name of its devices,
    or, without an attempt, nothing because it cannot be claimed."""

    attempt: Attempt | None = None
    slot: str = ""
    busy: bool = False


@dataclass
class _Running:
    attempt: Attempt
    process: subprocess.Popen[bytes]
    slot: Slot


@dataclass
class LocalQueue:
    """Run each job in a process of its own, on devices of its own.

    Args:
        pool: the devices.
        command: the worker's command line for an attempt.
        echo: let the workers write to this process's own stderr instead of their log (executor "inline").
    """

    pool: Pool
    command: Callable[[Attempt], list[str]]
    echo: bool = False
    running: list[_Running] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Tell whether no job could be started now, whatever it needs."""
        return self.pool.full

    def submit(self, job: JobDir, need: Need, *, lapsed: int = 0) -> Submitted:
        """Claim a job and start its worker, if its devices are free.

        Args: lapsed: see `JobDir.claim`.
        """
        slot = self.pool.take(need)
        if slot is None:
            return Submitted(busy=True)
        attempt = None
        try:
            attempt = job.claim(lapsed=lapsed)
            if attempt is not None:
                self.running.append(_Running(attempt, self._started(attempt, slot), slot))
        finally:
            if not any(run.slot is slot for run in self.running):
                self.pool.give_back(slot)
        return Submitted(attempt, slot.name)

    def _started(self, attempt: Attempt, slot: Slot) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **slot.environment, "PYTHONUNBUFFERED": "1"}
        with open(attempt.log, "ab") as log:
            return subprocess.Popen(
                self.command(attempt),
                stdin=subprocess.DEVNULL,
                stdout=None if self.echo else log,
                stderr=None if self.echo else subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def poll(self) -> list[tuple[Attempt, State]]:
        """Return the attempts that ended since the last call, each with its job's state."""
        ended = []
        for run in list(self.running):
            code = run.process.poll()
            if code is not None:
                self.running.remove(run)
                self.pool.give_back(run.slot)
                record_end(run.attempt, code)
                ended.append((run.attempt, state_after(run.attempt)))
        return ended

    def cancel(self) -> None:
        """Ask every worker to save and stop; kill what has not stopped after half a minute."""
        for run in self.running:
            _signal(run.process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running and time.monotonic() < deadline:
            self.poll()
            time.sleep(0.05)
        for run in self.running:
            _signal(run.process, signal.SIGKILL)
            run.process.wait()
        self.poll()


def record_end(attempt: Attempt, code: int) -> None:
    """Record how a worker's process ended, where it could not do so itself and its folder is still there."""
    if code == 0 or not attempt.path.exists():
        return
    if code in (-signal.SIGTERM, -signal.SIGINT, 130, 143):
        attempt.end("interrupted", exit_code=143)
    elif code < 0:
        name = signal.Signals(-code).name
        attempt.end("failed", failure="infrastructure", error=f"the worker was killed by {name}", exit_code=code)
    elif code == ENVIRONMENT:
        error = f"{attempt.path}: cannot be written: the disk is full or read-only"
        attempt.end("failed", failure="infrastructure", error=error, exit_code=code)
    else:
        attempt.end("failed", failure="code", error=last_error_line(attempt), exit_code=code)


def state_after(attempt: Attempt) -> State:
    """Derive what an ended attempt left: how it ended where a stale result hides that, else the job's state."""
    state, end = attempt.job.state(), read_record(attempt.end_file, ENDED)
    if state.name == "stale" and state.attempt < attempt.number and end is not None and end["state"] != "done":
        return State(end["state"], attempt.number, end["class"], end["error"], end["exit_code"], end["source"])
    return state


def last_error_line(attempt: Attempt) -> str:
    """Return the last line of an attempt's log that says something."""
    try:
        lines = attempt.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "no log was written"
    return next((line.strip() for line in reversed(lines) if line.strip()), "the log is empty")


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
