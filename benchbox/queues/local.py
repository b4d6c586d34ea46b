"""Run jobs on this machine: one worker process per slot, a slot being a GPU or a CPU core, or several."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchbox.errors import ENVIRONMENT
from benchbox.jobdir import Attempt, JobDir, State

STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Slot:
    """A place for one job, with the environment that confines a worker to it."""

    name: str
    environment: Mapping[str, str]


@dataclass
class _Running:
    attempt: Attempt
    process: subprocess.Popen[bytes]
    slot: Slot


@dataclass
class LocalQueue:
    """At most one job per slot; `command` names the worker's command line for an attempt.

    `echo` lets the workers write to this process's own stderr instead of their log (executor "inline").
    """

    slots: Sequence[Slot]
    command: Callable[[Attempt], list[str]]
    echo: bool = False
    running: list[_Running] = field(default_factory=list)

    @property
    def free(self) -> list[Slot]:
        busy = {run.slot.name for run in self.running}
        return [slot for slot in self.slots if slot.name not in busy]

    def submit(self, job: JobDir) -> Attempt | None:
        """Claim a job and start its worker on a free slot; None when another process has it."""
        attempt = job.claim()
        if attempt is None:
            return None
        slot = self.free[0]
        environment = {**os.environ, **slot.environment, "PYTHONUNBUFFERED": "1"}
        with open(attempt.log, "ab") as log:
            process = subprocess.Popen(
                self.command(attempt),
                stdin=subprocess.DEVNULL,
                stdout=None if self.echo else log,
                stderr=None if self.echo else subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.running.append(_Running(attempt, process, slot))
        return attempt

    def poll(self) -> list[tuple[Attempt, State]]:
        """Return the attempts that ended since the last call, each with its job's state."""
        ended = []
        for run in list(self.running):
            code = run.process.poll()
            if code is not None:
                self.running.remove(run)
                _record_end(run.attempt, code)
                ended.append((run.attempt, run.attempt.job.state()))
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


def cpu_slots(count: int) -> list[Slot]:
    """Return CPU slots of one thread each; the number of threads is part of what makes a score repeatable."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return [Slot(f"cpu{index}", {**threads, "CUDA_VISIBLE_DEVICES": ""}) for index in range(count)]


def gpu_slots(devices: Sequence[str], each: int = 1) -> list[Slot]:
    """Return one slot per so many GPUs, named as CUDA_VISIBLE_DEVICES names them (index or UUID)."""
    groups = [",".join(devices[start : start + each]) for start in range(0, len(devices) - each + 1, each)]
    return [Slot(f"gpu{group}", {"CUDA_VISIBLE_DEVICES": group}) for group in groups]


def _record_end(attempt: Attempt, code: int) -> None:
    if code == 0:
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
