"""Match the predictions on record with COCO's ground truth, as text: what a gate on AP resamples and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchbox import records
from benchbox.errors import CannotJudge
from benchbox.jobdir import JobDir
from benchbox.metrics import coco_match, coco_text
from benchbox.metrics.protocol import parse
from benchbox.worker.score import coco_parts, coco_sides
from benchbox.worker.source import ground_of, open_source


def matches_text(
    jobs: Sequence[str], protocol: str, groups: Sequence[str], *, results: Path, data: Path | None, cache: Path
) -> dict[str, Any]:
    """Match the predictions of jobs on the same test.

    Args:
        protocol: one of COCO's. groups: those of them that there are, such as all and joint:nose.
        results, data, cache: where jobs and data sets lie.

    Returns: groups, persons and images of `coco_text.Ground`, and the predictions' lines by job.

    Raises: CannotJudge where a job has no result, or was tested on other annotations than the first.
    """
    found: dict[str, list[str]] = {}
    ground = None
    for job in jobs:
        folder = JobDir.of(results, job, data)
        attempt = folder.result()
        if attempt is None:
            raise CannotJudge(f"{job}: has no result yet")
        config = folder.read()
        tested = ground_of(config, open_source(config, data, cache))
        people = records.load(attempt.table("people"), "people")
        truth, predictions = coco_sides(people, tested, parse(protocol))
        parts: dict[str, dict[str, Any]] = {"all": {}} | coco_parts(people, truth, tested.skeleton)
        matches = {
            group: coco_match.match(truth, predictions, sigmas=tested.skeleton.sigmas, **parts[group])
            for group in groups
            if group in parts
        }
        own = coco_text.ground(truth, matches)
        if ground not in (None, own):
            raise CannotJudge(f"{job}: was tested on other annotations than {jobs[0]}")
        ground, found[job] = own, coco_text.predictions(matches)
    assert ground is not None
    return {**vars(ground), "predictions": found}
