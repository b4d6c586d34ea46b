"""How large an effect a plan can see, and what it takes to see one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from benchbox.stats.compare import Comparison

POWER = 0.8
CONFIDENCE = 0.95
MOST_SEEDS = 1000
MOST_SHARE = 10_000


@dataclass(frozen=True)
class Spread:
    """How much scores vary, in square points, as recorded.

    Args:
        seed: of one training's score, over seeds, on persons that stay; NaN where no arm has several seeds.
        persons: of the paired difference of two trainings, over sets of as many persons as were recorded.
        both: that part of `persons` which other seeds would change, and which `seed` holds too.
    """

    seed: float
    persons: float
    both: float


def spread_of(one: Comparison) -> Spread:
    """Return the spread that a comparison recorded, as of one training on each side."""
    persons, both = one.variance[2:]
    known = [(own, number) for own, number in zip(one.variance[:2], one.seeds, strict=True) if not np.isnan(own)]
    if not known:
        return Spread(np.nan, persons, 0.0)
    # Of n trainings the interaction is 1/n of one's; without it the persons' part is the same for any number.
    single = 2 * both / sum(1 / number for _, number in known)
    return Spread(float(np.mean([own * number for own, number in known])), persons - both + single, single)


def least_effect(
    spread: Spread, seeds: int, share: float = 1.0, *, images: int, confidence: float = CONFIDENCE, power: float = POWER
) -> float:
    """Return the least difference in points that is found with this power.

    The variance is that of `stats.variance`: 2 s^2 / n of the seeds and what is left of the persons' without the part
    that both hold; without a recorded spread of seeds, the persons' alone, of these networks only.

    Args:
        spread: as recorded.
        seeds: n of each side.
        share: persons as a multiple of those recorded.
        images: recorded.
        confidence: of the interval, in (0, 1).
        power: in (0, 1).

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 2.2 (noncentral t).
    """
    if np.isnan(spread.seed):
        variance, freedom = spread.persons / share, images * share - 1
    else:
        # On more persons a seed's own part of them shrinks, its part of the networks does not.
        own = 2 * (max(spread.seed - spread.both / 2, 0) + spread.both / 2 / share) / seeds
        rest = max(spread.persons - spread.both, 0) / share
        variance = own + rest
        terms = own**2 / (2 * (seeds - 1)) + rest**2 / (images * share - 1) if seeds > 1 else np.inf
        freedom = variance**2 / terms if terms else np.inf
    if not freedom > 0:
        return float("inf")
    # Beyond this the noncentral t is the normal one, and its series no longer converges.
    reach = stdtrit(freedom, (1 + confidence) / 2)
    shift = nctdtrinc(min(freedom, 1e4), 1 - power, reach)
    return float(shift * np.sqrt(variance))


def seeds_needed(
    spread: Spread, effect: float, share: float = 1.0, *, images: int, confidence: float = CONFIDENCE
) -> int:
    """Return the least number of seeds of each side with which the effect is found, 0 where none is enough.

    Args: see `least_effect`.
    """
    if np.isnan(spread.seed):
        return int(least_effect(spread, 1, share, images=images, confidence=confidence) <= effect)
    low, high = 2, MOST_SEEDS

    def enough(seeds: int) -> bool:
        return least_effect(spread, seeds, share, images=images, confidence=confidence) <= effect

    if not enough(high):
        return 0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def share_needed(spread: Spread, effect: float, seeds: int, *, images: int, confidence: float = CONFIDENCE) -> float:
    """Return how many times the recorded persons are needed with these seeds, infinite where none are enough.

    Args: see `least_effect`.
    """

    def enough(share: float) -> bool:
        return least_effect(spread, seeds, share, images=images, confidence=confidence) <= effect

    low, high = np.log(2 / images), np.log(MOST_SHARE)
    if not enough(float(np.exp(high))):
        return float("inf")
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(float(np.exp(middle))) else (middle, high)
    return float(np.exp(high))
