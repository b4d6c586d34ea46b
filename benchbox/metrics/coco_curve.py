"""COCO's keypoint scores from match records, once or for many resampled sets of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbox.metrics.coco_ap import NAMES
from benchbox.metrics.coco_match import AREAS, THRESHOLDS, Matches

if TYPE_CHECKING:
    from scipy.sparse import csr_array

RECALLS = np.linspace(0.0, 1.0, 101)  # Source: pycocotools, Params.setKpParams
_EPSILON = float(np.spacing(1))
_CHUNK = 32  # replicates at a time: their sums stay in the processor's cache
_ALL = slice(None)
_PLACES = {"AP": (0, _ALL), "AP50": (0, slice(0, 1)), "AP75": (0, slice(5, 6)), "APM": (1, _ALL), "APL": (2, _ALL)}


def scores(matches: Matches) -> dict[str, float]:
    """Return percent by name (`NAMES`) over all images; a score for which nobody counts is left out.

    Source: pycocotools, `COCOeval.accumulate` and `summarize`.
    """
    found = bootstrap(matches, np.ones((1, len(matches.images))))
    return {name: float(values[0]) for name, values in found.items() if not np.isnan(values[0])}


def bootstrap(matches: Matches, weights: np.ndarray, names: Sequence[str] = NAMES) -> dict[str, np.ndarray]:
    """Return the scores of resampled sets of images, without matching anybody again.

    Args:
        matches: of the whole set.
        weights: (R, I) how often each image is drawn in each of R replicates, 0 or more.
        names: of `NAMES`; the areas that none of them asks for are not computed.

    Returns:
        (R,) float64 percent by name; NaN where nobody counts.

    Differs: where two predictions have the same score, copies of an image stay together; in pycocotools on a set of
    copies their order depends on the images' ids.
    """
    areas = sorted({_PLACES[name.replace("AR", "AP")][0] for name in names})
    curves_of = Curves(matches, areas)
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in range(0, len(weights), _CHUNK):
        precision, recall = curves_of(weights[start : start + _CHUNK])
        for name in names:
            area, part = _PLACES[name.replace("AR", "AP")]
            over = (recall if "R" in name else precision)[:, areas.index(area), part]
            found[name].append(100 * over.reshape(len(over), -1).mean(axis=1))
    return {name: np.concatenate(parts or [np.empty(0)]) for name, parts in found.items()}


class Curves:
    """Precision over recall of weighted images, prepared once for many weights.

    Args:
        matches: of the whole set.
        areas: indices into `AREAS`; all when None.
    """

    def __init__(self, matches: Matches, areas: Sequence[int] | None = None) -> None:
        self.areas = list(range(len(AREAS)) if areas is None else areas)
        self.positives = matches.positives[:, self.areas]
        self.runs = [[_runs(matches, area, threshold) for threshold in range(len(THRESHOLDS))] for area in self.areas]

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return precision over recall, and the recall reached.

        Args:
            weights: (R, I) of the images, 0 or more.

        Returns:
            precision (R, A, T, 101) at `RECALLS`: the greatest at that recall or a higher one, 0 where it is not
            reached; recall (R, A, T). Both in [0, 1], NaN where nobody counts.
        """
        weights = np.asarray(weights, dtype=np.float64)
        by_image = np.ascontiguousarray(weights.T)
        positives = weights @ self.positives
        shape = (len(weights), len(self.areas), len(THRESHOLDS))
        precision, recall = np.zeros((*shape, len(RECALLS))), np.zeros(shape)
        for area, thresholds in enumerate(self.runs):
            some = np.where(positives[:, area] > 0, positives[:, area], np.nan)
            for threshold, (right, wrong) in enumerate(thresholds):
                hits = np.cumsum(right @ by_image, axis=0).T
                misses = np.cumsum(wrong @ by_image, axis=0).T
                precision[:, area, threshold] = _envelope(hits, misses, some)
                recall[:, area, threshold] = (hits[:, -1] if hits.size else 0) / some
        precision[np.isnan(recall)] = np.nan
        return precision, recall


def _runs(matches: Matches, area: int, threshold: int) -> tuple[csr_array, csr_array]:
    """Return (H, I) by run and image, how many predictions are right, and how many wrong between a run and the last.

    A run is right predictions with no wrong one among them. Precision rises along it, whatever the images weigh, so its
    end alone decides the greatest precision from any of its recalls on.
    """
    from scipy.sparse import csr_array

    matched, counts = matches.matched[:, area, threshold], ~matches.ignored[:, area, threshold]
    right, wrong = np.flatnonzero(matched & counts), np.flatnonzero(~matched & counts)
    before = np.searchsorted(wrong, right)
    wrong_before, run = np.unique(before, return_inverse=True)
    next_run = np.searchsorted(wrong_before, np.arange(len(wrong)), side="right")
    reached = next_run < len(wrong_before)
    parts = ((run, right), (next_run[reached], wrong[reached]))
    shape = (len(wrong_before), len(matches.images))
    first, second = (
        csr_array((np.ones(len(rows)), (rows, matches.image[which])), shape=shape) for rows, which in parts
    )
    return first, second


def _envelope(hits: np.ndarray, misses: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Return (R, 101) the greatest precision from each of `RECALLS` on.

    Args:
        hits, misses: (R, H) weights summed up to the end of each run; between them precision is lower.
        positives: (R,).
    """
    # The 0 at the end is the precision of a recall that is not reached.
    precision = np.pad(hits / (misses + hits + _EPSILON), ((0, 0), (0, 1)))
    recall = hits / positives[:, None]
    best = np.empty((len(hits), len(RECALLS)))
    for row in range(len(hits)):
        best[row] = np.maximum.reduceat(precision[row], np.searchsorted(recall[row], RECALLS))
    return np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]
