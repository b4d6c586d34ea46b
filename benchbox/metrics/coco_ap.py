"""COCO's keypoint scores by its own tool, and the OKS of single people."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchbox.entries import read_json
from benchbox.errors import InvalidInput
from benchbox.metrics.coco_truth import PERSON, truth_of

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
_UNDEFINED = -1  # pycocotools' mark of a score without ground truth


def score(
    annotation_file: Path, results: Sequence[dict[str, Any]], image_ids: Sequence[int] | None = None
) -> dict[str, float]:
    """Score predicted people as COCO does, without a word on stdout.

    Args:
        annotation_file: COCO person keypoints.
        results: image_id, category_id, keypoints (51 numbers, pixels) and score of each person, as
            `benchbox.datasets.predictions.read_coco_results` returns them; not changed.
        image_ids: images to score, all when None.

    Returns:
        percent by name (`NAMES`); a score for which the ground truth has nobody (APM without people of medium size,
        say) is left out. Without results every defined score is 0.

    Raises:
        EnvironmentProblem: the annotation file cannot be read.
        InvalidInput: it is not what `benchbox.metrics.coco_truth` expects, or lacks the image of a result.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _truth(annotation_file)
        evaluation = COCOeval(truth, _predictions(truth, results), "keypoints")
        if image_ids is not None:
            evaluation.params.imgIds = sorted(set(image_ids))
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = zip(NAMES, evaluation.stats, strict=True)
    return {name: 100 * float(value) for name, value in stats if value != _UNDEFINED}


def oks_per_person(
    predicted: np.ndarray, truth: np.ndarray, areas: np.ndarray, sigmas: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Return the OKS of each predicted person against their own ground truth, over its labelled joints.

    Args:
        predicted: (N, K, 2) or more columns, x, y in pixels.
        truth: (N, K, 3) x, y in pixels, visibility; above 0 is labelled.
        areas: (N,) of the ground truth in square pixels.
        sigmas: (K,) constants of the joints.

    Returns:
        (N,) float64 in [0, 1]; NaN for people without a labelled joint.

    Source: pycocotools, `COCOeval.computeOks`.
    """
    labelled = truth[..., 2] > 0
    offsets = np.asarray(predicted, dtype=np.float64)[..., :2] - truth[..., :2]
    spread = 2 * (2 * np.asarray(sigmas)) ** 2 * (np.asarray(areas, dtype=np.float64)[:, None] + np.spacing(1))
    likeness = np.exp(-(offsets**2).sum(axis=-1) / spread)
    counts = labelled.sum(axis=1)
    similarity: np.ndarray = (likeness * labelled).sum(axis=1) / np.where(counts > 0, counts, np.nan)
    return similarity


def _truth(annotation_file: Path) -> COCO:
    """Load the ground truth, checked: pycocotools checks nothing."""
    truth = COCO()
    document = read_json(annotation_file, "it holds the ground truth")
    truth_of(document, annotation_file)
    # By the file's own categories nothing would be scored where it has none.
    truth.dataset = {key: document[key] for key in ("images", "annotations")} | {"categories": [{"id": PERSON}]}
    truth.createIndex()
    return truth


def _predictions(truth: COCO, results: Sequence[dict[str, Any]]) -> COCO:
    """Make pycocotools' object of results; it writes into what it is given, so it gets copies."""
    for index, result in enumerate(results):
        if result["image_id"] not in truth.imgs:
            raise InvalidInput(f"result {index}: image_id {result['image_id']} is not among the images of the truth")
    if results:
        return truth.loadRes([dict(result) for result in results])
    nobody = COCO()
    nobody.dataset = {
        "images": truth.dataset["images"],
        "categories": truth.dataset["categories"],
        "annotations": [],
    }
    nobody.createIndex()
    return nobody
