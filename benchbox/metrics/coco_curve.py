"""COCO's keypoint scores from match records, once or for many resampled sets of images."""

from __future__ import annotations

import numpy as np

from benchbox.metrics.coco_ap import NAMES
from benchbox.metrics.coco_match import AREAS, THRESHOLDS, Matches

RECALLS = np.linspace(0.0, 1.0, 101)  # Source: pycocotools, Params.setKpParams
_EPSILON = float(np.spacing(1))
_CHUNK = 32  # replicates at a time: their weights stay in the processor's cache
_ALL = slice(None)
_PLACES = {"AP": (0, _ALL), "AP50": (0, slice(0, 1)), "AP75": (0, slice(5, 6)), "APM": (1, _ALL), "APL": (2, _ALL)}


def scores(matches: Matches) -> dict[str, float]:
    """Return percent by name (`NAMES`) over all images; a score for which nobody counts is left out.

    Source: pycocotools, `COCOeval.accumulate` and `summarize`.
    """
    found = _by_name(*curves(matches, np.ones((1, len(matches.images)))))
    return {name: float(values[0]) for name, values in found.items() if not np.isnan(values[0])}


def bootstrap(matches: Matches, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of resampled sets of images, without matching anybody again.

    Args:
        matches: of the whole set.
        weights: (R, I) how often each image is drawn in each of R replicates, 0 or more.

    Returns:
        (R,) float64 percent by name (`NAMES`); NaN where nobody counts.

    Differs: where two predictions have the same score, copies of an image stay together; in pycocotools on a set of
    copies their order depends on the images' ids.
    """
    parts = [_by_name(*curves(matches, weights[start : start + _CHUNK])) for start in range(0, len(weights), _CHUNK)]
    return {name: np.concatenate([part[name] for part in parts] or [np.empty(0)]) for name in NAMES}


def curves(matches: Matches, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return precision over recall, and the recall reached, of weighted images.

    Args:
        matches: of the whole set.
        weights: (R, I) of the images, 0 or more.

    Returns:
        precision (R, A, T, 101) at `RECALLS`: the greatest at that recall or a higher one, 0 where it is not reached;
        recall (R, A, T). Both in [0, 1], NaN where nobody counts.
    """
    weights = np.asarray(weights, dtype=np.float64)
    positives = weights @ matches.positives
    shape = (len(weights), len(AREAS), len(THRESHOLDS))
    precision, recall = np.zeros((*shape, len(RECALLS))), np.zeros(shape)
    for area in range(len(AREAS)):
        some = np.where(positives[:, area] > 0, positives[:, area], np.nan)
        for threshold in range(len(THRESHOLDS)):
            here = (_ALL, area, threshold)
            right = np.flatnonzero(matches.matched[here] & ~matches.ignored[here])
            wrong = np.flatnonzero(~matches.matched[here] & ~matches.ignored[here])
            hits = np.cumsum(weights[:, matches.image[right]], axis=1)
            misses = np.cumsum(weights[:, matches.image[wrong]], axis=1)
            misses = np.pad(misses, ((0, 0), (1, 0)))[:, np.searchsorted(wrong, right)]
            precision[here] = _envelope(hits, misses, some)
            recall[here] = (hits[:, -1] if right.size else 0) / some
    precision[np.isnan(recall)] = np.nan
    return precision, recall


def _envelope(hits: np.ndarray, misses: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Return (R, 101) the greatest precision from each of `RECALLS` on.

    Args:
        hits, misses: (R, H) weights summed up to each right prediction; between them precision only falls.
        positives: (R,).
    """
    # The 0 at the end is the precision of a recall that is not reached.
    precision = np.pad(hits / (misses + hits + _EPSILON), ((0, 0), (0, 1)))
    recall = hits / positives[:, None]
    best = np.empty((len(hits), len(RECALLS)))
    for row in range(len(hits)):
        best[row] = np.maximum.reduceat(precision[row], np.searchsorted(recall[row], RECALLS))
    return np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]


def _by_name(precision: np.ndarray, recall: np.ndarray) -> dict[str, np.ndarray]:
    """Return (R,) percent by name."""
    means = {}
    for name, (area, part) in _PLACES.items():
        means[name] = precision[:, area, part].reshape(len(precision), -1).mean(axis=1)
        means[name.replace("AP", "AR")] = recall[:, area, part].mean(axis=1)
    return {name: 100 * means[name] for name in NAMES}
