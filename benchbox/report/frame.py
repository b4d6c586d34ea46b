"""Join a study's arms with what was measured: one row per arm, its seeds summed up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pandas import isna

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
    """An arm with its state, its scores by (protocol, metric, group), and what to know of its training."""

    arm: ArmJobs
    state: str
    scores: Mapping[tuple[str, str, str], Measured]
    notes: tuple[str, ...] = ()


def rows(arms: Iterable[ArmJobs], store: Store) -> list[ArmRow]:
    """Return one row per arm in the given order, from the scores of its jobs."""
    values: dict[str, list[tuple[tuple[str, str, str], float, int]]] = {}
    names = ("job", "protocol", "metric", "group", "value", "n")
    for job, protocol, metric, group, value, counted in zip(*(store.scores[name] for name in names), strict=True):
        values.setdefault(job, []).append(((protocol, metric, group), float(value), int(counted)))
    divided = _divided(store)
    return [
        ArmRow(
            arm,
            _state(arm, store.states),
            _scores(arm, values),
            tuple(divided[job] for job in arm.jobs if job in divided),
        )
        for arm in arms
    ]


def protocols(table: Iterable[ArmRow]) -> list[str]:
    """List the protocols that made the scores, in order of first use."""
    return list(dict.fromkeys(protocol for row in table for protocol, _, _ in row.scores))


def _divided(store: Store) -> dict[str, str]:
    """Say of the jobs whose batch norm saw less of a mini-batch than they asked for: short of memory, or shared."""
    notes = {}
    columns = ("job", "parts", "processes", "config")
    for job, parts, processes, config in zip(*(store.runs[name] for name in columns), strict=True):
        recipe, said = json.loads(config)["train"], []
        if not isna(parts) and parts > recipe.get("accumulate", 1):
            said.append(f"short of memory, mini-batches in {parts:.0f} parts: batch norm saw one part at a time")
        if not isna(processes) and processes > 1 and not recipe.get("sync_batch_norm", False):
            said.append(f"mini-batches shared by {processes:.0f} processes: batch norm saw each one's share by itself")
        if said:
            notes[job] = "; ".join(said)
    return notes


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
