"""Join a study's arms with what was measured: one row per arm, its seeds summed up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbox.jobdir import State
from benchbox.store import Store

ORDER = ("failed", "interrupted", "running", "pending", "stale", "done", "saved")
"""From the state that most needs saying to the one that needs no word."""


@dataclass(frozen=True)
class ArmJobs:
    """An arm as a table sees it: its name and the jobs of its seeds."""

    name: str
    reference: bool
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """A score's mean over the seeds that are done, its standard deviation (None for one seed), their number.

    `counted` is how many joints or persons the first seed's score counts.
    """

    mean: float
    deviation: float | None
    n: int
    counted: int = 0


@dataclass(frozen=True)
class ArmRow:
    """An arm with its state and its scores by (protocol, metric, group)."""

    arm: ArmJobs
    state: str
    scores: Mapping[tuple[str, str, str], Measured]


def rows(arms: Iterable[ArmJobs], store: Store) -> list[ArmRow]:
    """Return one row per arm in the given order, from the scores of its jobs."""
    values: dict[str, list[tuple[tuple[str, str, str], float, int]]] = {}
    names = ("job", "protocol", "metric", "group", "value", "n")
    for job, protocol, metric, group, value, counted in zip(*(store.scores[name] for name in names), strict=True):
        values.setdefault(job, []).append(((protocol, metric, group), float(value), int(counted)))
    return [ArmRow(arm, _state(arm, store.states), _scores(arm, values)) for arm in arms]


def protocols(table: Iterable[ArmRow]) -> list[str]:
    """List the protocols that made the scores, in order of first use."""
    return list(dict.fromkeys(protocol for row in table for protocol, _, _ in row.scores))


def _state(arm: ArmJobs, states: Mapping[str, State]) -> str:
    found = {states[job].name for job in arm.jobs}
    return next(name for name in ORDER if name in found)


def _scores(arm: ArmJobs, values: Mapping[str, Sequence[tuple[Any, float, int]]]) -> dict[Any, Measured]:
    gathered: dict[Any, list[tuple[float, int]]] = {}
    for job in arm.jobs:
        for key, value, counted in values.get(job, ()):
            gathered.setdefault(key, []).append((value, counted))
    return {key: _sum_up([value for value, _ in found], found[0][1]) for key, found in gathered.items()}


def _sum_up(values: Sequence[float], counted: int) -> Measured:
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Measured(mean, None, 1, counted)
    deviation = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return Measured(mean, deviation, len(values), counted)
