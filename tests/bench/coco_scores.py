"""Time our own way to COCO's keypoint scores against pycocotools, at the size of val2017, and a bootstrap."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchbox.metrics.coco_curve import bootstrap, scores
from benchbox.metrics.coco_match import Predictions, match
from benchbox.metrics.coco_truth import Truth, read_truth

FILE = "eval_cases/coco/person_keypoints_val2017_full_area_partly_estimated.json.gz"
REPLICATES = 1000


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the least seconds of a few calls."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def drawn(truth: Truth, *, seed: int = 0) -> Predictions:
    """Draw predictions: everybody with noise of their own, every third person twice, every sixth in a wrong image."""
    rng = np.random.default_rng(seed)
    people = len(truth.ids)
    rows = np.concatenate([np.arange(people), rng.choice(people, people // 3), rng.choice(people, people // 6)])
    keypoints = truth.keypoints[rows]
    reach = rng.lognormal(-3.5, 1, len(rows)) * np.sqrt(truth.areas[rows])
    keypoints[..., :2] += rng.normal(size=(*keypoints.shape[:2], 2)) * reach[:, None, None]
    image_ids = truth.images[truth.image[rows]]
    image_ids[-(people // 6) :] = rng.choice(truth.images, people // 6)
    confidence = (1 / (1 + reach / 10) + rng.normal(0, 0.1, len(rows))).clip(0, 1)
    order = rng.permutation(len(rows))
    return Predictions(image_ids[order], keypoints[order], confidence[order].round(4))


def official(document: dict[str, Any], predictions: Predictions) -> Callable[[], COCOeval]:
    """Return a call of pycocotools' evaluate and accumulate; reading is done."""
    truth = COCO()
    truth.dataset = document
    truth.createIndex()
    columns = (predictions.image_ids.tolist(), predictions.keypoints.reshape(-1, 51).tolist(), predictions.scores)
    found = truth.loadRes(
        [
            {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": float(score)}
            for image, keypoints, score in zip(*columns, strict=True)
        ]
    )

    def work() -> COCOeval:
        evaluation = COCOeval(truth, found, "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        return evaluation

    return work


def main(data: Path | None = None) -> None:
    """Print the seconds of both ways, their ratio, and the seconds of a bootstrap.

    Args:
        data: folder of the real data, by default the one that BENCHBOX_DATA names.
    """
    path = (data or Path(os.environ.get("BENCHBOX_DATA", "/nowhere"))) / FILE
    if not path.is_file():
        print(f"COCO scores               not timed: BENCHBOX_DATA holds no {FILE}")
        return
    truth = read_truth(path)
    predictions = drawn(truth)
    with contextlib.redirect_stdout(io.StringIO()):
        work = official(json.loads(gzip.decompress(path.read_bytes())), predictions)
        theirs = best(work)
        evaluation = work()
        evaluation.summarize()
    sigmas = evaluation.params.kpt_oks_sigmas
    ours = best(lambda: scores(match(truth, predictions, sigmas=sigmas)), 10)
    matches = match(truth, predictions, sigmas=sigmas)
    difference = np.abs(np.array(list(scores(matches).values())) - 100 * evaluation.stats).max()
    images = len(matches.images)
    weights = np.random.default_rng(0).multinomial(images, np.full(images, 1 / images), size=REPLICATES)
    seconds = best(lambda: bootstrap(matches, weights))
    size = f"{len(truth.ids):,} people, {len(predictions.scores):,} predictions"
    ratio = f"{theirs / ours:.0f} times as long, limit 10; apart by {difference:.0e}"
    print(f"COCO scores, val2017      {ours:.3f} s   ({size})")
    print(f"  by pycocotools          {theirs:.3f} s   ({ratio})")
    print(f"  {REPLICATES:,} bootstrap scores  {seconds:.2f} s    (limit 10)")


if __name__ == "__main__":
    main()
