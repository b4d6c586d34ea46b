"""The number that a paper prints, as the side that a measured score is held against."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbox.errors import CannotJudge, nearest
from benchbox.gates.declaration import Gate
from benchbox.metrics.conventions import DEFAULT
from benchbox.metrics.protocol import Suppression, parse
from benchbox.papers.read import Paper
from benchbox.stats.sample import People, Sample, Score

NUMBER = re.compile(r"(\d+(?:\.\d+)?)(M?)")
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

    Raises: CannotJudge where it prints none, or one of another scale.
    """
    if paper is None:
        raise CannotJudge(f'against = "paper": the study {study} names no paper')
    if gate.scale != "paper":
        raise CannotJudge(f"scale {gate.scale}: {paper.name} prints scores of scale paper")
    if gate.group != "all":
        raise CannotJudge(f"group {gate.group}: {paper.name} prints scores of all")
    tables = [table for table in paper.tables if table.study == study]
    rows = [row for table in tables for row in table.rows if row.arm == gate.arm]
    if not rows:
        names = [row.arm for table in tables for row in table.rows if row.arm]
        raise CannotJudge(f'arm "{gate.arm}": {paper.name} has no row for it{nearest(gate.arm, names)}')
    texts = [row.reported[gate.metric] for row in rows if row.reported.get(gate.metric)]
    number = NUMBER.fullmatch(texts[0].strip()) if texts else None
    if number is None:
        names = sorted({key for row in rows for key in row.reported})
        raise CannotJudge(f'{gate.metric}: {paper.name} prints none of "{gate.arm}"{nearest(gate.metric, names)}')
    return float(number[1]) * (1e6 if number[2] else 1)


def check_protocol(protocol: str, paper: str) -> None:
    """Refuse scores that are counted otherwise than papers count.

    Raises: CannotJudge.
    """
    read = parse(protocol)
    usual = not read.convention or (read.convention in DEFAULT.values() and read.threshold == USUAL[read.metric])
    if not usual or read.suppression != Suppression() or "best" in read.prediction:
        raise CannotJudge(f"protocol {protocol}: {paper} prints scores that are counted in the usual way")
