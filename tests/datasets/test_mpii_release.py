from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.io

from benchbox.datasets import coco, mpii
from benchbox.datasets.mpii_release import read_people
from benchbox.datasets.synthetic import files
from benchbox.errors import EnvironmentProblem, InvalidInput
from tests.datasets.test_mpii import SHARED

EMPTY = np.zeros((0, 0))


def structs(rows: list[dict]) -> np.ndarray:
    """Return a struct array of these rows, as MATLAB has it: (1, N) with all fields in every element."""
    array = np.empty((1, len(rows)), dtype=[(name, object) for name in rows[0]])
    for place, row in enumerate(rows):
        array[0, place] = tuple(row.values())
    return array


POINTS = [{"x": 10.0 + joint, "y": 20.0 + joint, "id": joint, "is_visible": 1} for joint in range(3)]
RECTANGLE = {
    **{"x1": 10.0, "y1": 10.0, "x2": 40.0, "y2": 50.0},
    "annopoints": {"point": structs(POINTS)},
    "scale": 1.5,
    "objpos": {"x": 50, "y": 60},
}
ACT = {"cat_name": "sports", "act_name": "tennis", "act_id": 3}


def image(*rectangles: dict, name: str = "a.jpg") -> dict:
    return {"image": {"name": name}, "annorect": structs(list(rectangles)) if rectangles else EMPTY, "vididx": EMPTY}


def release(folder, images: list[dict], *, train: object = None, act: object = None, **others: object):
    """Write RELEASE, and make the folder of the images."""
    content = {
        "annolist": structs(images),
        "img_train": np.ones((1, len(images))) if train is None else train,
        "act": structs([ACT] * len(images)) if act is None else act,
        **others,
    }
    (folder / "images").mkdir(exist_ok=True)
    path = folder / "release.mat"
    scipy.io.savemat(path, {"RELEASE": content}, oned_as="row", long_field_names=True)
    return path


def people(folder, images: list[dict], **options: object):
    return read_people(release(folder, images, **options), folder / "images")


def test_one_person_of_one_image(tmp_path):
    person, *others = people(tmp_path, [image(RECTANGLE)])
    assert not others
    assert (person.id, person.image_id, person.image) == (0, 0, tmp_path / "images" / "a.jpg")
    assert (person.category, person.activity) == ("sports", "tennis")
    assert person.box == pytest.approx((49 - 150, 81.5 - 150, 300, 300))
    assert person.head_size == pytest.approx(30.0)
    assert person.keypoints.dtype == np.float64
    assert person.keypoints[:4].tolist() == [[9, 19, 2], [10, 20, 2], [11, 21, 2], [0, 0, 0]]
    assert not person.keypoints[3:].any()


def test_persons_without_points_or_place_are_left_out_and_the_numbers_stay(tmp_path):
    rectangles = [
        {**RECTANGLE, "annopoints": EMPTY},
        RECTANGLE,
        {**RECTANGLE, "annopoints": {"point": EMPTY}},
        {**RECTANGLE, "objpos": EMPTY},
        {**RECTANGLE, "scale": EMPTY},
        RECTANGLE,
    ]
    images = [image(), image(*rectangles, name="b.jpg"), image(RECTANGLE, name="c.jpg")]
    assert [(p.id, p.image_id) for p in people(tmp_path, images)] == [(1, 1), (5, 1), (6, 2)]


def test_rectangles_without_the_fields_of_labels(tmp_path):
    corners = {name: RECTANGLE[name] for name in ("x1", "y1", "x2", "y2")}
    assert people(tmp_path, [image(corners), image(RECTANGLE)])[0].id == 1


def test_only_training_images_are_read(tmp_path):
    images = [image(RECTANGLE), image(RECTANGLE, name="b.jpg"), image(RECTANGLE, name="c.jpg")]
    assert [p.image.name for p in people(tmp_path, images, train=np.array([[0, 1, 1]]))] == ["b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("seen", "visibility"),
    [(1, 2), (0, 1), ("1", 2), ("0", 1), ("", 2), (EMPTY, 2), (np.uint8(0), 1), (np.bool_(False), 1)],
)
def test_visibility_in_all_its_spellings(tmp_path, seen, visibility):
    points = [{**POINTS[0], "is_visible": seen}]
    person = people(tmp_path, [image({**RECTANGLE, "annopoints": {"point": points}})])[0]
    assert person.keypoints[0].tolist() == [9, 19, visibility]


def test_visibility_may_be_missing_and_a_point_alone(tmp_path):
    point = {name: POINTS[1][name] for name in ("x", "y", "id")}
    person = people(tmp_path, [image({**RECTANGLE, "annopoints": {"point": point}})])[0]
    assert person.keypoints[1].tolist() == [10, 20, 2]


def test_no_head_box_no_head_size(tmp_path):
    found = people(tmp_path, [image({**RECTANGLE, "x1": EMPTY}, {**RECTANGLE, "x1": 40.0, "y1": 50.0})])
    assert len(found) == 2
    assert all(math.isnan(person.head_size) for person in found)


@pytest.mark.parametrize(
    "act", [{**ACT, "cat_name": EMPTY, "act_name": EMPTY}, {**ACT, "cat_name": "", "act_name": ""}]
)
def test_an_image_without_activity(tmp_path, act):
    found = people(tmp_path, [image(RECTANGLE), image(RECTANGLE)], act=structs([act, ACT]))
    assert [(p.category, p.activity) for p in found] == [("", ""), ("sports", "tennis")]


def test_a_release_without_activities(tmp_path):
    assert people(tmp_path, [image(RECTANGLE)], act=EMPTY)[0].category == ""


def bad(**values: object) -> list[dict]:
    return [image(RECTANGLE), image(RECTANGLE, {**RECTANGLE, **values}, name="b.jpg")]


def points(**values: object) -> list[dict]:
    return bad(annopoints={"point": structs([{**POINTS[0], **values}, POINTS[1]])})


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (points(id=16), "image 1 .*b.jpg.*, rectangle 1: a point has the id 16"),
        (points(id=EMPTY), "rectangle 1: a point has the id nan"),
        (points(x=EMPTY), "rectangle 1: joint 0 has no place"),
        (points(y=math.nan), "rectangle 1: y is nan"),
        (points(x="left"), "rectangle 1: x is 'left'"),
        (points(x=np.array([1.0, 2.0])), "rectangle 1: x is"),
        (bad(scale=-1.0), "rectangle 1: scale is -1"),
        (bad(objpos={"x": math.inf, "y": 1}), "rectangle 1: x is inf"),
        ([image(RECTANGLE, name="../a.jpg")], "image 0: name '../a.jpg' leaves"),
        ([{"image": {"name": EMPTY}, "annorect": structs([RECTANGLE])}], "image 0: no name"),
    ],
)
def test_bad_entries_are_one_line(tmp_path, images, message):
    with pytest.raises(InvalidInput, match=message) as problem:
        people(tmp_path, images)
    assert "release.mat: " in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("options", [{"train": np.ones((1, 3))}, {"act": structs([ACT])}, {"train": EMPTY}])
def test_counts_must_agree(tmp_path, options):
    with pytest.raises(InvalidInput, match="equally many images: 2 of annolist"):
        people(tmp_path, [image(RECTANGLE), image(RECTANGLE)], **options)


def test_other_files_are_one_line(tmp_path):
    (tmp_path / "images").mkdir()
    path = tmp_path / "x.mat"
    with pytest.raises(EnvironmentProblem, match="no file"):
        read_people(path, tmp_path / "images")
    scipy.io.savemat(path, {"joints": np.ones(3), "RELEASE": np.ones(3)})
    with pytest.raises(InvalidInput, match="no struct RELEASE; the file holds RELEASE, joints"):
        read_people(path, tmp_path / "images")
    path = release(tmp_path, [image(RECTANGLE)])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match="not a whole MATLAB file"):
        read_people(path, tmp_path / "images")
    with pytest.raises(EnvironmentProblem, match="no image folder"):
        read_people(release(tmp_path, [image(RECTANGLE)]), tmp_path / "elsewhere")


def test_splits_and_names_that_the_file_does_not_know(tmp_path):
    path = release(tmp_path, [image(RECTANGLE), image(RECTANGLE, name="b.jpg")], train=np.array([[1, 0]]))
    with pytest.raises(InvalidInput, match='no split "valid"'):
        read_people(path, tmp_path / "images", split="valid")
    with pytest.raises(InvalidInput, match=r"2 of the names are no training image, first 'b\.jpg'"):
        read_people(path, tmp_path / "images", names=["a.jpg", "c.jpg", "b.jpg"])


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return files.prepare(tmp_path_factory.mktemp("cache"), train=12, test=8)


@pytest.mark.parametrize(("split", "twin"), [("train", "train"), ("valid", "val")])
def test_the_embedded_persons_are_those_of_the_other_layouts(embedded, split, twin):
    annot = embedded / "mpii" / "annot"
    names = {entry["image"] for entry in json.loads((annot / f"{split}.json").read_text())}
    found = read_people(annot / "mpii_human_pose_v1_u12_1.mat", embedded / "mpii" / "images", names=names)
    in_json, in_coco = mpii.read_people(embedded / "mpii", split), coco.read_people(embedded / "coco", twin)
    assert len(found) == len(in_json) == len(in_coco) > 0
    assert len({person.id for person in found}) == len(found)
    for person, same, other in zip(found, in_json, in_coco, strict=True):
        assert person.image == same.image
        assert person.box == pytest.approx(same.box)
        assert (person.category, person.activity) == (same.category, same.activity)
        np.testing.assert_array_equal(person.keypoints[:, :2], same.keypoints[:, :2])
        np.testing.assert_array_equal(person.keypoints[:, 2] > 0, same.keypoints[:, 2] > 0)
        # The release tells hidden from visible, as COCO does and HRNet's JSON does not.
        np.testing.assert_array_equal(person.keypoints[list(SHARED), 2], other.keypoints[list(SHARED.values()), 2])
        assert person.head_size == pytest.approx(other.head_size, abs=0.02)
        if split == "valid":
            assert person.head_size == pytest.approx(same.head_size)
