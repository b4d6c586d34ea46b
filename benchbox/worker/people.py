"""What is kept of every evaluated person: the rows of `people`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbox.metrics import pckh
from benchbox.metrics.coco_ap import oks_per_person
from benchbox.metrics.conventions import CONVENTIONS, DEFAULT
from benchbox.pose.people import Person
from benchbox.pose.skeleton import Skeleton


def units_of(people: Sequence[Person], skeleton: Skeleton) -> np.ndarray:
    """Return what errors are measured in, (N,) float64 pixels: head sizes, of a skeleton of PCK torso sizes; or NaN."""
    if skeleton.name in DEFAULT and CONVENTIONS[DEFAULT[skeleton.name]].metric == "pck":
        torso = skeleton.joints.index("left_shoulder"), skeleton.joints.index("right_hip")
        return pckh.torso_size(np.stack([person.keypoints for person in people]), torso)
    return np.array([person.head_size for person in people], np.float64)


def person_rows(
    people: Sequence[Person], skeleton: Skeleton, keypoints: np.ndarray, confidences: np.ndarray
) -> list[dict[str, Any]]:
    """Write down people and what was predicted for them: rows of `people` but for the job.

    Errors are in head sizes, of LSP in torso sizes; NaN for joints that are not labelled and people without that size.

    Args:
        people: N.
        skeleton: K joints.
        keypoints: (N, K, 2) x, y in pixels of the image.
        confidences: (N, K) float32.
    """
    truth = np.stack([person.keypoints for person in people])
    labelled = truth[:, :, 2] > 0
    units = units_of(people, skeleton)
    errors = pckh.errors(keypoints, truth[:, :, :2], units)
    errors = np.where(labelled, errors, np.nan)
    oks = np.full(len(people), np.nan)
    if skeleton.sigmas:
        oks = oks_per_person(keypoints, truth, np.array([person.area for person in people]), skeleton.sigmas)
    return [
        {
            "image": person.image.name,
            "image_id": person.image_id,
            "person": person.id,
            "category": person.category,
            "activity": person.activity,
            "box": list(person.box),
            "box_score": person.score,
            "area": person.area,
            "keypoints": keypoints[index].ravel(),
            "confidences": confidences[index],
            "joint_errors": errors[index],
            "joint_unit": float(units[index]) if np.isfinite(units[index]) else None,
            "oks": float(oks[index]) if np.isfinite(oks[index]) else None,
            "truth": truth[index].ravel(),
        }
        for index, person in enumerate(people)
    ]
