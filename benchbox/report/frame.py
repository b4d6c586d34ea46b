"""Join a study's arms with what was measured: one row per arm, its seeds summed up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame, factorize, isna

from benchbox.jobdir import State
from benchbox.store import Store

ORDER = ("failed", "interrupted", "running", "pending", "cancelled", "stale", "done", "saved")
"""From the state that most needs saying to the one that needs no word."""


Key = tuple[str, str, str]
"""Of a score: protocol, metric and group."""


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
    """An arm with its state, its scores by (protocol, metric, group), and what to know of its training.

    Args: left: "2 of 3 seeds (1 cancelled)" where some of its seeds are done and others are not.
    """

    arm: ArmJobs
    state: str
    scores: Mapping[Key, Measured]
    notes: tuple[str, ...] = ()
    left: str = ""


class Scores(Mapping[Key, Measured]):
    """The scores of an arm by protocol, metric and group, each summed up over its seeds when it is asked for."""

    def __init__(self, seeds: Sequence[Mapping[Key, tuple[float, int]]]) -> None:
        self._seeds = seeds
        one = seeds[0] if len(seeds) == 1 else None
        self._keys = dict.fromkeys(key for seed in seeds for key in seed) if one is None else one
        self._known: dict[Key, Measured] = {}

    def __getitem__(self, key: Key) -> Measured:
        found: Measured | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: Key, default: Any = None) -> Any:
        """Return what was measured; a table asks for each of its cells, so without an exception for those not there."""
        known = self._known.get(key)
        if known is None:
            found = [seed[key] for seed in self._seeds if key in seed]
            if not found:
                return default
            known = self._known[key] = _sum_up([value for value, _ in found], found[0][1])
        return known

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def rows(arms: Iterable[ArmJobs], store: Store) -> list[ArmRow]:
    """Return one row per arm in the given order, from the scores of its jobs."""
    values = _by_job(store.scores)
    divided = _divided(store)
    return [
        ArmRow(
            arm,
            _state(arm, store.states),
            Scores([values[job] for job in arm.jobs if job in values]),
            tuple(divided[job] for job in arm.jobs if job in divided),
            _left([store.states[job].name for job in arm.jobs]),
        )
        for arm in arms
    ]


def _by_job(scores: DataFrame) -> dict[str, dict[Key, tuple[float, int]]]:
    """Return value and count by key of every job.

    Keys repeat from job to job, so each is made once, however many rows have it.
    """
    parts = [factorize(scores[name]) for name in ("protocol", "metric", "group")]
    codes, size = np.zeros(len(scores), np.int64), 1
    for part, words in reversed(parts):
        codes, size = codes + size * part, size * max(len(words), 1)
    kinds, first, places = np.unique(codes, return_index=True, return_inverse=True)
    keys = list(zip(*(words.take(part[first]).tolist() for part, words in parts), strict=True)) if len(kinds) else []
    jobs, names = factorize(scores["job"])
    pairs = list(zip(scores["value"].tolist(), scores["n"].tolist(), strict=True))
    found: list[dict[Key, tuple[float, int]]] = [{} for _ in names]
    for job, place, pair in zip(jobs.tolist(), places.tolist(), pairs, strict=True):
        found[job][keys[place]] = pair
    return dict(zip(names.tolist(), found, strict=True))


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


def _left(states: Sequence[str]) -> str:
    others = Counter(name for name in states if name not in ("done", "stale", "saved"))
    if not 0 < others.total() < len(states):
        return ""
    counts = ", ".join(f"{others[name]} {name}" for name in ORDER if name in others)
    return f"{len(states) - others.total()} of {len(states)} seeds ({counts})"


def _sum_up(values: Sequence[float], counted: int) -> Measured:
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Measured(mean, None, 1, counted)
    deviation = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return Measured(mean, deviation, len(values), counted)
