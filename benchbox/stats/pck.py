"""Samples of PCKh and PCK: joints found and joints labelled, summed by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbox.metrics.conventions import Convention
from benchbox.metrics.pckh import found
from benchbox.stats.sample import People, Sample, Score

METRICS = {"pckh": "PCKh", "pck": "PCK"}


@dataclass(frozen=True, eq=False)
class PckSample:
    """Hold scores that are means of ratios: C ratios of joints found to joints labelled, S means of them.

    Args:
        people: N persons in I images.
        names: S.
        hits, counts: (I, C) float64 whole numbers.
        terms: (S, C) float64, what each ratio adds to each score; rows sum to 1.
    """

    people: People
    names: tuple[Score, ...]
    hits: np.ndarray
    counts: np.ndarray
    terms: np.ndarray
    resamples: int = 2000

    @property
    def persons(self) -> int:
        """See `Sample`."""
        return len(self.people.names)

    @property
    def counted(self) -> np.ndarray:
        """See `Sample`."""
        return self.counts

    def only(self, names: Sequence[Score]) -> PckSample:
        """See `Sample`."""
        if tuple(names) == self.names:
            return self
        terms = self.terms[[self.names.index(name) for name in names]]
        used = terms.any(axis=0)
        return replace(
            self, names=tuple(names), hits=self.hits[:, used], counts=self.counts[:, used], terms=terms[:, used]
        )

    def replicate(self, weights: np.ndarray) -> np.ndarray:
        """See `Sample`."""
        weights = np.asarray(weights, np.float64)
        counts = weights @ self.counts
        ratios = np.divide(weights @ self.hits, counts, out=np.zeros_like(counts), where=counts > 0)
        scores: np.ndarray = 100 * ratios @ self.terms.T
        scores[(counts == 0).astype(np.float64) @ (self.terms.T > 0) > 0] = np.nan
        return scores

    def joined(self, other: Sample) -> PckSample:
        """See `Sample`."""
        assert isinstance(other, PckSample)
        hits, counts = np.concatenate([self.hits, other.hits]), np.concatenate([self.counts, other.counts])
        return replace(self, hits=hits, counts=counts)


def pck_sample(
    errors: np.ndarray,
    labelled: np.ndarray,
    threshold: float,
    convention: Convention,
    *,
    people: People,
    image: np.ndarray,
    joints: Sequence[str],
    groups: Mapping[str, Sequence[int]] | None = None,
) -> PckSample:
    """Sum up by image what PCKh or PCK counts, for everybody and for groups of persons.

    Args:
        errors: (N, K) in head or torso sizes; a NaN is not found.
        labelled: (N, K) bool, joints that count.
        threshold: in the same unit.
        convention: of `conventions.CONVENTIONS`.
        people: N persons in I images.
        image: (N,) index into the images.
        joints: K names.
        groups: persons by the name of the group ("category:juggling"); of each the mean alone is kept.
    """
    kept = _Columns(found(errors, labelled, threshold, convention.inclusive), labelled, image, len(people.images))
    everybody = np.arange(len(labelled))
    single = [kept.add(everybody, [joint]) for joint in range(len(joints))]
    terms = {"all": _mean(kept, everybody, single, convention)}
    terms |= {f"joint:{joint}": {column: 1.0} for joint, column in zip(joints, single, strict=True)}
    terms |= {f"pair:{pair}": _even([single[one] for one in of]) for pair, of in convention.columns.items()}
    for group, members in (groups or {}).items():
        who = np.asarray(members, np.int64)
        pooled = convention.mean == "pooled"
        terms[group] = _mean(
            kept, who, [] if pooled else [kept.add(who, [joint]) for joint in range(len(joints))], convention
        )
    matrix = np.zeros((len(terms), len(kept.hits)))
    for row, columns in zip(matrix, terms.values(), strict=True):
        row[list(columns)] = list(columns.values())
    names = tuple((METRICS[convention.metric], group) for group in terms)
    return PckSample(people, names, np.stack(kept.hits, axis=1), np.stack(kept.counts, axis=1), matrix)


class _Columns:
    """The columns of a sample while they are collected."""

    def __init__(self, found: np.ndarray, labelled: np.ndarray, image: np.ndarray, images: int) -> None:
        self.found, self.labelled, self.image, self.images = found, np.asarray(labelled, bool), image, images
        self.hits: list[np.ndarray] = []
        self.counts: list[np.ndarray] = []

    def add(self, who: np.ndarray, joints: Sequence[int]) -> int:
        """Add the ratio of some joints of some persons; return its place."""
        part = np.ix_(who, np.array(joints, np.int64))
        for kept, of in ((self.hits, self.found), (self.counts, self.labelled)):
            kept.append(np.bincount(self.image[who], of[part].sum(axis=1), minlength=self.images))
        return len(self.hits) - 1


def _mean(kept: _Columns, who: np.ndarray, single: Sequence[int], convention: Convention) -> dict[int, float]:
    """Return what the mean of some persons is made of; `single` are their joints' columns."""
    joints = [joint for joint in range(kept.found.shape[1]) if joint not in convention.leave_out]
    if convention.mean == "pooled":
        return {kept.add(who, joints): 1.0}
    if convention.mean == "joints":
        return _even([single[joint] for joint in joints])
    shares: dict[int, float] = {}
    for of in convention.columns.values():
        for joint in of:
            shares[single[joint]] = shares.get(single[joint], 0.0) + 1 / len(of) / len(convention.columns)
    return shares


def _even(columns: Sequence[int]) -> dict[int, float]:
    return dict.fromkeys(columns, 1 / len(columns))
