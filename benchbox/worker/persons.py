"""Draw evaluated persons from the records of a job and the images of its data set: no network is needed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchbox import records
from benchbox.datasets.image import read_image
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.jobdir import JobDir
from benchbox.pictures.person import person_picture
from benchbox.worker.source import open_source, skeleton_of, test_crops


def person_pictures(
    results: Path, job: str, numbers: Sequence[int], *, side: int, data: Path | None, cache: Path
) -> dict[int, str]:
    """Return the pictures of persons by number, each a PNG of side x side pixels in base64.

    Persons that the job did not evaluate, and those whose image is not at hand or cannot be read, are absent.

    Raises: CannotJudge without a result, InvalidInput where its records are damaged.
    """
    folder = JobDir.of(results, job, data)
    result = folder.result()
    if result is None:
        raise CannotJudge(f"job {job}: has no result yet")
    config = folder.read()
    people = records.load(result.table("people"), "people")
    people = people.filter(pc.is_in(people["person"], value_set=pa.array(numbers, pa.int64())))
    try:
        known = test_crops(config, open_source(config, data, cache)).people
    except EnvironmentProblem:
        return {}
    images = {(person.id, person.image.name): person.image for person in known}
    skeleton, found = skeleton_of(config), {}
    for row in people.sort_by("image_id").to_pylist():
        file = images.get((row["person"], row["image"]))
        try:
            image = None if file is None else read_image(file)
        except InvalidInput:
            image = None
        if image is not None:
            truth = None if row["truth"] is None else np.array(row["truth"]).reshape(-1, 3)
            points = np.array(row["keypoints"]).reshape(-1, 2)
            picture = person_picture(image, skeleton, np.array(row["box"]), points, truth, side=side)
            found[row["person"]] = base64.b64encode(picture).decode()
    return found
