"""Judge a network on a job's test persons: predictions as the job makes them, then scores from these alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from torch import nn

from benchbox import records
from benchbox.config import JobConfig
from benchbox.datasets.topdown import TopDown
from benchbox.engine.distributed import ALONE, World
from benchbox.worker.predict import people_records
from benchbox.worker.score import Ground, score_people, whole

PRIMARY = ("AP", "PCKh", "PCK")
"""What the best of several weights is chosen by, the first that there is."""


@dataclass(frozen=True)
class Test:
    """A job's test: its persons, how they are predicted, by which processes, and what they are scored against."""

    __test__ = False  # no test of pytest's

    config: JobConfig
    crops: TopDown
    ground: Ground
    device: torch.device
    world: World = ALONE

    def people(self, model: nn.Module, told: Callable[[int], None]) -> pa.Table:
        """Predict everybody; `told` hears how many are done. Return the `people` records, in every process."""
        rows = people_records(model, self.crops, self.config, self.device, told, self.world)
        return records.table("people", rows)

    def scores(self, people: pa.Table) -> list[dict[str, Any]]:
        """Return the scores of `people` records, in every process."""
        return self.world.from_first(score_people(people, self.ground) if self.world.first else [])

    def validation(self, model: nn.Module, epoch: int, told: Callable[[int], None]) -> dict[str, float]:
        """Return the scores of all persons after so many epochs."""
        return {"epoch": epoch, **whole(self.scores(self.people(model, told)))}


def best_epoch(validations: list[dict[str, float]]) -> int | None:
    """Return the epoch of the best validation, the first of equals; scores that nobody has are worse than any."""
    metric = next((name for name in PRIMARY if any(name in one for one in validations)), "")
    if not validations:
        return None
    return int(max(validations, key=lambda one: one.get(metric, float("-inf")))["epoch"])


def is_best(validations: list[dict[str, float]]) -> bool:
    """Whether the last validation is the best."""
    return best_epoch(validations) == validations[-1]["epoch"]
