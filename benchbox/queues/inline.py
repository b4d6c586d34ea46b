"""Run one job after another, their output on this terminal: for looking at what a job does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchbox.jobdir import Attempt
from benchbox.queues.local import LocalQueue, Slot


def inline(slots: Sequence[Slot], command: Callable[[Attempt], list[str]]) -> LocalQueue:
    """Return a queue of one slot whose workers write to this process's stderr."""
    return LocalQueue(slots[:1], command, echo=True)
