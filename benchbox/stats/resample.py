"""Draw images anew: bootstrap and permutation, many samples under the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchbox.stats.sample import Sample

ROUNDING = 1e-9
"""Points that floating-point sums may add to a difference of equal scores."""
_CHUNK = 256  # replicates at a time, so that their weights stay small


def bootstrap(samples: Sequence[Sample], resamples: int, seed: int) -> np.ndarray:
    """Return the scores of images drawn with replacement, the same ones for every sample.

    Args:
        samples: n, of the same people.
        resamples: R.
        seed: of the drawing.

    Returns:
        (n, R, S) float64 percent.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, chapters 6 and 8; whole images are drawn since
    persons of one image are not independent (Davison and Hinkley, Bootstrap Methods, 3.8).
    """
    images = len(samples[0].people.images)
    parts = [[sample.replicate(weights) for sample in samples] for weights in _drawn(images, resamples, seed)]
    return np.stack([np.concatenate(rows) for rows in zip(*parts, strict=True)])


def permutation(a: Sample, b: Sample, resamples: int, seed: int) -> np.ndarray:
    """Return differences b - a after the two exchanged their predictions on each image with probability 1/2.

    Returns:
        (R, S) float64 points.

    Source: Edgington and Onghena, Randomization Tests, chapter 6 (paired designs), with images as units.
    """
    both, images = a.joined(b), len(a.people.images)
    rng = np.random.default_rng([seed, 1])
    parts = []
    for size in _chunks(resamples):
        kept = rng.integers(0, 2, (size, images)).astype(np.float64)
        mixed = both.replicate(np.block([[kept, 1 - kept], [1 - kept, kept]]))
        parts.append(mixed[size:] - mixed[:size])
    return np.concatenate(parts)


def p_value(observed: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Return the two-sided p of each observed difference, the observed one counted among the permuted.

    Args:
        observed: (S,).
        permuted: (R, S).

    Returns:
        (S,) float64 in (0, 1]; NaN where nothing was observed.

    Source: Phipson and Smyth 2010, Permutation p-values should never be zero.
    """
    reach = np.abs(observed) - ROUNDING  # what only rounding tells from the observed difference is as great
    p = (1 + (np.abs(permuted) >= reach).sum(axis=0)) / (1 + len(permuted))
    return np.where(np.isnan(observed), np.nan, p)


def _drawn(images: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng([seed, 0])
    for size in _chunks(resamples):
        places = rng.integers(0, images, (size, images)) + images * np.arange(size)[:, None]
        yield np.bincount(places.ravel(), minlength=size * images).reshape(size, images).astype(np.float64)


def _chunks(resamples: int) -> Iterator[int]:
    for start in range(0, resamples, _CHUNK):
        yield min(_CHUNK, resamples - start)
