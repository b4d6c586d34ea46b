"""Predict every person of a test split and write down all that a score needs: the `people` records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbox.config import JobConfig
from benchbox.datasets.topdown import TopDown
from benchbox.engine.predict import predict
from benchbox.metrics import pckh
from benchbox.metrics.coco_ap import oks_per_person
from benchbox.metrics.protocol import PCKH_THRESHOLD
from benchbox.pose.heatmap import decode

EVALUATION_BATCH = 32
GLANCE_PEOPLE = 256


def people_records(
    model: nn.Module, crops: TopDown, config: JobConfig, device: torch.device, told: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Predict the people of `crops` in their order; `told` hears how many are done after every batch."""
    test = config.evaluate
    keypoints, confidences = _predict_all(
        model,
        crops,
        device,
        told=told,
        flip_test=test.flip_test,
        flip_shift=test.flip_shift,
        quarter=test.decode == "quarter",
    )
    return _rows(crops, keypoints, confidences)


def glance(model: nn.Module, crops: TopDown, device: torch.device) -> dict[str, float]:
    """Score the first few people without flip test, for who watches: PCKh where heads are known, else mean OKS."""
    some = replace(crops, people=crops.people[:GLANCE_PEOPLE])
    keypoints, confidences = _predict_all(
        model, some, device, told=lambda done: None, flip_test=False, flip_shift=False, quarter=True
    )
    rows = _rows(some, keypoints, confidences)
    errors = np.array([row["joint_errors"] for row in rows])
    if np.isfinite(errors).any():
        return {"PCKh": float((errors[np.isfinite(errors)] <= PCKH_THRESHOLD).mean() * 100)}
    oks = [row["oks"] for row in rows if row["oks"] is not None]
    return {"OKS": float(np.mean(oks) * 100) if oks else 0.0}


def _predict_all(
    model: nn.Module,
    crops: TopDown,
    device: torch.device,
    *,
    told: Callable[[int], None],
    flip_test: bool,
    flip_shift: bool,
    quarter: bool,
) -> tuple[np.ndarray, np.ndarray]:
    keypoints = np.zeros((len(crops.people), len(crops.skeleton.joints), 2), np.float32)
    confidences = np.zeros(keypoints.shape[:2], np.float32)
    for batch in crops.evaluation_batches(EVALUATION_BATCH):
        heatmaps = predict(
            model,
            batch.images,
            device=device,
            flip_test=flip_test,
            flip_shift=flip_shift,
            flip_pairs=crops.skeleton.flip_pairs,
        )
        positions, maxima = decode(
            heatmaps,
            batch.center,
            batch.scale,
            refine="quarter" if quarter else "argmax",
            sigma=crops.sigma,
            coordinates=crops.coordinates,
        )
        keypoints[batch.indices] = positions
        confidences[batch.indices] = maxima
        told(int(batch.indices[-1]) + 1)
    return keypoints, confidences


def _rows(crops: TopDown, keypoints: np.ndarray, confidences: np.ndarray) -> list[dict[str, Any]]:
    people = crops.people
    truth = np.stack([person.keypoints for person in people])
    labelled = truth[:, :, 2] > 0
    heads = np.array([person.head_size for person in people])
    errors = pckh.errors(keypoints, truth[:, :, :2], heads)
    errors = np.where(labelled, errors, np.nan)
    areas = np.array([person.area for person in people])
    oks = oks_per_person(keypoints, truth, areas, crops.skeleton.sigmas)
    return [
        {
            "image": person.image.name,
            "image_id": person.image_id,
            "person": person.id,
            "category": person.category,
            "box": list(person.box),
            "box_score": person.score,
            "area": person.area,
            "keypoints": keypoints[index].ravel(),
            "confidences": confidences[index],
            "joint_errors": errors[index].astype(np.float32),
            "oks": float(oks[index]) if labelled[index].any() else None,
        }
        for index, person in enumerate(people)
    ]
