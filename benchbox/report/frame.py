"""Join a study's arms with what was measured: one row per arm, its seeds summed up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbox.jobdir import State
from benchbox.store import Store

ORDER = ("failed", "interrupted", "running", "pending", "stale", "done")
"""From the state that most needs saying to the one that needs no word."""


@dataclass(frozen=True)
class ArmJobs:
    """An arm as a table sees it: its name and the jobs of its seeds."""

    name: str
    reference: bool
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """A metric's mean over the seeds that are done, its standard deviation (None for one seed) and their number."""

    mean: float
    deviation: float | None
    n: int


@dataclass(frozen=True)
class ArmRow:
    """An arm with its state and its metrics by (protocol, metric); the protocol of costs is the empty string."""

    arm: ArmJobs
    state: str
    metrics: Mapping[tuple[str, str], Measured]


def rows(arms: Iterable[ArmJobs], store: Store) -> list[ArmRow]:
    """Return one row per arm in the given order, from the whole-set scores and the costs of its jobs."""
    values: dict[str, list[tuple[tuple[str, str], float]]] = {}
    whole = store.scores[store.scores["group"] == "all"]
    for job, protocol, metric, value in zip(
        *(whole[key] for key in ("job", "protocol", "metric", "value")), strict=True
    ):
        values.setdefault(job, []).append(((protocol, metric), float(value)))
    for job, parameters, macs in zip(*(store.runs[key] for key in ("job", "parameters", "macs")), strict=True):
        values.setdefault(job, []).extend([(("", "parameters"), float(parameters)), (("", "macs"), float(macs))])
    return [ArmRow(arm, _state(arm, store.states), _metrics(arm, values)) for arm in arms]


def protocols(table: Iterable[ArmRow]) -> list[str]:
    """List the protocols that made the scores, in order of first use."""
    return list(dict.fromkeys(protocol for row in table for protocol, _ in row.metrics if protocol))


def _state(arm: ArmJobs, states: Mapping[str, State]) -> str:
    found = {states[job].name for job in arm.jobs}
    return next(name for name in ORDER if name in found)


def _metrics(arm: ArmJobs, values: Mapping[str, Sequence[tuple[tuple[str, str], float]]]) -> dict[Any, Measured]:
    gathered: dict[tuple[str, str], list[float]] = {}
    for job in arm.jobs:
        for key, value in values.get(job, ()):
            gathered.setdefault(key, []).append(value)
    return {key: _sum_up(found) for key, found in gathered.items()}


def _sum_up(values: Sequence[float]) -> Measured:
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Measured(mean, None, 1)
    return Measured(mean, (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5, len(values))
