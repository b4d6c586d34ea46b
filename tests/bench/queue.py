"""Folders of ten thousand jobs, and what a job costs beside its work: `python -m tests.bench.queue`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchbox.config import JobConfig
from benchbox.jobdir import Attempt, JobDir
from benchbox.queues.cluster import states
from benchbox.queues.local import LocalQueue
from benchbox.queues.pool import cpu_pool
from benchbox.queues.schedule import drain

JOBS, NO_OPS = 10_000, 1000
LOAD = "from benchbox.worker.__main__ import uncollected\nwith uncollected():\n    import benchbox.worker.run"
ENQUEUE_LIMIT, STATUS_LIMIT, OVERHEAD_LIMIT, IDLE_LIMIT = 5.0, 1.0, 2.5, 1.0


def main() -> None:
    """Print every figure."""
    config = JobConfig.model_validate({"dataset": {"name": "synthetic"}, "model": {"name": "hrnet"}})
    with tempfile.TemporaryDirectory() as name:
        results = Path(name)
        jobs = [JobDir.of(results, f"{number:012x}") for number in range(JOBS)]
        began = time.perf_counter()
        for job in jobs:
            job.write(config)
        print(f"{JOBS:,} jobs enqueued   {time.perf_counter() - began:.2f} s (limit {ENQUEUE_LIMIT})")
        began = time.perf_counter()
        found, _ = states(jobs)
        print(f"their states          {time.perf_counter() - began:.2f} s (limit {STATUS_LIMIT})")
        assert all(state.name == "pending" for state in found.values())
        _no_ops(jobs[:6], [sys.executable, "-c", LOAD], "local, torch is loaded")
        _idle(jobs[6])
        nothing = [sys.executable, "-S", "-c", ""]
        _no_ops(jobs[7 : 7 + NO_OPS], nothing, f"local, {NO_OPS:,} that do nothing")
        _no_ops(jobs[-NO_OPS:], nothing, f"inline, {NO_OPS:,} that do nothing", echo=True)


def _no_ops(jobs: list[JobDir], words: list[str], what: str, *, echo: bool = False) -> None:
    """Print what a job costs whose worker does nothing, one at a time."""

    def command(attempt: Attempt) -> list[str]:
        return words

    began = time.perf_counter()
    queue = LocalQueue(cpu_pool(1), command, echo)
    drain(jobs, queue, tell=lambda event: None, refresh=lambda: None, stop=lambda: False)
    each = (time.perf_counter() - began) / len(jobs)
    print(f"a job, {what:33} {each:.2f} s (limit {OVERHEAD_LIMIT})")


def _idle(job: JobDir) -> None:
    """Print the share of a core that a scheduler takes while its only job sleeps."""
    queue = LocalQueue(cpu_pool(1), lambda attempt: [sys.executable, "-S", "-c", "import time; time.sleep(8)"])
    began, before = time.perf_counter(), sum(os.times()[:2])
    drain([job], queue, tell=lambda event: None, refresh=lambda: None, stop=lambda: False)
    share = 100 * (sum(os.times()[:2]) - before) / (time.perf_counter() - began)
    print(f"an idle scheduler     {share:.2f} % of a core (limit {IDLE_LIMIT})")


if __name__ == "__main__":
    main()
