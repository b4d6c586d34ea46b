"""How long predicting takes, and whether the device did nothing else meanwhile."""

from __future__ import annotations

import os
import time
from typing import Any

import torch

from benchbox.lease import ALONE

CORE_SHARE = 0.95
"""Below this share of a core, others had it too."""


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._began, self._computed = time.perf_counter(), time.process_time()

    def read(self, persons: int, processes: int) -> dict[str, Any]:
        """Return the columns latency_seconds and exclusive of `runs`, for so many persons predicted since.

        A device was exclusive where the queue gave it to nobody else, and, of a core, where this process had all of it.
        Several processes share the work: no latency.
        """
        seconds, computed = time.perf_counter() - self._began, time.process_time() - self._computed
        whole = self._device.type == "cuda" or computed >= CORE_SHARE * seconds
        alone = processes == 1 and os.environ.get(ALONE) == "1" and whole
        return {"latency_seconds": seconds / persons if persons and processes == 1 else None, "exclusive": alone}
