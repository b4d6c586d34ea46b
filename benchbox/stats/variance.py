"""How much of a difference's variance comes from the trainings' seeds and how much from the test persons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST = 0.1
"""Of the interaction; see `variances`."""


@dataclass(frozen=True, eq=False)
class Variances:
    """Hold the variance of a difference of seed means, in parts; each (S,) float64 square points.

    Two sides of n_a and n_b trainings, all on the same persons, are random effects that cross: a score is the side's
    mean + its seed's effect + the persons' effect + what this seed does on these persons (their interaction).

    Args:
        seeds: (2, S) of each side, s^2 / n over its trainings: the seeds' effect and the interaction. NaN for one seed.
        persons: of the paired bootstrap of the seed means: the persons' effect and the interaction.
        both: the interaction, which both of these contain.
    """

    seeds: np.ndarray
    persons: np.ndarray
    both: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Return seeds + persons - both, never less than the seeds'; of single seeds the persons' alone.

        It may be less than the persons' part: where two sides differ by chance alone, all that part is interaction,
        which is in the seeds' part already. Taking the greater of the two would find a true gain less often.

        Source: Cameron, Gelbach and Miller 2011, Robust inference with multiway clustering (one part per way, less
        what both count); Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks.
        """
        seeds = self.seeds.sum(axis=0)
        return np.where(np.isnan(seeds), self.persons, seeds + np.maximum(self.persons - self.both, 0))

    def freedom(self, seeds: tuple[int, int], images: int) -> np.ndarray:
        """Return (S,) the degrees of freedom of `total`.

        Source: Satterthwaite 1946, An approximate distribution of estimates of variance components; Welch 1947.
        """
        own = np.where(np.isnan(self.seeds).any(axis=0), 0, self.seeds)
        terms = (self.total - own.sum(axis=0)) ** 2 / max(images - 1, 1)
        for part, number in zip(own, seeds, strict=True):
            terms = terms + part**2 / max(number - 1, 1)
        freedom: np.ndarray = np.divide(self.total**2, terms, out=np.full(len(terms), np.inf), where=terms > 0)
        return freedom


def variances(a: np.ndarray, b: np.ndarray, drawn_a: np.ndarray, drawn_b: np.ndarray) -> Variances:
    """Estimate the parts of the variance of mean(b) - mean(a).

    The interaction of one side is the variance between its trainings of how a replicate moves their scores: were
    images drawn for each training apart, the variance of their mean would be smaller by what they share, and the
    difference of both is what this measures. Few scores may be equal by chance; a tenth of their interaction is the
    least variance that trainings are believed to have.

    Args:
        a, b: (n_a, S) and (n_b, S) scores of the trainings.
        drawn_a, drawn_b: (n_a, R, S) and (n_b, R, S) bootstrap scores, under the same weights.
    """
    difference = drawn_b.mean(axis=0) - drawn_a.mean(axis=0)
    persons = np.nanvar(difference, axis=0, ddof=1)
    seeds, both = [], np.zeros(a.shape[1])
    for scores, drawn in ((a, drawn_a), (b, drawn_b)):
        number = len(scores)
        if number < 2:
            seeds.append(np.full(a.shape[1], np.nan))
            continue
        moved = drawn - np.nanmean(drawn, axis=1, keepdims=True)
        shared = np.nanmean(moved.var(axis=0, ddof=1), axis=0) / number
        seeds.append(np.maximum(scores.var(axis=0, ddof=1) / number, LEAST * shared))
        both = both + shared
    return Variances(np.stack(seeds), persons, both)
