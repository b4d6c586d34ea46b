"""The rule of a gate: from a difference and how well it is known to one of four words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchbox.gates.verdict import COULD_NOT_JUDGE, IMPROVED, PASSED, REGRESSED
from benchbox.stats.compare import Comparison


@dataclass(frozen=True)
class Gain:
    """How much better the measured side is than what it is held against, in the metric's unit.

    Args:
        value: more is better.
        low, high: its interval.
        noise: half-width of the interval that two runs of the baseline would have; 0 where nothing tells it.
        equal: the two sides are the same to the bit.
    """

    value: float
    low: float
    high: float
    noise: float = 0.0
    equal: bool = False

    @property
    def floor(self) -> float:
        """Return the smallest tolerance that can be told from noise."""
        return max((self.high - self.low) / 2, self.noise)

    def certainly_worse(self, tolerance: float) -> bool:
        """Tell whether the whole interval is worse than a tolerance, which holds however coarse the measurement is."""
        return self.high < -tolerance


def word(gain: Gain, tolerance: float) -> str:
    """Return a gate's outcome.

    A gate regressed where the whole interval of the change is worse than the tolerance, or where the change itself is
    and the noise is no greater than the tolerance. Otherwise a tolerance that is smaller than the noise is not judged.
    """
    if gain.equal:
        return PASSED
    if any(map(math.isnan, (gain.value, gain.low, gain.high, gain.noise, tolerance))):
        return COULD_NOT_JUDGE
    if gain.certainly_worse(tolerance):
        return REGRESSED
    if gain.floor > tolerance:
        return COULD_NOT_JUDGE
    if gain.value < -tolerance:
        return REGRESSED
    return IMPROVED if gain.value > tolerance else PASSED


def each_confidence(confidence: float, gates: int) -> float:
    """Return the confidence of one interval so that all of a file's hold together with `confidence`.

    Source: Dunn 1961, Multiple comparisons among means (Bonferroni's inequality).
    """
    return 1 - (1 - confidence) / max(gates, 1)


def needed(comparison: Comparison, noise: float, tolerance: float) -> str:
    """Say about how many seeds or persons would bring the noise down to a tolerance; nothing helps one of 0.

    The parts of the variance fall with their numbers; that Student's quantile falls too is left out, so the number is
    rather too large.
    """
    if tolerance <= 0:
        return "no number of seeds or persons is enough for a tolerance of 0"
    half = (comparison.high - comparison.low) / 2
    seeds, persons = max(comparison.seeds), comparison.persons
    *own, people, both = comparison.variance
    trained = sum(one for one in own if not math.isnan(one))
    if comparison.kind == "persons" or not trained:
        return f"needs about {math.ceil(persons * (half / tolerance) ** 2):,} persons"
    rest = max(people - both, 0.0)
    allowed = (trained + rest) * (tolerance / max(half, noise)) ** 2
    if allowed > rest:
        return f"needs about {math.ceil(seeds * trained / (allowed - rest))} seeds"
    return f"needs more seeds and about {math.ceil(persons * 2 * rest / allowed):,} persons"
