"""Run one job after another, their output on this terminal: for looking at what a job does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchbox.jobdir import Attempt
from benchbox.queues.local import LocalQueue
from benchbox.queues.pool import Pool


def inline(pool: Pool, command: Callable[[Attempt], list[str]]) -> LocalQueue:
    """Return a queue of one job at a time whose worker writes to this process's stderr."""
    return LocalQueue(replace(pool, most=1), command, echo=True)
