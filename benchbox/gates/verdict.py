"""What came of a gate, in words and numbers; nothing is loaded for it that computes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from benchbox.errors import CANNOT_JUDGE, FAILED, OK
from benchbox.gates.declaration import Gate

PASSED, IMPROVED, REGRESSED, COULD_NOT_JUDGE = "passed", "improved", "regressed", "could not judge"
CODES = {PASSED: OK, IMPROVED: OK, REGRESSED: FAILED, COULD_NOT_JUDGE: CANNOT_JUDGE}
WEIGHT = (FAILED, CANNOT_JUDGE, OK)
"""Exit codes from the one that wins over the others."""


@dataclass(frozen=True)
class Moved:
    """How one group's score moved, in points; the interval is NaN where there is none."""

    group: str
    before: float
    now: float
    low: float = math.nan
    high: float = math.nan

    @property
    def change(self) -> float:
        """Return now - before."""
        return self.now - self.before

    def __str__(self) -> str:
        interval = "" if math.isnan(self.low) else f" [{self.low:+.1f}, {self.high:+.1f}]"
        return f"{self.group} {self.change:+.1f}{interval} ({self.before:.1f} -> {self.now:.1f})"


@dataclass(frozen=True)
class Worst:
    """A person whose score fell: percent of the joints found, or OKS times 100, before and now."""

    image: str
    person: int
    before: float
    now: float

    def __str__(self) -> str:
        return f"{self.image} person {self.person} ({self.before:.0f} -> {self.now:.0f})"


@dataclass(frozen=True)
class Diagnosis:
    """Where a score moved.

    Args:
        moved: the group of each of `diagnosis.KINDS` that fell most.
        worst: persons that lost most.
        sentences: all of this in words, the likeliest cause first.
        swapped: percent of joints that lie at the mirrored joint's place, before and now.
        offset: (dx, dy) by which all joints moved, in pixels of the input.
    """

    moved: tuple[Moved, ...]
    worst: tuple[Worst, ...]
    sentences: tuple[str, ...]
    swapped: tuple[float, float]
    offset: tuple[float, float]


@dataclass(frozen=True)
class Verdict:
    """What came of one gate; numbers are in the metric's unit and NaN where there are none.

    Args:
        outcome: of `CODES`. reason: one line.
        change: measured - reference; low, high: its interval; floor: the smallest tolerance that noise allows.
        seeds: trainings of the reference and of the measured side. persons: how many were compared.
        kind: what the interval speaks of, see `stats.compare.Comparison`.
    """

    gate: Gate
    outcome: str
    reason: str
    protocol: str = ""
    measured: float = math.nan
    reference: float = math.nan
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    floor: float = math.nan
    tolerance: float = math.nan
    seeds: tuple[int, int] = (0, 0)
    persons: int = 0
    kind: str = ""
    notes: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None


def exit_code(outcomes: Iterable[str]) -> int:
    """Return the exit code of several gates: one that regressed wins, then one that could not be judged.

    No gate at all is no judgement.
    """
    codes = {CODES[one] for one in outcomes} or {CANNOT_JUDGE}
    return next(code for code in WEIGHT if code in codes)
