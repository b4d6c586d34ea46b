"""An arm's side of a gate from the records of its jobs."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchbox import store
from benchbox.errors import CannotJudge, InvalidInput
from benchbox.gates.arms import ArmJobs, arm_of, check_done
from benchbox.gates.declaration import FAMILY, Gate
from benchbox.gates.persons import Roll, hits_of, in_order, roll_of
from benchbox.gates.sides import Side, Training, protocol_of
from benchbox.gates.signs import signs_of
from benchbox.jobdir import JobDir
from benchbox.metrics.coco_text import Ground
from benchbox.metrics.protocol import parse
from benchbox.pose.skeleton import SKELETONS, Skeleton

Matched = tuple[Ground, Mapping[str, Sequence[str]]]
Matcher = Callable[[Sequence[str], str, Sequence[str]], Mapping[str, Any]]
"""Match some jobs' predictions by a COCO protocol for some groups; returns what `worker.matches` does."""


@dataclass
class Results:
    """The results of a study, each arm read once.

    Args:
        study: its name.
        arms: by (scale, name).
        results, data: folders.
        matcher: what makes match records, for AP.
        gates: all of a file, which decide by which protocols an arm is read.
    """

    study: str
    arms: Mapping[tuple[str, str], ArmJobs]
    results: Path
    data: Path | None
    matcher: Matcher
    gates: Sequence[Gate]
    sides: dict[tuple[str, str], Side | CannotJudge] = field(default_factory=dict)
    stores: dict[tuple[str, str], store.Store] = field(default_factory=dict)

    def arm(self, scale: str, name: str) -> ArmJobs:
        """Return an arm.

        Raises: CannotJudge where the study has none of that name.
        """
        return arm_of(self.arms, scale, name)

    def side(self, scale: str, name: str) -> Side:
        """Return an arm's side, by the protocols of all gates that speak of it or of an arm held against it.

        Raises: CannotJudge where its jobs are not all done with today's code and data, or its records are not sound.
        """
        key = (scale, name)
        if key not in self.sides:
            try:
                self.sides[key] = self._side(self.arm(scale, name))
            except CannotJudge as problem:
                self.sides[key] = problem
        found = self.sides[key]
        if isinstance(found, CannotJudge):
            raise found
        return found

    def protocol(self, gate: Gate, name: str | None = None) -> str:
        """Return the protocol of a gate's score, of its own arm or of another.

        Raises: CannotJudge where the results have none, or more than one.
        """
        scores = self._store(self.arm(gate.scale, name or gate.arm)).scores
        return protocol_of(gate.protocol, gate.metric, list(dict.fromkeys(scores["protocol"])), "the results")

    def _store(self, arm: ArmJobs) -> store.Store:
        key = (arm.scale, arm.name)
        if key not in self.stores:
            with unreadable():
                found = store.read(self.results, arm.jobs.values(), self.data)
            check_done(arm, {job: state.name for job, state in found.states.items()})
            self.stores[key] = found
        return self.stores[key]

    def _side(self, arm: ArmJobs) -> Side:
        found = self._store(arm)
        wanted = [gate for gate in self.gates if gate.scale == arm.scale and not gate.is_cost]
        of_arm = [gate for gate in wanted if arm.name in (gate.arm, self.arm(arm.scale, gate.arm).reference)]
        groups: dict[str, list[str]] = {}
        for gate in of_arm:
            with contextlib.suppress(CannotJudge):
                groups.setdefault(self.protocol(gate, arm.name), ["all"]).append(gate.group)
        runs = {str(row["job"]): dict(row) for row in found.runs.to_dict("records")}
        with unreadable():
            tables = {job: in_order(store.people(self.results, job)) for job in arm.jobs.values()}
            config = JobDir.of(self.results, next(iter(tables))).read()
        skeleton, matches = SKELETONS[config.dataset.skeleton], self._matches(arm, groups)
        roll = _roll(arm, tables, skeleton)
        made = _Records(found.scores, runs, tables, matches, tuple(groups), skeleton, config.dataset.input)
        first, people = made.first(arm), next(iter(tables.values()))
        return Side(
            study=self.study,
            scale=arm.scale,
            arm=arm.name,
            skeleton=skeleton.name,
            protocols=made.protocols,
            trainings=tuple(made.training(seed, job) for seed, job in sorted(arm.jobs.items())),
            roll=roll,
            coco={name: ground for name, (ground, _) in matches.items()},
            parameters=int(first["parameters"]),
            macs=int(first["macs"]),
            device=str(first["device"]),
            hardware=_hardware(json.loads(first["provenance"])),
            provenance=json.loads(first["provenance"]),
            areas=people["area"].to_numpy(),
            hidden=np.array(people["truth"].to_pylist(), np.float64).reshape(people.num_rows, -1, 3)[:, :, 2] == 1,
        )

    def _matches(self, arm: ArmJobs, groups: Mapping[str, Sequence[str]]) -> dict[str, Matched]:
        jobs, found = list(dict.fromkeys(arm.jobs.values())), {}
        for protocol, some in groups.items():
            if parse(protocol).metric == FAMILY["AP"]:
                told = self.matcher(jobs, protocol, list(dict.fromkeys(some)))
                ground = Ground(*(tuple(told[name]) for name in ("groups", "persons", "images")))
                found[protocol] = (ground, told["predictions"])
        return found


@contextlib.contextmanager
def unreadable() -> Iterator[None]:
    """Let records that are damaged be a gate that could not judge."""
    try:
        yield
    except InvalidInput as problem:
        raise CannotJudge(str(problem)) from None


@dataclass(frozen=True)
class _Records:
    """What is on record of an arm's jobs."""

    scores: pd.DataFrame
    runs: Mapping[str, Mapping[Hashable, Any]]
    tables: Mapping[str, pa.Table]
    matches: Mapping[str, Matched]
    protocols: tuple[str, ...]
    skeleton: Skeleton
    input: tuple[int, int]

    def training(self, seed: int, job: str) -> Training:
        people, memory = self.tables[job], self.runs[job]["peak_memory_bytes"]
        latency, exclusive = self.runs[job]["latency_seconds"], self.runs[job]["exclusive"]
        counted = [name for name in self.protocols if name not in self.matches]
        return Training(
            seed=seed,
            job=job,
            scores=self._scores(job),
            hits={name: hits_of(people, parse(name), self.skeleton) for name in counted},
            oks=np.round([math.nan if one is None else one for one in people["oks"].to_pylist()], 3),
            predictions={name: lines[job] for name, (_, lines) in self.matches.items()},
            signs=signs_of(people, self.input, self.skeleton),
            memory=None if pd.isna(memory) else int(memory),
            latency=float(latency) if not pd.isna(latency) and not pd.isna(exclusive) and exclusive else None,
        )

    def first(self, arm: ArmJobs) -> Mapping[Hashable, Any]:
        """Return the first job's row, with which the others agree in what is the arm's.

        Raises: CannotJudge where they do not.
        """
        rows = [self.runs[job] for job in arm.jobs.values()]
        for key in ("parameters", "macs", "device"):
            if any(row[key] != rows[0][key] for row in rows):
                raise CannotJudge(f'arm "{arm.name}": the seeds differ in {key}')
        return rows[0]

    def _scores(self, job: str) -> dict[tuple[str, str, str], float]:
        some = self.scores[(self.scores["job"] == job) & self.scores["protocol"].isin(self.protocols)]
        rows = zip(*(some[name] for name in ("protocol", "metric", "group", "value")), strict=True)
        return {(str(protocol), str(metric), str(group)): float(value) for protocol, metric, group, value in rows}


def _hardware(provenance: Mapping[str, Any]) -> str:
    """Return the name of what computed: a GPU's, else the processor's."""
    device = str(provenance.get("device", ""))
    return str(provenance.get("cpu", "")) if device == "cpu" else device


def _roll(arm: ArmJobs, tables: Mapping[str, pa.Table], skeleton: Skeleton) -> Roll:
    """Return the persons that all jobs were tested on.

    Raises: CannotJudge where they were not tested on the same.
    """
    rolls = {seed: roll_of(tables[job], skeleton) for seed, job in sorted(arm.jobs.items())}
    first = next(iter(rolls.values()))
    for seed, other in rolls.items():
        same = other.names == first.names and np.array_equal(other.truth, first.truth)
        if not same or not np.array_equal(other.unit, first.unit, equal_nan=True):
            raise CannotJudge(f'arm "{arm.name}": seed {seed} was tested on other persons than the first seed')
    return first
