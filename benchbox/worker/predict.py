"""Predict every person of a test split and write down all that a score needs: the `people` records."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbox.config import JobConfig
from benchbox.datasets.topdown import EvaluationBatch, TopDown
from benchbox.engine.distributed import ALONE, World
from benchbox.engine.fold import folded
from benchbox.engine.predict import predict, predict_coordinates
from benchbox.pose.heatmap import decode
from benchbox.pose.points import image_points
from benchbox.worker.people import person_rows
from benchbox.worker.score import STANDARD

EVALUATION_BATCH = 32
GLANCE_PEOPLE = 256


def people_records(
    model: nn.Module,
    crops: TopDown,
    config: JobConfig,
    device: torch.device,
    told: Callable[[int], None],
    world: World = ALONE,
) -> list[dict[str, Any]]:
    """Predict the people of `crops` in their order; `told` hears how many are done after every batch.

    Several processes take turns at the batches, which are those of one process; all get everybody's records.
    """
    keypoints, confidences = joints_of(model, crops, config, device, told, world)
    return person_rows(crops.people, crops.skeleton, keypoints, confidences)


def joints_of(
    model: nn.Module,
    crops: TopDown,
    config: JobConfig,
    device: torch.device,
    told: Callable[[int], None] = lambda done: None,
    world: World = ALONE,
) -> tuple[np.ndarray, np.ndarray]:
    """Predict the joints (N, K, 2) float32 of people in their images' pixels and the confidences (N, K) float32."""
    return _predict_all(
        folded(model, config.evaluate.precision),
        crops,
        device,
        told=told,
        world=world,
        refine=config.evaluate.decode,
        **_flips(config),
    )


def heatmaps_of(model: nn.Module, crops: TopDown, config: JobConfig, device: torch.device) -> np.ndarray:
    """Predict the heatmaps (N, K, h, w) float32 that `joints_of` decodes; for networks that put them out."""
    copy, pairs = folded(model, config.evaluate.precision), crops.skeleton.flip_pairs
    batches = crops.evaluation_batches(EVALUATION_BATCH)
    return np.concatenate(
        [predict(copy, batch.images, device=device, flip_pairs=pairs, **_flips(config)) for batch in batches]
    )


def _flips(config: JobConfig) -> dict[str, bool]:
    test = config.evaluate
    return {"flip_test": test.flip_test, "flip_shift": test.flip_shift and test.coordinates == "official"}


def glance(model: nn.Module, crops: TopDown, device: torch.device, world: World = ALONE) -> dict[str, float]:
    """Score the first few people without flip test, for who watches: PCKh or PCK where sizes are known, else OKS."""
    some = replace(crops, people=crops.people[:GLANCE_PEOPLE])
    keypoints, confidences = _predict_all(
        model, some, device, told=lambda done: None, world=world, flip_test=False, flip_shift=False, refine="quarter"
    )
    rows = person_rows(some.people, some.skeleton, keypoints, confidences)
    errors = np.array([row["joint_errors"] for row in rows])
    if np.isfinite(errors).any():
        threshold = STANDARD[some.skeleton.name][0]
        name = "PCK" if some.skeleton.name == "lsp14" else "PCKh"
        return {name: float((errors[np.isfinite(errors)] <= threshold).mean() * 100)}
    oks = [row["oks"] for row in rows if row["oks"] is not None]
    return {"OKS": float(np.mean(oks) * 100) if oks else 0.0}


def _predict_all(
    model: nn.Module,
    crops: TopDown,
    device: torch.device,
    *,
    told: Callable[[int], None],
    world: World,
    flip_test: bool,
    flip_shift: bool,
    refine: str,
) -> tuple[np.ndarray, np.ndarray]:
    keypoints = np.zeros((len(crops.people), len(crops.skeleton.joints), 2), np.float32)
    confidences = np.zeros(keypoints.shape[:2], np.float32)
    how: dict[str, Any] = {"device": device, "flip_test": flip_test, "flip_pairs": crops.skeleton.flip_pairs}
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    own = crops.evaluation_batches(EVALUATION_BATCH, (world.rank, world.size))
    for begin in range(0, len(crops.people), EVALUATION_BATCH * world.size):
        batch = next(own, None)  # in the last turn there may be none left for this process
        if batch is not None:
            found.append((batch.indices, *_predicted(model, batch, crops, how, flip_shift, refine)))
        told(min(begin + EVALUATION_BATCH * world.size, len(crops.people)))
    for indices, points, certain in itertools.chain.from_iterable(world.gathered(found)):
        keypoints[indices], confidences[indices] = points, certain
    return keypoints, confidences


def _predicted(
    model: nn.Module, batch: EvaluationBatch, crops: TopDown, how: dict[str, Any], flip_shift: bool, refine: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the joints of a batch's people in the image and their confidences."""
    if crops.target == "coordinates":
        return _image_points(predict_coordinates(model, batch.images, **how), batch, crops)
    return decode(
        predict(model, batch.images, flip_shift=flip_shift, **how),
        batch.center,
        batch.scale,
        refine=refine,
        sigma=crops.sigma,
        coordinates=crops.coordinates,
    )


def _image_points(points: np.ndarray, batch: EvaluationBatch, crops: TopDown) -> tuple[np.ndarray, np.ndarray]:
    """Return regressed joints in the image, each with confidence 1: the network gives none."""
    size, kind = crops.input_size, crops.coordinates
    found = image_points(points, batch.center, batch.scale, size=size, coordinates=kind)
    return found, np.ones(found.shape[:2], np.float32)
