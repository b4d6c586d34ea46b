"""Score saved predictions: from `people` records and the ground truth to rows of `scores`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox.config import JobConfig
from benchbox.metrics import coco_ap, pckh, protocol
from benchbox.pose import affine, oks
from benchbox.pose.skeleton import COCO17, Skeleton

OKS_THRESHOLD = 0.9
VISIBLE_THRESHOLD = 0.2
"""Of the official test configurations: NMS by OKS, and the confidence from which a keypoint counts in rescoring."""


def score_people(people: pa.Table, config: JobConfig, annotation_file: Path) -> list[dict[str, Any]]:
    """Compute every score that the records allow; reads nothing but them and the ground truth's file.

    Args: people: a `people` table. annotation_file: COCO ground truth of the test split.
    """
    test = config.evaluate.model_dump()
    rows = _coco_rows(people, config, annotation_file, protocol.coco_keypoints(**test))
    errors = np.array(people["joint_errors"].to_pylist(), np.float32).reshape(people.num_rows, -1)
    if np.isfinite(errors).any():
        name = protocol.pckh(threshold=protocol.PCKH_THRESHOLD, skeleton=COCO17.name, **test)
        rows += _pckh_rows(errors, people["category"].to_pylist(), COCO17, name)
    return rows


def _coco_rows(people: pa.Table, config: JobConfig, annotation_file: Path, name: str) -> list[dict[str, Any]]:
    results = coco_results(people, aspect=config.dataset.input[1] / config.dataset.input[0])
    scores = coco_ap.score(annotation_file, results)
    counted = people.num_rows
    return [_row(name, metric, "all", value, counted) for metric, value in scores.items()]


def coco_results(people: pa.Table, *, aspect: float) -> list[dict[str, Any]]:
    """Rescore the predictions by their keypoints' confidence and drop doubles, as the official test does.

    Args: aspect: width over height of the crops, which decides the area that the suppression uses.
    """
    if not people.num_rows:
        return []
    keypoints = np.array(people["keypoints"].to_pylist(), np.float32).reshape(people.num_rows, -1, 2)
    confidences = np.array(people["confidences"].to_pylist(), np.float32)
    triples = np.concatenate([keypoints, confidences[..., None]], axis=2)
    image_ids = people["image_id"].to_numpy()
    _, scale = affine.box_to_center_scale(np.array(people["box"].to_pylist()), aspect_ratio=aspect)
    kept, scores = oks.rescore(
        triples,
        people["box_score"].to_numpy(),
        image_ids,
        np.prod(scale.astype(np.float64) * 200, axis=1),
        sigmas=COCO17.sigmas,
        visible_threshold=VISIBLE_THRESHOLD,
        oks_threshold=OKS_THRESHOLD,
    )
    return [
        {
            "image_id": int(image_ids[index]),
            "category_id": 1,
            "keypoints": triples[index].ravel().astype(float).tolist(),
            "score": float(scores[index]),
        }
        for index in kept
    ]


def _pckh_rows(errors: np.ndarray, categories: list[str], skeleton: Skeleton, name: str) -> list[dict[str, Any]]:
    labelled = np.isfinite(errors)
    total = pckh.score(errors, labelled, threshold=protocol.PCKH_THRESHOLD)
    rows = [_row(name, "PCKh", "all", total.mean, int(labelled.sum()))]
    for joint, value, count in zip(skeleton.joints, total.per_joint, total.counts, strict=True):
        rows.append(_row(name, "PCKh", f"joint:{joint}", float(value), int(count)))
    named = np.array(categories)
    for category in sorted(set(categories) - {""}):
        part = named == category
        score = pckh.score(errors[part], labelled[part], threshold=protocol.PCKH_THRESHOLD)
        rows.append(_row(name, "PCKh", f"category:{category}", score.mean, int(part.sum())))
    return rows


def _row(name: str, metric: str, group: str, value: float, count: int) -> dict[str, Any]:
    return {"protocol": name, "metric": metric, "group": group, "value": float(value), "n": count}
