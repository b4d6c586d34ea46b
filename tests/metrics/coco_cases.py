"""Random small data sets that meet every rule of COCO's keypoint scores, and what pycocotools makes of them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchbox.metrics import coco_match, coco_truth
from benchbox.metrics.coco_ap import NAMES

# As pycocotools has them: 0.35 / 10 is not 0.035, and one bit decides whether an OKS reaches a threshold.
SIGMAS = COCOeval(iouType="keypoints").params.kpt_oks_sigmas
AREAS = (1e-3, 500.0, 32.0**2, np.nextafter(32.0**2, 0), 3000.0, 96.0**2, np.nextafter(96.0**2, 1e9), 4e4, 2e10)
Document = dict[str, Any]
Results = list[dict[str, Any]]


def case(seed: int, *, ties: bool = True, images: int = 6) -> tuple[Document, Results]:
    """Draw a data set and results for it.

    Among them are crowds, people without keypoints or with a wrong count of them, the same person twice, the id 0,
    areas on the borders, images without people, without results or without both, and more than 20 results.

    Args:
        seed: of everything.
        ties: equal scores, coordinates on a coarse grid and the id 0; no score occurs twice without.
        images: how many.
    """
    rng = np.random.default_rng(seed)
    image_ids = rng.choice(50, images, replace=False)
    people = [person for image_id in image_ids for person in _people(rng, int(image_id))]
    rng.shuffle(people)
    ids = rng.permutation(3 * len(people)) + (0 if ties else 1)
    for number, person in zip(ids, people, strict=False):
        person["id"] = int(number)
    if ties and people and rng.uniform() < 0.5:
        people[0]["id"] = 0
        people[1:] = [person for person in people[1:] if person["id"]]
    results = [result for image_id in image_ids for result in _results(rng, int(image_id), people)]
    rng.shuffle(results)
    values = rng.choice(4, len(results)) / 4 if ties else rng.permutation(len(results)) / 1000
    for value, result in zip(values, results, strict=True):
        result["score"] = float(value)
    document = {
        "images": [{"id": int(number)} for number in image_ids],
        "annotations": people,
        "categories": [{"id": 1, "name": "person"}],
    }
    return document, results


def _people(rng: np.random.Generator, image_id: int) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = []
    for _ in range(rng.choice([0, 1, 2, 3, 7])):
        if people and rng.uniform() < 0.3:
            people.append(copy.deepcopy(people[-1]))
            people[-1]["iscrowd"] = int(rng.uniform() < 0.3)
            continue
        corner, size = rng.integers(0, 40, 2) * 4, rng.integers(0, 30, 2) * 4
        keypoints = np.full((17, 3), 2)
        keypoints[:, :2] = corner + rng.integers(0, 5, (17, 2)) * size // 4
        keypoints[rng.uniform(size=17) < rng.choice([0.0, 0.2, 0.8, 1.0]), 2] = 0
        labelled = int((keypoints[:, 2] > 0).sum())
        people.append(
            {
                "image_id": image_id,
                "category_id": 1,
                "iscrowd": int(rng.uniform() < 0.15),
                "area": float(rng.choice([rng.uniform(900, 20_000), rng.choice(AREAS)])),
                "bbox": [*corner.tolist(), *size.tolist()],
                "num_keypoints": labelled if rng.uniform() < 0.9 else int(rng.integers(0, 2)),
                "keypoints": keypoints.ravel().tolist(),
            }
        )
    return people


def _results(rng: np.random.Generator, image_id: int, people: list[dict[str, Any]]) -> Results:
    near = [person for person in people if person["image_id"] == image_id]
    results: Results = []
    for _ in range(rng.choice([0, 1, 4, 30])):
        keypoints = np.full((17, 3), 0.5)
        if near and rng.uniform() < 0.85:
            keypoints[:, :2] = np.array(rng.choice(near)["keypoints"]).reshape(17, 3)[:, :2]
            keypoints[:, :2] += (rng.normal(size=(17, 2)) * rng.choice([0, 1, 4, 12])).round(rng.integers(0, 3))
            if rng.uniform() < 0.3:  # half the joints far off: an OKS of 0.5 or 0.75, say, to the last bit
                keypoints[rng.permutation(17)[: rng.integers(4, 13)], :2] += 5000
        else:
            keypoints[:, :2] = rng.integers(0, 33, (17, 2)) * rng.choice([1, 3])
            keypoints[:2, :2] = [[0, 0], [32, 32]] if rng.uniform() < 0.5 else [[0, 0], [96, 96]]
        results.append({"image_id": image_id, "category_id": 1, "keypoints": keypoints.ravel().tolist()})
    return results


def arrays(document: Document, results: Results, path: Path) -> tuple[coco_truth.Truth, coco_match.Predictions]:
    """Read both the way a program does; the document passes through the file."""
    path.write_text(json.dumps(document))
    return coco_truth.read_truth(path), coco_match.from_results(results, joints=17)


def official(document: Document, results: Results, image_ids: Iterable[int] | None = None) -> COCOeval:
    """Score by pycocotools, without a word."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        truth.dataset = copy.deepcopy(document)
        truth.createIndex()
        if results:
            found = truth.loadRes(copy.deepcopy(results))
        else:
            found.dataset = {**document, "annotations": []}
            found.createIndex()
        evaluation = COCOeval(truth, found, "keypoints")
        if image_ids is not None:
            evaluation.params.imgIds = list(image_ids)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def percent(evaluation: COCOeval) -> dict[str, float]:
    """Return the ten scores, those that are undefined left out."""
    stats = zip(NAMES, evaluation.stats.tolist(), strict=True)
    return {name: 100 * value for name, value in stats if value != -1}
