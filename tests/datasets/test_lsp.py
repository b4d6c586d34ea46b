from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from benchbox.datasets.lsp import fingerprint, read_annotations, read_people
from benchbox.datasets.mat import read_mat
from benchbox.errors import BenchboxError, EnvironmentProblem, InvalidInput
from benchbox.pose.skeleton import LSP14

RNG = np.random.default_rng(0)
LSP = np.concatenate([RNG.uniform(1, 150, (2, 14, 2000)), RNG.integers(0, 2, (1, 14, 2000))])
EXTENDED = np.concatenate([RNG.uniform(1, 150, (14, 2, 10000)), np.ones((14, 1, 10000))], axis=1)


def write(root: Path, joints: np.ndarray, *images: str, splits: object = None) -> Path:
    scipy.io.savemat(root / "joints.mat", {"joints": joints})
    (root / "images").mkdir(exist_ok=True)
    for name in images:
        (root / "images" / name).touch()
    if splits is not None:
        (root / "splits.json").write_text(splits if isinstance(splits, str) else json.dumps(splits))
    return root


def one_line(problem: pytest.ExceptionInfo[BenchboxError], *parts: str) -> None:
    text = str(problem.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    for part in parts:
        assert part in text


def test_lsp_labels_every_joint_and_marks_the_hidden(tmp_path):
    write(tmp_path, LSP, "im0001.jpg", "im1000.jpg", "im1001.jpg", "im2000.jpg")
    assert [person.id for person in read_people(tmp_path, "train")] == [1, 1000]
    people = read_people(tmp_path, "test")
    assert [(p.id, p.image_id, p.image.name) for p in people] == [
        (1001, 1001, "im1001.jpg"),
        (2000, 2000, "im2000.jpg"),
    ]
    keypoints = people[1].keypoints
    assert keypoints.dtype == np.float32
    np.testing.assert_array_equal(keypoints[:, :2], (LSP[:2, :, 1999].T - 1).astype(np.float32))
    np.testing.assert_array_equal(keypoints[:, 2], np.where(LSP[2, :, 1999] == 1, 1, 2))
    assert set(keypoints[:, 2]) == {1, 2}
    assert math.isnan(people[0].head_size)


def test_lsp_extended_marks_the_labelled(tmp_path):
    joints = EXTENDED.copy()
    joints[3, :, 16] = -5, -7, 0
    people = read_people(write(tmp_path, joints, "im00017.jpg"), "train")
    assert [person.id for person in people] == [17]
    keypoints = people[0].keypoints
    assert keypoints[3].tolist() == [0, 0, 0]
    others = np.delete(np.arange(14), 3)
    np.testing.assert_array_equal(keypoints[others, :2], (joints[others, :2, 16] - 1).astype(np.float32))
    assert (keypoints[others, 2] == 2).all()


def test_the_box_holds_the_labelled_joints_and_a_tenth_more(tmp_path):
    joints = EXTENDED.copy()
    joints[:, :, 0] = 0
    joints[:2, :, 0] = (11, 21, 1), (51, 221, 1)
    person = read_people(write(tmp_path, joints, "im00001.jpg"), "train")[0]
    # 40 x 200 pixels from (10, 20), 20 more on every side.
    assert person.box == pytest.approx((-10, 0, 80, 240))
    assert person.area == pytest.approx(80 * 240)


def test_a_person_without_extent_has_no_box(tmp_path):
    joints = EXTENDED.copy()
    joints[1:, 2, 0] = 0
    joints[:, 2, 1] = 0
    people = read_people(write(tmp_path, joints, "im00001.jpg", "im00002.jpg", "im00003.jpg"), "train")
    assert [person.id for person in people] == [3]


def test_splits_are_told_by_their_file(tmp_path):
    splits = {"note": "numbers", "train": [3, 1], "val": [2, 9]}
    write(tmp_path, EXTENDED, "im00001.jpg", "im00002.jpg", "im00003.jpg", splits=splits)
    assert [person.id for person in read_people(tmp_path, "train")] == [3, 1]
    assert [person.id for person in read_people(tmp_path, "val")] == [2]
    assert read_annotations(tmp_path, "val").numbers == [2, 9]
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "vall")
    one_line(problem, 'did you mean "val"?')


def test_the_fingerprint_knows_the_splits(tmp_path):
    before = fingerprint(write(tmp_path, EXTENDED))
    assert fingerprint(write(tmp_path, EXTENDED, splits={"train": [1]})) != before


BAD = {
    "shape": (np.zeros((14, 3, 5)), None, "joints.mat", "14 x 3 x 5", "14 x 3 x 10000"),
    "text": (np.array("x"), None, "joints.mat", "joints"),
    "NaN": (np.where(np.arange(420_000).reshape(14, 3, 10_000) == 7, math.nan, EXTENDED), None, "joints(1, 1, 8)"),
    "visibility": (EXTENDED * 2, None, "joints.mat", "image 1", "visibility"),
    "far off": (EXTENDED * [[1e9], [1], [1]], None, "joints.mat", "joints(1, 1, 1) is", "finite"),
    "not JSON": (EXTENDED, "{", "splits.json", "not JSON"),
    "a list": (EXTENDED, [1, 2], "splits.json", "a list"),
    "no number": (EXTENDED, {"train": [1, "2"]}, "splits.json", "train, entry 1", "'2'"),
    "no image": (EXTENDED, {"train": [10_001]}, "splits.json", "entry 0", "10001", "10000"),
    "zero": (EXTENDED, {"train": [0]}, "splits.json", "entry 0"),
    "twice": (EXTENDED, {"train": [4, 5, 4]}, "splits.json", "4 twice"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_line(tmp_path, name):
    joints, splits, *parts = BAD[name]
    write(tmp_path, joints, "im00001.jpg", splits=splits)
    with pytest.raises(InvalidInput) as problem:
        read_people(tmp_path, "train")
    one_line(problem, *parts)


def test_missing_files_say_the_layout(tmp_path):
    with pytest.raises(EnvironmentProblem) as problem:
        read_people(tmp_path, "train")
    one_line(problem, f"{tmp_path}/joints.mat", f"{tmp_path}/images/")
    write(tmp_path, LSP)
    with pytest.raises(EnvironmentProblem) as problem:
        read_people(tmp_path, "train")
    one_line(problem, "no image of train", f"{tmp_path}/images")
    with pytest.raises(InvalidInput) as unknown:
        read_people(tmp_path, "val")
    one_line(unknown, '"val"')


def test_real_people(real_data):
    root = real_data / "lspet"
    people = [person for split in ("train", "val") for person in read_people(root, split)]
    files = {file.name for file in (root / "images").iterdir()}
    assert len(people) == len({person.id for person in people}) == len(files) == 650
    assert {person.image.name for person in people} == files
    inside = []
    for person in people[::10]:
        height, width = cv2.imread(str(person.image)).shape[:2]
        labelled = person.keypoints[:, 2] > 0
        points = person.keypoints[labelled, :2]
        inside.append(((points >= 0) & (points <= (width - 1, height - 1))).all())
    assert all(inside)
    # Most people stand, gymnasts or not: were the order of the joints another, few ankles would lie below heads.
    ankle, top = LSP14.joints.index("left_ankle"), LSP14.joints.index("head_top")
    both = [p.keypoints for p in people if p.keypoints[[ankle, top], 2].all()]
    assert np.mean([points[ankle, 1] > points[top, 1] for points in both]) > 0.6


def test_joints_without_label_have_no_place_in_the_official_file(real_data):
    joints = read_mat(real_data / "lspet" / "joints.mat", "")["joints"]
    unlabelled = joints[:, 2] == 0
    assert unlabelled.mean() > 0.1
    assert (joints[:, 0][unlabelled] <= 0).all()
    assert (joints[:, 1][unlabelled] <= 0).all()
