"""Tell a gain from noise: two sides on the same persons, each one training or several."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from benchbox.errors import CannotJudge
from benchbox.stats.holm import by_family, family
from benchbox.stats.resample import ROUNDING, bootstrap, p_value, permutation
from benchbox.stats.sample import Sample, Score, alike
from benchbox.stats.variance import Variances, variances

KINDS = ("persons", "seeds and persons")
MOST = 20
"""Times the usual permutations that a test may take by itself, so that its p can be small enough for its family."""


@dataclass(frozen=True)
class Comparison:
    """One score of two sides.

    Args:
        a, b: percent, means over the seeds of each side.
        difference: b - a in points.
        low, high: the interval of the difference at `confidence`; NaN where it cannot be told.
        p: two-sided, of no difference.
        p_holm: p, adjusted for its family (see `holm.family`).
        confidence: in (0, 1).
        seeds: trainings of a and of b.
        persons, images: how many were compared.
        kind: what the interval speaks of: "persons" (of these trained networks on other persons; nothing of the
            noise of training) or "seeds and persons" (of other trainings, too).
        variance: of the difference, in square points, by part: seeds (of a and of b, NaN for one seed), persons, both
            (see `Variances`).
        least: the smallest p that its test can give, 1 / (permutations + 1); 0 of Student's t.
        resamples: how often images were drawn anew.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    confidence: float
    seeds: tuple[int, int]
    persons: int
    images: int
    kind: str
    variance: tuple[float, float, float, float]
    least: float = 0.0
    resamples: int = 0

    @property
    def word(self) -> str:
        """Return better or worse (b than a, after Holm's adjustment), "no difference seen", or "unclear".

        It is unclear where p is the least that its permutations can give and yet too great for its family.
        """
        if not self.p_holm < 1 - self.confidence:
            return "unclear" if self.p <= self.least else "no difference seen"
        return "better" if self.difference > 0 else "worse"


def compare(
    a: Sequence[Sample],
    b: Sequence[Sample],
    *,
    confidence: float = 0.95,
    resamples: int | None = None,
    seed: int = 0,
) -> dict[Score, Comparison]:
    """Compare every score that both sides have; Holm's adjustment is within each `holm.family`.

    One training on each side: the interval holds the middle of a paired bootstrap over images, p is that of a
    permutation test that exchanges the sides by image, more often where p is the least possible and too great for its
    family (never when `resamples` is given). One on one side only: mean difference and the bootstrap's
    variance. Several on both: Student's t with the variance of seeds and persons (`Variances`); the seeds of the two
    sides are not paired, which is right, or cautious, unless equal seeds make scores differ more.

    Args:
        a, b: trainings of each side that differ in their seed alone.
        confidence: in (0, 1).
        resamples: of images; the samples' own number when None.
        seed: of the resampling; the same input gives the same bits.

    Raises: CannotJudge where the samples are not of the same persons with the same truth, or share no score.
    """
    both, scores = _scored([*a, *b])
    first, number, images = both[0], len(a), len(both[0].people.images)
    drawn = bootstrap(both, resamples or first.resamples, seed)
    parts = variances(scores[:number], scores[number:], drawn[:number], drawn[number:])
    mean_a, mean_b = scores[:number].mean(axis=0), scores[number:].mean(axis=0)
    difference = mean_b - mean_a
    difference[np.abs(difference) < ROUNDING] = 0  # means of two and of three equal scores may differ in the last bit
    if len(a) == len(b) == 1:
        moved = drawn[1] - drawn[0]
        tail = 50 * (1 - confidence)
        low, high = np.nanpercentile(moved, [tail, 100 - tail], axis=0)
        p, least = _permuted(both[0], both[1], difference, resamples, seed, 1 - confidence)
    else:
        low, high, p = _student(difference, parts, (len(a), len(b)), images, confidence)
        least = np.zeros(len(p))
    holmed = by_family(p, [family(*name) for name in first.names])
    columns = (mean_a, mean_b, difference, low, high, p, holmed, least, *parts.seeds, parts.persons, parts.both)
    kind, found = KINDS[len(a) > 1 and len(b) > 1], {}
    for name, row in zip(first.names, np.stack(columns, axis=1).tolist(), strict=True):
        one, other, gap, bottom, top, chance, adjusted, floor, *variance = row
        found[name] = Comparison(
            *(one, other, gap, bottom, top, chance, adjusted),
            confidence=confidence,
            seeds=(len(a), len(b)),
            persons=first.persons,
            images=images,
            kind=kind,
            variance=(variance[0], variance[1], variance[2], variance[3]),
            least=floor,
            resamples=resamples or first.resamples,
        )
    return found


def noise(samples: Sequence[Sample], *, confidence: float = 0.95) -> dict[Score, float]:
    """Return the half-width that the interval has when trainings like these are compared with as many again.

    Such a difference has the variance 2 s^2 / n, of which s^2 is known with n - 1 degrees of freedom from these.

    Args:
        samples: n trainings that differ in their seed alone.
        confidence: in (0, 1).

    Returns:
        points by score; NaN for one training, which says nothing of the noise.
    """
    same, scores = _scored(samples)
    names, number = same[0].names, len(same)
    if number < 2:
        return dict.fromkeys(names, float("nan"))
    deviation = np.std(scores, axis=0, ddof=1) * np.sqrt(2 / number)
    reach = float(stdtrit(2 * (number - 1), (1 + confidence) / 2))
    return {name: reach * float(one) for name, one in zip(names, deviation, strict=True)}


def _scored(samples: Sequence[Sample]) -> tuple[list[Sample], np.ndarray]:
    """Return samples of the scores that all of them have and for which somebody counts, and these scores, (n, S)."""
    same = alike(samples)
    scores = np.concatenate([one.replicate(np.ones((1, len(one.people.images)))) for one in same])
    some = ~np.isnan(scores).any(axis=0)
    names = [name for name, there in zip(same[0].names, some, strict=True) if there]
    if not names:
        raise CannotJudge("nobody counts on both sides")
    return [one.only(names) for one in same], scores[:, some]


def _permuted(
    a: Sample, b: Sample, difference: np.ndarray, resamples: int | None, seed: int, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return p by permutation and the least that it can be, each (S,).

    Going on where p is at its least keeps the test's level: what is then found was found among the first ones already.
    """
    number = resamples or a.resamples
    p = p_value(difference, permutation(a, b, number, seed))
    least = np.full(len(p), 1 / (number + 1))
    families = [family(*name) for name in a.names]
    for one, members in Counter(families).items():
        more = math.ceil(members / level)
        places = [place for place, other in enumerate(families) if other == one and p[place] <= least[place]]
        if resamples or not places or not number < more <= MOST * number:
            continue
        names = [a.names[place] for place in places]
        p[places] = p_value(difference[places], permutation(a.only(names), b.only(names), more, seed))
        least[places] = 1 / (more + 1)
    return p, least


def _student(
    difference: np.ndarray, parts: Variances, seeds: tuple[int, int], images: int, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the interval's ends and p by Student's t."""
    freedom = parts.freedom(seeds, images)
    error = np.sqrt(np.where(parts.total < ROUNDING**2, 0, parts.total))
    reach = stdtrit(freedom, (1 + confidence) / 2) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(difference == 0, 0.0, np.abs(difference) / error)
    p = np.where(np.isnan(difference), np.nan, 2 * stdtr(freedom, -far))
    return difference - reach, difference + reach, p
