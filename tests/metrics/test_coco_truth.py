"""Annotation documents as arrays: what is kept, and what is refused in one line."""

from __future__ import annotations

import copy
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.metrics.coco_truth import read_truth

PERSON = {"category_id": 1, "iscrowd": 0, "area": 5.5, "bbox": [1, 2, 3, 4], "num_keypoints": 17}
GOOD: dict[str, Any] = {
    "images": [{"id": 9}, {"id": 4}, {"id": 7}],
    "annotations": [
        {"id": 3, "image_id": 9, "keypoints": [1.5, 2, 2] * 17, **PERSON},
        {"id": 8, "image_id": 4, "keypoints": [0, 0, 0] * 17, **PERSON, "num_keypoints": 0},
        {"id": 1, "image_id": 9, "keypoints": [3, 4, 1] * 17, **PERSON, "iscrowd": 1},
    ],
}


@pytest.mark.parametrize("name", ["truth.json", "truth.json.gz"])
def test_people_stand_by_image_in_the_order_of_the_file(tmp_path, name):
    content = json.dumps(GOOD).encode()
    (tmp_path / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    truth = read_truth(tmp_path / name)
    assert truth.images.tolist() == [4, 7, 9]
    assert truth.image.tolist() == [0, 2, 2]
    assert truth.ids.tolist() == [8, 3, 1]
    assert truth.keypoints[:, 5].tolist() == [[0, 0, 0], [1.5, 2, 2], [3, 4, 1]]
    assert truth.areas.tolist() == [5.5] * 3
    assert truth.boxes.tolist() == [[1, 2, 3, 4]] * 3
    assert truth.ignore.tolist() == [True, False, True]
    assert truth.crowd.tolist() == [False, False, True]


def test_nobody_and_other_numbers_of_joints(tmp_path):
    path = tmp_path / "truth.json"
    path.write_text('{"images": [{"id": 1}], "annotations": []}')
    truth = read_truth(path)
    assert truth.keypoints.shape == (0, 17, 3)
    assert truth.boxes.shape == (0, 4)
    document = copy.deepcopy(GOOD)
    for entry in document["annotations"]:
        entry["keypoints"] = entry["keypoints"][: 3 * 14]
    path.write_text(json.dumps(document))
    assert read_truth(path, joints=14).keypoints.shape == (3, 14, 3)


def _with(value: Any, *keys: str | int) -> dict[str, Any]:
    """Return the good document with another value at one place, or without it."""
    document = copy.deepcopy(GOOD)
    place: Any = document
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return document


WRONG = {
    "no people": ({"images": []}, "no list of annotations"),
    "no images": ({"annotations": []}, "no list of images"),
    "a list": ([], "found a list"),
    "image without id": (_with({}, "images", 1), "image at place 1: id is missing"),
    "image twice": (_with({"id": 9}, "images", 1), "image 9: the id occurs twice"),
    "not an entry": (_with(5, "annotations", 1), "annotation at place 1 has no keypoints"),
    "another task": (_with(None, "annotations", 1, "keypoints"), "annotation 8 has no keypoints; is this the file of"),
    "48 numbers": (_with([0] * 48, "annotations", 1, "keypoints"), "8: keypoints has 48 numbers, expected 51"),
    "an object": (_with({}, "annotations", 1, "keypoints"), "8: keypoints is {}, expected 51 numbers"),
    "NaN": (_with([np.nan, 0, 1] * 17, "annotations", 1, "keypoints"), "8: keypoints[0] is nan"),
    "text": (_with(["1", 0, 1] * 17, "annotations", 1, "keypoints"), "8: keypoints[0] is '1'"),
    "far off": (_with([10**400, 0, 1] * 17, "annotations", 1, "keypoints"), "8: keypoints[0] is 1000"),
    "visibility": (_with([1, 0, 3] * 17, "annotations", 1, "keypoints"), "8: keypoints holds a visibility"),
    "category": (_with(2, "annotations", 1, "category_id"), "8: category_id is 2, expected 1"),
    "box": (_with([1, 2, -3, 4], "annotations", 1, "bbox"), "8: bbox has a negative size, -3 x 4"),
    "short box": (_with([1, 2], "annotations", 1, "bbox"), "8: bbox has 2 numbers, expected 4"),
    "no area": (_with(None, "annotations", 1, "area"), "8: area is missing"),
    "negative area": (_with(-1, "annotations", 1, "area"), "8: area is -1, expected more than 0"),
    "no area of who counts": (_with(0, "annotations", 0, "area"), "3: area is 0, expected more than 0"),
    "infinite area": (_with(np.inf, "annotations", 1, "area"), "8: area is inf"),
    "no crowd": (_with(None, "annotations", 1, "iscrowd"), "8: iscrowd is missing"),
    "half a crowd": (_with(0.5, "annotations", 1, "iscrowd"), "8: iscrowd is 0.5, expected 0 or 1"),
    "no count": (_with(None, "annotations", 1, "num_keypoints"), "8: num_keypoints is missing"),
    "id twice": (_with(3, "annotations", 1, "id"), "annotation 3: the id occurs twice"),
    "no id": (_with(None, "annotations", 1, "id"), "annotation at place 1: id is missing"),
    "id of text": (_with("a", "annotations", 1, "id"), "annotation at place 1: id is 'a'"),
    "stray": (_with(5, "annotations", 1, "image_id"), "annotation 8: image_id 5 is not among the images"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(tmp_path, name):
    document, part = WRONG[name]
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match=re.escape(part)) as problem:
        read_truth(path)
    assert str(problem.value).startswith(f"{path}: ")
    assert "\n" not in str(problem.value)
    assert len(str(problem.value)) < len(str(path)) + 150


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("truth.json", b"{", "not JSON"),
        ("truth.json", b"\xff", "not JSON"),
        ("truth.json", b"[" * 100_000, "not JSON"),
        ("truth.json.gz", b"{}", "not JSON"),
        ("truth.json.gz", gzip.compress(b"{}" * 500, mtime=0)[:-12], "not JSON"),
        ("truth.json.gz", gzip.compress(b"{", mtime=0), "not JSON"),
    ],
)
def test_what_is_not_a_document_is_one_line(tmp_path, name, content, part):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=part) as problem:
        read_truth(path)
    assert str(path) in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(EnvironmentProblem, match="no file"):
        read_truth(tmp_path / "none.json")
    with pytest.raises(InvalidInput, match="is a folder; give the path of a file"):
        read_truth(tmp_path)
