from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from benchbox.datasets import coco
from benchbox.datasets.mpii import fingerprint, head_kind, neck_head_sizes, official_crop, read_people, square_box
from benchbox.datasets.synthetic import files
from benchbox.errors import BenchboxError, EnvironmentProblem, InvalidInput
from benchbox.pose.affine import box_to_center_scale

# MPII's joints among COCO's, where both have them: right ankle .. left ankle, right wrist .. left wrist.
SHARED = {0: 16, 1: 14, 2: 12, 3: 11, 4: 13, 5: 15, 10: 10, 11: 8, 12: 6, 13: 5, 14: 7, 15: 9}
JOINTS = [[10.0 + joint, 20.0 + 2 * joint] for joint in range(16)]
PERSON = {"image": "b.jpg", "center": [50, 60], "scale": 1.5, "joints": JOINTS, "joints_vis": [1] * 16}
GOOD = [PERSON, {**PERSON, "image": "a.jpg"}, PERSON]


def write(root: Path, document: object, *, split: str = "valid", **truth: object) -> Path:
    """Write annotations, and a .mat where arrays for it are given."""
    file = root / "annot" / f"{split}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    (root / "images").mkdir(exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    if truth:
        scipy.io.savemat(root / "annot" / f"gt_{split}.mat", truth)
    return file


def truth_of(people: int) -> dict[str, np.ndarray]:
    box = np.array([[10.0, 10.0], [40.0, 50.0]])
    return {
        "pos_gt_src": np.repeat(np.array(JOINTS)[:, :, None] + 0.25, people, axis=2),
        "jnt_missing": np.zeros((16, people), np.uint8),
        "headboxes_src": np.repeat(box[:, :, None], people, axis=2),
    }


def changed(**values: object) -> list[dict]:
    document = copy.deepcopy(GOOD)
    document[1].update(values)
    return document


def one_line(problem: pytest.ExceptionInfo[BenchboxError], *parts: str) -> None:
    text = str(problem.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    for part in parts:
        assert part in text


@given(x=st.floats(-100, 3000) | st.sampled_from([-1.0, 0.0]), y=st.floats(-100, 3000), scale=st.floats(0.01, 20))
def test_the_box_makes_the_official_crop_for_square_inputs(x, y, scale):
    center, scales = official_crop(np.array([[x, y]]), np.array([scale]))
    made, sides = box_to_center_scale(np.array(square_box(center[0], scales[0])), aspect_ratio=1.0)
    np.testing.assert_allclose(made, center[0], rtol=2e-7, atol=1e-6)
    np.testing.assert_allclose(sides, scales[[0, 0]], rtol=2e-7)


def test_people_come_in_the_order_of_the_file(tmp_path):
    write(tmp_path, GOOD)
    people = read_people(tmp_path, "valid")
    assert [(p.id, p.image_id, p.image) for p in people] == [
        (0, 0, tmp_path / "images" / "b.jpg"),
        (1, 1, tmp_path / "images" / "a.jpg"),
        (2, 0, tmp_path / "images" / "b.jpg"),
    ]
    person = people[0]
    # 1.5 x 200 pixels around (50, 60 + 15 * 1.5) - 1.
    assert person.box == pytest.approx((49 - 150, 81.5 - 150, 300, 300))
    assert person.area == pytest.approx(90_000)
    assert person.keypoints.dtype == np.float64
    assert person.keypoints.tolist() == [[x - 1, y - 1, 2] for x, y in JOINTS]
    assert (person.score, person.category, person.activity) == (1.0, "", "")
    assert person.head_size == pytest.approx(0.75 * math.hypot(1, 2))
    assert head_kind(tmp_path, "valid") == "neck"


def test_the_mat_overrules_the_json(tmp_path):
    truth = truth_of(3)
    truth["jnt_missing"][4, 1] = 1
    truth["pos_gt_src"][4, :, 1] = 0
    write(tmp_path, changed(joints_vis=[1] * 4 + [0] + [1] * 11), **truth)
    people = read_people(tmp_path, "valid")
    assert head_kind(tmp_path, "valid") == "boxes"
    assert [p.head_size for p in people] == pytest.approx([30.0] * 3)
    assert people[0].keypoints.tolist() == [[x - 0.75, y - 0.75, 2] for x, y in JOINTS]
    assert people[1].keypoints[4].tolist() == [0, 0, 0]


def test_the_mat_may_hold_one_person(tmp_path):
    write(tmp_path, [PERSON], **truth_of(1))
    assert len(read_people(tmp_path, "valid")) == 1


def test_activities_are_found_by_the_name_of_the_image(tmp_path):
    write(tmp_path, GOOD)
    (tmp_path / "annot" / "activities.json").write_text(
        json.dumps({"b.jpg": {"category": "sports", "activity": "tennis"}, "c.jpg": {}})
    )
    people = read_people(tmp_path, "valid")
    assert [(p.category, p.activity) for p in people] == [("sports", "tennis"), ("", ""), ("sports", "tennis")]


def test_the_fingerprint_changes_with_every_file(tmp_path):
    write(tmp_path, GOOD)
    seen = {fingerprint(tmp_path, "valid")}
    write(tmp_path, GOOD, **truth_of(3))
    seen.add(fingerprint(tmp_path, "valid"))
    (tmp_path / "annot" / "activities.json").write_text("{}")
    seen.add(fingerprint(tmp_path, "valid"))
    assert len(seen) == 3


def test_a_head_without_its_two_joints_has_no_size():
    keypoints = np.full((3, 16, 3), 2.0)
    keypoints[0, 9, :2] = 2, 12
    keypoints[1, 8, 2] = 0
    np.testing.assert_array_equal(neck_head_sizes(keypoints), [7.5, math.nan, math.nan])


BAD = {
    "not JSON": ("[", "not JSON"),
    "an object": ({}, "expected a list of persons", "an object"),
    "a text": (["x"], "entry 0", "a text"),
    "no image": (changed(image=None), "entry 1", "no image"),
    "image elsewhere": (changed(image="../a.jpg"), "entry 1", "leaves"),
    "no center": (changed(center=None), "entry 1", "center", "missing"),
    "NaN center": (changed(center=[math.nan, 1]), "entry 1", "center"),
    "long center": (changed(center=[1, 2, 3]), "entry 1", "center", "3 numbers, expected 2"),
    "no scale": (changed(scale=None), "entry 1", "scale"),
    "scale of nobody": (changed(scale=-1), "entry 1", "scale is -1"),
    "far off": (changed(center=[1e9, 1]), "entry 1", "far off"),
    "joints of COCO": (changed(joints=[[1, 2]] * 17), "entry 1", "17 points", "16"),
    "no joints": (changed(joints=None), "entry 1", "joints", "missing"),
    "NaN joint": (changed(joints=[[math.nan, 2]] * 16), "entry 1", "joints[0][0] is nan"),
    "ragged": (changed(joints=[[1]] + [[1, 2]] * 15), "entry 1", "joints[0] has 1 numbers"),
    "texts": (changed(joints=[["x", 2]] * 16), "entry 1", "joints[0][0] is 'x'"),
    "labels": (changed(joints_vis=[1] * 15), "entry 1", "joints_vis", "15", "16"),
    "other label": (changed(joints_vis=[2] * 16), "entry 1", "joints_vis", "0 and 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_annotation_file_is_one_line(tmp_path, name):
    document, *parts = BAD[name]
    file = write(tmp_path, document)
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "valid")
    one_line(problem, str(file), *parts)


def other(name: str, change) -> dict[str, np.ndarray]:
    truth = truth_of(3)
    truth[name] = change(truth[name])
    return truth


BAD_TRUTH = {
    "counts": (truth_of(4), "4 persons", "valid.json 3"),
    "heads": (other("headboxes_src", lambda a: a[..., :2]), "headboxes_src holds 2 persons"),
    "shape": (other("pos_gt_src", lambda a: a[:14]), "pos_gt_src is 14 x 2 x 3", "16 x 2 x N"),
    "NaN": (other("pos_gt_src", lambda a: a * math.nan), "pos_gt_src(1, 1, 1) is nan"),
    "flat head": (other("headboxes_src", lambda a: a * 0), "person 0", "no extent"),
    "order": (other("jnt_missing", lambda a: (np.arange(48).reshape(16, 3) == 1).astype(int)), "person 1", "order"),
    "other joints": ({**truth_of(3), "dataset_joints": np.array(["head"] * 16, dtype=object)}, "dataset_joints"),
}


@pytest.mark.parametrize("name", BAD_TRUTH)
def test_a_bad_mat_is_one_line(tmp_path, name):
    truth, *parts = BAD_TRUTH[name]
    write(tmp_path, GOOD, **truth)
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "valid")
    one_line(problem, "gt_valid.mat", *parts)


@pytest.mark.parametrize("document", [[], {"a.jpg": 3}, {"a.jpg": {"category": 3}}])
def test_bad_activities_are_one_line(tmp_path, document):
    write(tmp_path, GOOD)
    (tmp_path / "annot" / "activities.json").write_text(json.dumps(document))
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "valid")
    one_line(problem, "activities.json")


def test_missing_files_say_the_layout(tmp_path):
    with pytest.raises(EnvironmentProblem) as problem:
        read_people(tmp_path, "valid")
    one_line(problem, f"{tmp_path}/annot/valid.json", f"{tmp_path}/images/")
    write(tmp_path, GOOD)
    (tmp_path / "images").rmdir()
    with pytest.raises(EnvironmentProblem) as problem:
        read_people(tmp_path, "valid")
    one_line(problem, f"{tmp_path}/images")


def test_real_people(real_data):
    root = real_data / "mpii"
    for split, persons, images in (("train", 485, 280), ("valid", 135, 120)):
        people = read_people(root, split)
        assert len(people) == persons
        assert len({person.image_id for person in people}) == images
        assert all(person.image.is_file() and person.category and person.activity for person in people)
    # Head sizes from the boxes and from the neck are nearly one, or the joints 8 and 9 were not these two.
    boxes = np.array([person.head_size for person in people])
    necks = neck_head_sizes(np.stack([person.keypoints for person in people]))
    assert np.nanmedian(np.abs(necks / boxes - 1)) < 1e-3


def test_the_official_validation_persons(real_data, tmp_path):
    (tmp_path / "annot").mkdir()
    (tmp_path / "images").mkdir()
    source = real_data / "eval_cases" / "mpii"
    for name in ("valid.json", "gt_valid.mat"):
        (tmp_path / "annot" / name).symlink_to(source / name)
    people = read_people(tmp_path, "valid")
    assert len(people) == 2958
    truth = scipy.io.loadmat(source / "gt_valid.mat")
    keypoints = np.stack([person.keypoints for person in people])
    np.testing.assert_array_equal(keypoints[:, :, 2] == 0, truth["jnt_missing"].T)
    scored = keypoints[:, :, 2] > 0
    np.testing.assert_allclose(keypoints[scored, :2] + 1, truth["pos_gt_src"].transpose(2, 0, 1)[scored], atol=2e-4)
    # The two files differ in 13 joints; what is read is the .mat's.
    listed = np.array([entry["joints"] for entry in json.loads((source / "valid.json").read_text())])
    moved = np.abs(keypoints[:, :, :2] + 1 - listed).max(axis=2) > 0.01
    assert (moved & scored).sum() == 13


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return files.prepare(tmp_path_factory.mktemp("cache"), train=12, test=8)


@pytest.mark.parametrize(("split", "twin"), [("train", "train"), ("valid", "val")])
def test_the_embedded_persons_are_those_of_the_coco_layout(embedded, split, twin):
    people, twins = read_people(embedded / "mpii", split), coco.read_people(embedded / "coco", twin)
    assert len(people) == len(twins) > 0
    for person, same in zip(people, twins, strict=True):
        assert person.image.read_bytes() == same.image.read_bytes()
        assert person.activity
        mine, theirs = person.keypoints[list(SHARED)], same.keypoints[list(SHARED.values())]
        labelled = mine[:, 2] > 0
        np.testing.assert_array_equal(labelled, theirs[:, 2] > 0)
        np.testing.assert_allclose(mine[labelled, :2], theirs[labelled, :2], atol=0.011)
        x, y, w, h = person.box
        u, v, s, t = same.box
        assert w == h == pytest.approx(max(s, t), abs=1.1)  # COCO's reader takes a pixel from each side
        assert (x + w / 2, y + h / 2) == pytest.approx((u + s / 2, v + t / 2), abs=0.6)
        # Drawn heads need not have MPII's ratio of neck to box, those of the validation split have their box.
        if split == "valid":
            assert person.head_size == pytest.approx(same.head_size, abs=0.02)
