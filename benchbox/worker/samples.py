"""From `people` records to samples: what the statistics of a score are computed from, by any protocol."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox.errors import CannotJudge
from benchbox.metrics import coco_match
from benchbox.metrics.protocol import Protocol
from benchbox.stats.ap import ApSample, names_of, people_of
from benchbox.stats.pck import pck_sample
from benchbox.stats.sample import People, Sample
from benchbox.worker.score import Ground, coco_parts, coco_sides, pck_groups, pck_sides

KINDS = ("all", "joint", "pair", "category", "activity")


def sample_of(people: pa.Table, ground: Ground, protocol: Protocol, kinds: Collection[str] = KINDS) -> Sample:
    """Return the sample behind the scores of one result.

    Args:
        people: a `people` table.
        ground: as for `score.score_people`.
        protocol: one.
        kinds: of groups, of `KINDS`; the scores of AP by joint or category take a matching each.

    Raises: CannotJudge where the records cannot give the protocol or none of these groups.
    """
    sample = _ap(people, ground, protocol, kinds) if protocol.metric == "coco-kp" else _pck(people, ground, protocol)
    names = [name for name in sample.names if name[1].partition(":")[0] in kinds]
    if not names:
        raise CannotJudge(f"{protocol}: has no scores by {', '.join(kinds)}")
    return sample.only(names)


def _pck(people: pa.Table, ground: Ground, protocol: Protocol) -> Sample:
    people = people.sort_by([(key, "ascending") for key in ("image_id", "image", "person")])
    errors, convention = pck_sides(people, ground, protocol)
    assert protocol.threshold is not None
    numbers, files = people["image_id"].to_pylist(), people["image"].to_pylist()
    homes = np.array([file or f"image {number}" for file, number in zip(files, numbers, strict=True)])
    images, image = np.unique(homes, return_inverse=True)
    names = [f"{home} person {number}" for home, number in zip(homes, people["person"].to_pylist(), strict=True)]
    return pck_sample(
        errors,
        np.isfinite(errors),
        protocol.threshold,
        convention,
        people=People(images, np.array(names), _truth(people, errors)),
        image=image,
        joints=ground.skeleton.joints,
        groups=pck_groups(people, ground.skeleton),
    )


def _truth(people: pa.Table, errors: np.ndarray) -> np.ndarray:
    """Return (N, D) what errors are measured against; of old records, which do not hold it, what is labelled."""
    truth = people["truth"].to_pylist()
    if any(one is None for one in truth):
        labelled: np.ndarray = np.isfinite(errors).astype(np.float64)
        return labelled
    units = np.array(people["joint_unit"].to_pylist(), np.float64)
    return np.concatenate([np.array(truth, np.float64).reshape(len(truth), -1), units[:, None]], axis=1)


def _ap(people: pa.Table, ground: Ground, protocol: Protocol, kinds: Collection[str]) -> Sample:
    truth, predictions = coco_sides(people, ground, protocol)
    parts: dict[str, dict[str, Any]] = {"all": {}} | coco_parts(people, truth, ground.skeleton)
    matches = {
        group: coco_match.match(truth, predictions, sigmas=ground.skeleton.sigmas, **part)
        for group, part in parts.items()
        if group.partition(":")[0] in kinds
    }
    return ApSample(people_of(truth), matches, names_of(matches))
