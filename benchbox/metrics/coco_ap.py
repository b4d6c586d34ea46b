"""COCO's keypoint AP and AR, by pycocotools; and OKS person by person."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


def score(
    annotation_file: Path, results: list[dict[str, Any]], image_ids: Sequence[int] | None = None
) -> dict[str, float]:
    """Return COCO's ten keypoint numbers in percent, without those for which the ground truth has nobody.

    Args:
        annotation_file: COCO person keypoints. results: image_id, category_id, keypoints (51 numbers), score each.
        image_ids: the images to score; all of the file when not given.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotation_file))
        if not results:
            return dict.fromkeys(NAMES, 0.0)
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        if image_ids is not None:
            evaluation.params.imgIds = list(image_ids)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = [float(value) for value in evaluation.stats]
    return {name: value * 100 for name, value in zip(NAMES, values, strict=True) if value >= 0}


def oks_per_person(
    predicted: np.ndarray, truth: np.ndarray, areas: np.ndarray, sigmas: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Return each person's OKS against their own ground truth.

    Args:
        predicted: (N, K, 2) x, y in pixels. truth: (N, K, 3) x, y, visibility. areas: (N,) square pixels.
        sigmas: (K,) constants of the joints.
    Returns: (N,) float64 in [0, 1], NaN for people without a labelled keypoint.
    Source: COCO's keypoint evaluation.
    """
    squared = ((np.asarray(predicted, np.float64) - truth[..., :2]) ** 2).sum(axis=-1)
    variances = (2 * np.asarray(sigmas)) ** 2
    likeness = np.exp(-squared / variances / (areas[:, None] + np.spacing(1)) / 2)
    labelled = truth[..., 2] > 0
    counts = labelled.sum(axis=1)
    return np.where(counts > 0, (likeness * labelled).sum(axis=1) / np.maximum(counts, 1), np.nan)
