"""The number that a paper prints, as the side that a measured score is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbox.errors import CannotJudge, nearest
from benchbox.gates.declaration import Gate
from benchbox.metrics.conventions import DEFAULT
from benchbox.metrics.protocol import Suppression, parse
from benchbox.papers import formula
from benchbox.papers.read import Paper
from benchbox.stats.sample import People, Sample, Score

USUAL = {"pckh": 0.5, "pck": 0.2}
"""Thresholds of the papers' columns."""


@dataclass(frozen=True, eq=False)
class PrintedSample:
    """A score without persons behind it: the same however images are weighted. See `benchbox.stats.sample.Sample`."""

    of: Sample
    value: float

    @property
    def people(self) -> People:
        return self.of.people

    @property
    def names(self) -> tuple[Score, ...]:
        return self.of.names

    @property
    def persons(self) -> int:
        return self.of.persons

    @property
    def resamples(self) -> int:
        return self.of.resamples

    @property
    def counted(self) -> np.ndarray:
        return self.of.counted

    def replicate(self, weights: np.ndarray) -> np.ndarray:
        return np.full((len(weights), len(self.names)), self.value)

    def only(self, names: Sequence[Score]) -> PrintedSample:
        return PrintedSample(self.of.only(names), self.value)

    def joined(self, other: Sample) -> PrintedSample:
        return self


def cell(paper: Paper | None, study: str, gate: Gate) -> float:
    """Return what a paper prints of a gate's arm: percent, or a count.

    Raises: CannotJudge where it prints none, or one that nothing here can be compared with.
    """
    if paper is None:
        raise CannotJudge(f'against = "paper": the study {study} names no paper')
    if gate.scale != "paper":
        raise CannotJudge(f"scale {gate.scale}: {paper.name} prints scores of scale paper")
    answered = [(table, row) for table in paper.tables for row in table.rows if table.study_of(row) == study]
    places = [(table, row) for table, row in answered if row.arm == gate.arm]
    if not places:
        names = [row.arm for _, row in answered if row.arm]
        others = [table.study_of(row) for table in paper.tables for row in table.rows if row.arm == gate.arm]
        hint = f"; the row of that name is answered by {others[0]}" if others else nearest(gate.arm, names)
        raise CannotJudge(f'arm "{gate.arm}": {paper.name} has no row for it in {study}{hint}')
    found = [
        (table.text(row, column), table.not_comparable or row.not_comparable)
        for table, row in places
        for column in table.columns
        if (column.metric, column.group) == (gate.metric, gate.group) and table.text(row, column) not in ("", "-")
    ]
    if not found:
        names = sorted({column.metric for table, _ in places for column in table.columns if column.metric})
        what = gate.metric if gate.group == "all" else f"{gate.metric} of {gate.group}"
        raise CannotJudge(f'{what}: {paper.name} prints none of "{gate.arm}"{nearest(gate.metric, names)}')
    text, why_not = found[0]
    if why_not and not gate.is_cost:
        raise CannotJudge(f"{gate.metric}: {paper.name} prints {text}, which is not comparable: {why_not}")
    return formula.printed(text).value * (1e6 if text.endswith("M") else 1)


def check_protocol(protocol: str, paper: str) -> None:
    """Refuse scores that are counted otherwise than papers count.

    Raises: CannotJudge.
    """
    read = parse(protocol)
    usual = not read.convention or (read.convention in DEFAULT.values() and read.threshold == USUAL[read.metric])
    if not usual or read.suppression != Suppression() or "best" in read.prediction:
        raise CannotJudge(f"protocol {protocol}: {paper} prints scores that are counted in the usual way")
