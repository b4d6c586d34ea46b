"""The embedded data set: the same for everybody, read by the field's own readers, left and right alike."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.io
from pycocotools.coco import COCO

from benchbox.datasets.synthetic import files, mpii_files
from benchbox.datasets.synthetic.activities import ACTIVITIES, FRONT_ANGLE, FRONT_SHARE, NAMES, sample_yaw
from benchbox.datasets.synthetic.body import Limb, Pose, pose_body, sample_build
from benchbox.datasets.synthetic.figure import LIMBS
from benchbox.datasets.synthetic.matlab import Cells, Structs, mat_file
from benchbox.datasets.synthetic.scene import VERSION, Scene, render
from benchbox.errors import EnvironmentProblem

TRAIN, TEST = 18, 36


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.prepare(tmp_path_factory.mktemp("cache"), train=TRAIN, test=TEST)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [render("train", index) for index in range(90)]


def _digests(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_same_bytes_every_time(root: Path, tmp_path: Path) -> None:
    again = files.prepare(tmp_path, train=TRAIN, test=TEST)
    assert root.name == again.name == f"synthetic-v{VERSION}-{TRAIN}-{TEST}"
    assert _digests(root) == _digests(again)


def test_an_image_does_not_depend_on_the_counts(root: Path, tmp_path: Path) -> None:
    fewer = files.prepare(tmp_path, train=3, test=5)
    mine, theirs = _digests(root), _digests(fewer)
    images = [name for name in theirs if name.endswith(".jpg")]
    assert len(images) == 2 * (3 + 5)
    assert all(mine[name] == theirs[name] for name in images)
    few = json.loads((fewer / "coco/annotations/person_keypoints_val.json").read_text())
    many = json.loads((root / "coco/annotations/person_keypoints_val.json").read_text())
    assert few["annotations"] == many["annotations"][: len(few["annotations"])]
    assert few["images"] == many["images"][:5]


def test_splits_and_neighbours_differ() -> None:
    assert not np.array_equal(render("train", 0).image[:100, :100], render("val", 0).image[:100, :100])
    assert not np.array_equal(render("val", 0).image[:100, :100], render("val", 9).image[:100, :100])


@pytest.mark.parametrize("split", ["train", "val"])
def test_pycocotools_reads_it(root: Path, split: str) -> None:
    coco = COCO(str(root / f"coco/annotations/person_keypoints_{split}.json"))
    assert set(coco.dataset) == {"info", "licenses", "images", "annotations", "categories"}
    category = coco.loadCats([1])[0]
    assert (category["name"], len(category["keypoints"]), len(category["skeleton"])) == ("person", 17, 19)
    assert len(coco.getImgIds()) == (TRAIN if split == "train" else TEST)
    for annotation in coco.loadAnns(coco.getAnnIds()):
        record = coco.loadImgs([annotation["image_id"]])[0]
        image = cv2.imread(str(root / "coco" / split / record["file_name"]))
        assert image is not None
        assert image.shape[:2] == (record["height"], record["width"])
        keypoints = np.reshape(annotation["keypoints"], (17, 3))
        assert annotation["num_keypoints"] == np.count_nonzero(keypoints[:, 2])
        assert annotation["activity"] in NAMES
        assert np.ptp(annotation["head_box"]) > 0
        assert coco.annToMask(annotation).sum() > 0


def test_hrnet_and_mpii_layouts_agree(root: Path) -> None:
    annot = root / "mpii" / "annot"
    valid = json.loads((annot / "valid.json").read_text())
    truth = scipy.io.loadmat(annot / "gt_valid.mat")
    assert truth["pos_gt_src"].shape == (16, 2, len(valid))
    assert truth["headboxes_src"].shape == (2, 2, len(valid))
    assert [str(name[0]) for name in truth["dataset_joints"][0]] == list(mpii_files.JOINTS)
    coco = json.loads((root / "coco/annotations/person_keypoints_val.json").read_text())["annotations"]
    assert len(coco) == len(valid)
    for place, (person, same) in enumerate(zip(valid, coco, strict=True)):
        labelled = np.array(person["joints_vis"]) == 1
        assert np.array_equal(truth["jnt_missing"][:, place] == 0, labelled)
        np.testing.assert_allclose(
            truth["pos_gt_src"][labelled, :, place], np.array(person["joints"])[labelled], atol=1e-9
        )
        assert (np.array(person["joints"])[~labelled] == -1).all()
        np.testing.assert_allclose(truth["headboxes_src"][:, :, place].ravel() - 1, same["head_box"], atol=0.011)
        # One-based there, zero-based here: MPII's right ankle is COCO's last joint.
        if labelled[0]:
            np.testing.assert_allclose(np.array(person["joints"][0]) - 1, same["keypoints"][48:50], atol=0.011)
        # HRNet's reader: centre down by 15 * scale, minus one, scale times 1.25.
        x, y, w, h = same["bbox"]
        centre = np.array(person["center"]) + (0, 15 * person["scale"]) - 1
        np.testing.assert_allclose(centre, (x + w / 2 - 0.5, y + h / 2 - 0.5), atol=0.02)
        assert person["scale"] * 200 == pytest.approx(max(w, h), abs=0.02)
        assert (root / "mpii/images" / person["image"]).is_file()


def test_scipy_reads_the_official_structure(root: Path) -> None:
    annot = root / "mpii" / "annot"
    path = annot / "mpii_human_pose_v1_u12_1.mat"
    release = scipy.io.loadmat(path, struct_as_record=False, squeeze_me=True)["RELEASE"]
    assert len(release.annolist) == len(release.act) == release.img_train.size == TRAIN + TEST
    activities = json.loads((annot / "activities.json").read_text())
    persons = 0
    for entry, act in zip(release.annolist, release.act, strict=True):
        assert activities[entry.image.name] == {"category": act.cat_name, "activity": act.act_name}
        rectangles = np.atleast_1d(entry.annorect)
        persons += len(rectangles)
        for rectangle in rectangles:
            assert rectangle.x2 > rectangle.x1
            assert rectangle.scale > 0
            points = np.atleast_1d(rectangle.annopoints.point)
            ids = [int(point.id) for point in points]
            assert ids == sorted(set(ids))
            assert all(point.is_visible in (0, 1) for point in points)
    count = sum(len(json.loads((annot / name).read_text())) for name in ("train.json", "valid.json"))
    assert persons == count
    # Plain loading gives MPII's nesting: a 1 x 1 struct of rows and, for `act`, a column.
    plain = scipy.io.loadmat(path)["RELEASE"]
    assert plain.shape == (1, 1)
    assert plain["annolist"][0, 0].shape == (1, TRAIN + TEST)
    assert plain["act"][0, 0].shape == (TRAIN + TEST, 1)


def test_matlab_values_return_as_written(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [(1.5, "odd", np.arange(6.0).reshape(2, 3)), (-2.0, "", np.zeros((0, 0)))]
    (tmp_path / "x.mat").write_bytes(mat_file(s=Structs(("a", "b", "c"), rows), cells=Cells([3.0, "four"]), n=7))
    read = scipy.io.loadmat(tmp_path / "x.mat")
    assert read["s"].shape == (1, 2)
    assert read["s"]["a"][0, 1] == -2.0
    assert read["s"]["b"][0, 0] == "odd"
    np.testing.assert_array_equal(read["s"]["c"][0, 0], np.arange(6.0).reshape(2, 3))
    assert read["cells"].shape == (2, 1)
    assert read["n"] == 7


def test_joints_lie_in_the_image_and_near_the_box(scenes: list[Scene]) -> None:
    for scene in scenes:
        height, width = scene.image.shape[:2]
        assert scene.image.dtype == np.uint8
        for person in scene.people:
            x, y, w, h = person.box
            assert x >= 0
            assert y >= 0
            assert x + w <= width
            assert y + h <= height
            assert 0 < person.area <= w * h
            for keypoints in (person.keypoints_coco, person.keypoints_mpii):
                labelled = keypoints[keypoints[:, 2] > 0]
                assert set(keypoints[:, 2]) <= {0, 1, 2}
                assert (labelled[:, :2] >= -0.5).all()
                assert (labelled[:, :2] <= (width - 0.5, height - 0.5)).all()
                assert (keypoints[keypoints[:, 2] == 0] == 0).all()
                seen = keypoints[keypoints[:, 2] == 2, :2]
                assert (seen >= (x - 3, y - 3)).all()
                assert (seen <= (x + w + 3, y + h + 3)).all()


def test_every_kind_of_scene_occurs(scenes: list[Scene]) -> None:
    assert {scene.activity for scene in scenes} == set(NAMES)
    assert len(NAMES) == 9
    seen = np.concatenate([person.keypoints_coco[:, 2] for scene in scenes for person in scene.people])
    assert (seen == 2).mean() > 0.5
    assert (seen == 1).mean() > 0.03
    assert (seen == 0).any()
    assert any(len(scene.people) == 2 for scene in scenes)
    areas = np.array([person.area for scene in scenes for person in scene.people])
    # COCO's medium persons are those above 32 x 32 pixels.
    assert (areas > 32**2).mean() > 0.8


def test_activities_have_their_names_in_mpii(scenes: list[Scene]) -> None:
    for scene in scenes:
        kind = ACTIVITIES[scene.activity]
        assert (scene.category, scene.label in kind.labels) == (kind.category, True)
    assert all(label.startswith("standing") for label in ACTIVITIES["standing"].labels)
    assert all(label.startswith("skiing") for label in ACTIVITIES["skiing"].labels)
    assert ACTIVITIES["mountain biking"].labels == ("bicycling, mountain",)
    assert not any("mountain" in label for label in ACTIVITIES["bicycling"].labels)


def test_most_people_face_the_camera() -> None:
    rng = np.random.default_rng(0)
    for activity in NAMES:
        yaws = np.array([sample_yaw(rng, activity, False) for _ in range(400)])
        assert abs((np.abs(yaws) <= FRONT_ANGLE).mean() - FRONT_SHARE[activity]) < 0.09
        assert abs((yaws > 0).mean() - 0.5) < 0.09


def test_left_and_right_wear_the_same(scenes: list[Scene]) -> None:
    """A limb's look depends on its kind alone: the cloth is asked for by part, and the part has no side."""
    for scene in scenes[:20]:
        for person in scene.people:
            outfit = person.figure.outfit
            cloths = {part: outfit.limb(part) for part, *_ in LIMBS}
            assert len(cloths) == len(LIMBS)
            assert not [name for name in vars(outfit) if name.startswith(("l_", "r_", "left", "right"))]


def test_a_mirrored_pose_is_a_mirrored_body() -> None:
    rng = np.random.default_rng(5)
    build = sample_build(rng)
    one, two = Limb(40, 30, 20, 60, 5), Limb(-10, 5, 0, 15)
    body = pose_body(Pose((one, two), (two, one), bend=10, side=8, turn=12, look=20, tilt=5, roll=4), build).joints
    mirror = Pose((two, one), (one, two), bend=10, side=-8, turn=-12, look=-20, tilt=-5, roll=-4)
    other = pose_body(mirror, build).joints
    for name, point in body.items():
        twin = {"l": "r_", "r": "l_"}[name[0]] + name[2:] if name[:2] in ("l_", "r_") else name
        np.testing.assert_allclose(other[twin], point * (-1, 1, 1), atol=1e-9, err_msg=name)


def _prepare(cache: str) -> str:
    return str(files.prepare(Path(cache), train=9, test=9))


def test_two_processes_make_one_folder(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.map(_prepare, [str(tmp_path)] * 2)
    assert made[0] == made[1]
    assert [path.name for path in tmp_path.iterdir()] == [Path(made[0]).name]
    assert len(list((Path(made[0]) / "coco/val").iterdir())) == 9


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    name = f"synthetic-v{VERSION}-1-1"
    (tmp_path / f".{name}.partial-dead").mkdir(parents=True)
    (tmp_path / f".{name}.lock").touch()
    files.prepare(tmp_path, train=1, test=1)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_full_disk_leaves_one_line_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EnvironmentProblem) as caught:
        files.prepare(tmp_path, train=1, test=1)
    assert "No space left" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_cache_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentProblem, match="cannot make the synthetic data") as caught:
        files.prepare(tmp_path / "file" / "cache", train=1, test=1)
    assert "\n" not in str(caught.value)
