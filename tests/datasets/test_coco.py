from __future__ import annotations

import copy
import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from benchbox.datasets.coco import annotation_file, fingerprint, labelled, read_document, read_people
from benchbox.errors import BenchboxError, EnvironmentProblem, InvalidInput

POINTS = [30, 40, 2] * 17
GOOD = {
    "images": [
        {"id": 7, "file_name": "b.jpg", "width": 100, "height": 80},
        {"id": 3, "file_name": "a.jpg", "width": 50, "height": 60},
    ],
    "annotations": [
        {
            "id": number,
            "image_id": image,
            "category_id": 1,
            "iscrowd": 0,
            "area": 500.0,
            "bbox": [10, 20, 30, 40],
            "keypoints": POINTS,
        }
        for number, image in ((1, 3), (2, 7), (5, 3))
    ],
    "categories": [{"id": 1, "name": "person"}],
}
BOX = {"image_id": 3, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.9}


def write(root: Path, document: object, *, split: str = "val") -> Path:
    file = annotation_file(root, split)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    (root / split).mkdir(exist_ok=True)
    return file


def changed(**values: object) -> dict:
    """Return the good document with other values in its last annotation; None takes a key away."""
    document = copy.deepcopy(GOOD)
    document["annotations"][-1].update(values)
    for key in [key for key, value in values.items() if value is None]:
        del document["annotations"][-1][key]
    return document


def one_line(problem: pytest.ExceptionInfo[BenchboxError], *parts: str) -> None:
    text = str(problem.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    for part in parts:
        assert part in text


def test_people_come_image_by_image_in_the_order_of_the_file(tmp_path):
    write(tmp_path, GOOD)
    people = read_people(tmp_path, "val")
    assert [(p.image_id, p.id) for p in people] == [(7, 2), (3, 1), (3, 5)]
    person = people[0]
    assert person.image == tmp_path / "val" / "b.jpg"
    assert person.box == (10, 20, 29, 39)
    assert person.keypoints.dtype == np.float32
    assert person.keypoints.tolist() == [[30, 40, 2]] * 17
    assert (person.area, person.score, person.category) == (500.0, 1.0, "")
    assert math.isnan(person.head_size)


def test_our_own_keys_fill_head_size_and_category(tmp_path):
    write(tmp_path, changed(head_box=[10, 10, 40, 50], activity="walking"))
    person = read_people(tmp_path, "val")[-1]
    assert person.head_size == pytest.approx(30.0)
    assert person.category == "walking"


@pytest.mark.parametrize(
    "values",
    [
        {"iscrowd": 1},
        {"keypoints": [0] * 51},
        {"area": 0},
        {"bbox": [60, 20, 10, 10]},
        {"category_id": 2},
    ],
    ids=["crowd", "no joint", "no area", "outside", "other category"],
)
def test_what_the_official_reader_leaves_out(tmp_path, values):
    write(tmp_path, changed(**values))
    assert [p.id for p in read_people(tmp_path, "val")] == [2, 1]


BAD = {
    "not JSON": ("{", "not JSON"),
    "nothing": ("", "not JSON"),
    "not text": ("\x00\xff", "not JSON"),
    "too deep": ("[" * 100_000, "not JSON"),
    "a list": ([BOX], "expected an object"),
    "a number": (3, "expected an object"),
    "no images": ({"annotations": []}, "no list of images"),
    "no annotations": ({"images": []}, "no list of annotations"),
    "another task": (changed(keypoints=None), "annotation 5", "no keypoints"),
    "joints of MPII": (changed(keypoints=[1, 1, 1] * 16), "annotation 5", "48", "51"),
    "keypoints in a text": (changed(keypoints="1" * 51), "annotation 5", "keypoints", "'111"),
    "keypoints of texts": (changed(keypoints=["1"] * 51), "annotation 5", "keypoints[0] is '1'"),
    "nested keypoints": (changed(keypoints=[[1]] * 50 + [[1, 2]]), "annotation 5", "keypoints[0] is [1]"),
    "NaN": (changed(keypoints=[math.nan, 1, 2] * 17), "annotation 5", "keypoints[0] is nan"),
    "infinity": (changed(keypoints=[1, -math.inf, 2] * 17), "annotation 5", "keypoints[1] is -inf"),
    "null": (changed(keypoints=[None, 1, 2] * 17), "annotation 5", "keypoints[0] is missing"),
    "overflow": (changed(keypoints=[10**400, 1, 2] * 17), "annotation 5", "keypoints[0] is 1000"),
    "float32 overflow": (changed(keypoints=[1e300, 1, 2] * 17), "annotation 5", "keypoints[0] is 1e+300"),
    "visibility": (changed(keypoints=[1, 1, 3] * 17), "annotation 5", "visibility"),
    "negative box": (changed(bbox=[1, 2, -3, 4]), "annotation 5", "negative", "-3"),
    "NaN box": (changed(bbox=[1, 2, math.nan, 4]), "annotation 5", "bbox"),
    "short box": (changed(bbox=[1, 2, 3]), "annotation 5", "bbox"),
    "no box": (changed(bbox=None), "annotation 5", "bbox", "missing"),
    "no area": (changed(area=None), "annotation 5", "area"),
    "infinite area": (changed(area=math.inf), "annotation 5", "area"),
    "head box": (changed(head_box=[1, 2, 3]), "annotation 5", "head_box"),
    "unknown image": (changed(image_id=99), "annotation 5", "99"),
    "image by name": (changed(image_id="a.jpg"), "annotation 5", "image_id"),
    "no id": (changed(id=None), "annotation at place 2", "id"),
    "true as id": (changed(id=True), "id"),
    "twice": (changed(id=1), "annotation 1", "twice"),
    "image twice": ({**GOOD, "images": GOOD["images"] * 2}, "image 7", "twice"),
    "image without file": ({**GOOD, "images": [{"id": 7, "width": 3, "height": 3}]}, "image 7", "file_name"),
    "image without size": ({**GOOD, "images": [{"id": 7, "file_name": "a"}]}, "image 7", "width"),
    "empty image": ({**GOOD, "images": [{"id": 7, "file_name": "a", "width": 0, "height": 9}]}, "image 7", "size"),
    "image elsewhere": (
        {**GOOD, "images": [{"id": 7, "file_name": "../a", "width": 9, "height": 9}]},
        "image 7",
        "leaves",
    ),
    "image is a text": ({**GOOD, "images": ["a.jpg"]}, "image at place 0"),
    "annotation is null": ({**GOOD, "annotations": [None]}, "annotation at place 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_annotation_file_is_one_line(tmp_path, name):
    document, *parts = BAD[name]
    file = write(tmp_path, document)
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "val")
    one_line(problem, str(file), *parts)


def test_what_is_not_read_does_not_stay(tmp_path):
    document = changed(segmentation=[[1, 2, 3, 4, 5, 6]])
    document["images"][0]["flickr_url"] = "http://a"
    write(tmp_path, document)
    read = read_document(tmp_path, "val")
    assert read.annotations == GOOD["annotations"]
    assert len(labelled(read)) == 3


def test_missing_files_say_the_layout(tmp_path):
    layout = f"{tmp_path}/annotations/person_keypoints_val.json"
    with pytest.raises(EnvironmentProblem) as problem:
        read_people(tmp_path, "val")
    one_line(problem, layout, f"{tmp_path}/val/")
    with pytest.raises(EnvironmentProblem) as problem:
        fingerprint(tmp_path, "val")
    one_line(problem, layout)
    write(tmp_path, GOOD)
    (tmp_path / "val").rmdir()
    with pytest.raises(EnvironmentProblem) as problem:
        read_people(tmp_path, "val")
    one_line(problem, f"{tmp_path}/val", layout)


def test_a_folder_in_place_of_the_file(tmp_path):
    annotation_file(tmp_path, "val").mkdir(parents=True)
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "val")
    one_line(problem, "person_keypoints_val.json")


def test_the_fingerprint_is_of_the_bytes(tmp_path):
    file = write(tmp_path, GOOD)
    assert fingerprint(tmp_path, "val") == hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    before = fingerprint(tmp_path, "val")
    file.write_text(file.read_text() + " ")
    assert fingerprint(tmp_path, "val") != before


def detect(root: Path, boxes: object, **options: float):
    write(root, GOOD)
    file = root / "boxes.json"
    file.write_text(boxes if isinstance(boxes, str) else json.dumps(boxes))
    return read_people(root, "val", boxes="detector", detections=file, **options)


def test_detections_become_people(tmp_path):
    boxes = [
        {**BOX, "category_id": 3},
        {**BOX, "bbox": [-5, -6, 300, 400]},
        {**BOX, "score": 0.19},
        {**BOX, "image_id": 7, "score": 0.2},
    ]
    people = detect(tmp_path, boxes, score_threshold=0.2)
    assert [(p.id, p.image_id, p.score) for p in people] == [(1, 3, 0.9), (3, 7, 0.2)]
    assert people[0].box == (-5, -6, 300, 400)
    assert people[0].area == 120_000
    assert people[0].keypoints.shape == (17, 3)
    assert not people[0].keypoints.any()


@pytest.mark.parametrize(
    ("boxes", "parts"),
    [
        ("[", ["not JSON"]),
        ({"annotations": []}, ["a list"]),
        ([BOX, 4], ["entry 1"]),
        ([{**BOX, "image_id": 99}], ["entry 0", "99"]),
        ([{**BOX, "bbox": [1, 2, 3, -4]}], ["entry 0", "negative"]),
        ([{**BOX, "score": math.nan}], ["entry 0", "score"]),
        ([{**BOX, "score": None}], ["entry 0", "score"]),
        ([{"image_id": 3, "bbox": [1, 2, 3, 4], "score": 1}], ["entry 0", "category_id"]),
    ],
)
def test_a_bad_detection_file_is_one_line(tmp_path, boxes, parts):
    with pytest.raises(InvalidInput) as problem:
        detect(tmp_path, boxes)
    one_line(problem, "boxes.json", *parts)


def test_a_detector_needs_its_file(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "val", boxes="detector")
    one_line(problem, "detections")
    with pytest.raises(EnvironmentProblem) as missing:
        read_people(tmp_path, "val", boxes="detector", detections=tmp_path / "none.json")
    one_line(missing, "none.json")
    with pytest.raises(InvalidInput) as unknown:
        read_people(tmp_path, "val", boxes="detektor")
    one_line(unknown, 'did you mean "detector"?')


def real_coco() -> Path:
    root = Path(os.environ.get("BENCHBOX_DATA", "")) / "coco"
    if "BENCHBOX_DATA" not in os.environ or not annotation_file(root, "val2017").is_file():
        pytest.skip("no COCO below BENCHBOX_DATA")
    return root


def test_real_annotations_hold_264_people_with_keypoints():
    root = real_coco()
    people = read_people(root, "val2017")
    assert len(people) == 264
    assert len({person.id for person in people}) == 264
    assert all(person.image.is_file() for person in people)
    labelled = sum(int((person.keypoints[:, 2] > 0).sum()) for person in people)
    document = json.loads(annotation_file(root, "val2017").read_bytes())
    official = [a for a in document["annotations"] if not a["iscrowd"] and a["num_keypoints"]]
    assert labelled == sum(a["num_keypoints"] for a in official)


def test_real_detections():
    root = real_coco()
    file = root / "person_detection_results" / "COCO_val2017_detections_AP_H_56_person.json"
    if not file.is_file():
        pytest.skip("no detector's boxes below BENCHBOX_DATA")
    people = read_people(root, "val2017", boxes="detector", detections=file)
    assert len(people) == len([b for b in json.loads(file.read_bytes()) if b["category_id"] == 1 and b["score"] >= 0])
