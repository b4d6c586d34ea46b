"""Make today's results the references that gates are held against: all of a file's, or none."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.errors import CannotJudge, InvalidInput
from benchbox.files import explained, write_temporary
from benchbox.gates import costs, reference
from benchbox.gates.declaration import Gate
from benchbox.gates.measured import Results
from benchbox.gates.sides import Side

NOTABLE, MOST = 5.0, 3
"""Points from which the change of a group is worth a line, and how many such lines there are."""


@dataclass(frozen=True)
class Update:
    """A reference to be written.

    Args:
        before: what stands there, where it can be read. unchanged: its results are today's, so it stays as it is.
        unreadable: something stands there that cannot be read.
    """

    path: Path
    side: Side
    text: str
    before: Side | None
    unchanged: bool
    unreadable: bool


def updates(gates: Sequence[Gate], results: Results, provenance: Mapping[str, Any]) -> list[Update]:
    """Return the references that gates name, from today's results.

    Args: provenance: commit, dirty and date, beside which stands what the first job recorded of its machine.

    Raises: CannotJudge where results are missing, stale, not numbers or fewer than a gate asks for; InvalidInput where
    two gates want one file for two arms.
    """
    by_path: dict[Path, list[Gate]] = {}
    for gate in gates:
        if isinstance(gate.against, Path):
            by_path.setdefault(gate.against, []).append(gate)
    return [_update(path, some, results, provenance) for path, some in by_path.items()]


def write_all(found: Sequence[Update]) -> None:
    """Write references, all or, where the disk refuses, none.

    Raises: EnvironmentProblem.
    """
    drafts: list[tuple[Path, Path]] = []
    try:
        for one in found:
            if not one.unchanged:
                with explained(one.path):
                    one.path.parent.mkdir(parents=True, exist_ok=True)
                drafts.append((write_temporary(one.path, one.text), one.path))
        for draft, path in drafts:
            with explained(path):
                os.replace(draft, path)
    finally:
        for draft, _ in drafts:
            draft.unlink(missing_ok=True)


def changes(update: Update) -> Iterator[dict[str, Any]]:
    """Yield each score and cost of a reference before and now, where they differ; means over the seeds."""
    old, new = (_values(side) if side else {} for side in (update.before, update.side))
    for key in dict.fromkeys([*new, *old]):
        if old.get(key) != new.get(key):
            score, group = key
            yield {
                "file": update.path.name,
                "score": score,
                "group": group,
                "before": old.get(key),
                "now": new.get(key),
            }


def summary(rows: Sequence[dict[str, Any]], groups: Collection[str]) -> list[dict[str, Any]]:
    """Return the changes of costs, of whole-set scores and of the groups asked for, and the greatest of the others."""

    def moved(row: Mapping[str, Any]) -> float:
        return 0.0 if row["before"] is None or row["now"] is None else abs(row["now"] - row["before"])

    others = [row for row in rows if row["group"] not in ("all", *groups)]
    most = sorted((row for row in others if moved(row) >= NOTABLE), key=moved, reverse=True)[:MOST]
    return [row for row in rows if row not in others or row in most]


def _update(path: Path, gates: Sequence[Gate], results: Results, provenance: Mapping[str, Any]) -> Update:
    arms = {(gate.scale, gate.arm): gate for gate in gates}
    if len(arms) > 1:
        names = " and ".join(f'"{gate.name}" ({gate.arm}, {gate.scale})' for gate in list(arms.values())[:2])
        raise InvalidInput(f"{path}: gates {names} want it for two arms; a reference holds one: give each its own file")
    side = results.side(gates[0].scale, gates[0].arm)
    for gate in gates:
        _check(gate, side, results)
    before = None
    with contextlib.suppress(CannotJudge):  # what is missing or damaged is what a new one replaces
        before = reference.read(path)
    text = reference.text(side, {**provenance, "job": dict(side.provenance)})
    standing = path.read_text(encoding="utf-8") if before else ""
    unchanged = before is not None and reference.same_results(standing, text)
    return Update(path, side, text, before, unchanged, unreadable=before is None and path.exists())


def _check(gate: Gate, side: Side, results: Results) -> None:
    if len(side.trainings) < gate.seeds:
        raise CannotJudge(f'"{gate.name}" asks for {gate.seeds} seeds, the results have {len(side.trainings)}')
    if gate.is_cost:
        costs.values_of(side, gate.metric)
        return
    protocol = results.protocol(gate)
    persons = side.samples(protocol)[0].persons
    if persons < gate.persons:
        raise CannotJudge(f'"{gate.name}" asks for {gate.persons} persons, the results have {persons}')
    for training in side.trainings:
        if math.isnan(training.scores.get((protocol, gate.metric, gate.group), math.nan)):
            raise CannotJudge(f'"{gate.name}": seed {training.seed} has no {gate.metric} of {gate.group}, or a NaN')


def _values(side: Side) -> dict[tuple[str, str], float]:
    """Return scores and costs by what they are called and whose they are."""
    names = list(dict.fromkeys(key for training in side.trainings for key in training.scores))
    found: dict[tuple[str, str], float] = {}
    for protocol, metric, group in names:
        values = [training.scores.get((protocol, metric, group), math.nan) for training in side.trainings]
        if not any(map(math.isnan, values)):
            found[f"{metric} of {group}, {protocol}", group] = float(np.mean(values))
    return found | {("parameters", "all"): float(side.parameters), ("macs", "all"): float(side.macs)}
