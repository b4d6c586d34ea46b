from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from benchbox.datasets import coco, mpii
from benchbox.datasets.check import CHECKS, check_coco, check_lsp, check_mpii
from benchbox.datasets.findings import Finding, gathered
from benchbox.datasets.people_checks import side_problems, sides
from benchbox.datasets.synthetic import files
from benchbox.errors import EnvironmentProblem
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17, LSP14
from benchbox.worker.data import check


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return files.prepare(tmp_path_factory.mktemp("cache"), train=12, test=30)


@pytest.fixture
def root(made, tmp_path):
    """A copy of the embedded data to spoil."""
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def edit(path: Path, change: Callable) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def found(report) -> dict[str, int]:
    return {finding.kind: finding.count for finding in report.findings}


def annotation(**values: object) -> Callable:
    return lambda document: document["annotations"][0].update(values)


def exchange_sides(document: dict) -> None:
    for entry in document["annotations"]:
        points = np.reshape(entry["keypoints"], (17, 3))
        for left, right in COCO17.flip_pairs:
            points[[left, right]] = points[[right, left]]
        entry["keypoints"] = [*map(lambda v: int(v) if v == int(v) else v, points.ravel().tolist())]


def double_keypoints(document: dict) -> None:
    for entry in document["annotations"]:
        entry["keypoints"] = [v * (0.5 if i % 3 < 2 else 1) for i, v in enumerate(entry["keypoints"])]


def test_the_embedded_data_is_sound(made):
    for split, twin, number in (("train", "train", 12), ("val", "valid", 30)):
        report, other = check_coco(made / "coco", split), check_mpii(made / "mpii", twin)
        assert report.findings == other.findings == ()
        assert report.counts["images"] == other.counts["images"] == number
        assert report.counts["persons"] == len(coco.read_people(made / "coco", split))
        assert report.fingerprint == coco.fingerprint(made / "coco", split)
        assert other.fingerprint == mpii.fingerprint(made / "mpii", twin)


def test_counts_are_those_of_the_file(made):
    document = json.loads(coco.annotation_file(made / "coco", "val").read_text())
    marks = [mark for entry in document["annotations"] for mark in entry["keypoints"][2::3]]
    counts = check_coco(made / "coco", "val").counts
    assert counts["annotations"] == len(document["annotations"])
    assert counts["labelled joints"] == sum(mark > 0 for mark in marks)
    assert counts["hidden joints"] == marks.count(1)
    assert counts["crowds"] == counts["joints outside the image"] == 0


def test_the_boxes_of_a_detector_are_counted_and_read(root):
    folder = root / "coco"
    file = folder / coco.DETECTIONS.format(split="val")
    file.parent.mkdir()
    box = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.9}
    file.write_text(json.dumps([box, {**box, "image_id": 2}, box, {**box, "category_id": 3}]))
    report = check_coco(folder, "val")
    assert (report.counts["detector's boxes"], report.counts["images with such boxes"]) == (3, 2)
    assert report.findings == ()
    assert "detector's boxes" not in check_coco(folder, "train").counts
    file.write_text(json.dumps([{**box, "image_id": 999}]))
    (finding,) = check_coco(folder, "val").findings
    assert finding.kind == "detector's boxes"
    assert "image_id 999" in finding.examples[0]


def two_names(document: dict) -> None:
    document["images"].append({**document["images"][0], "id": 777})


def reversed_joints(document: dict) -> None:
    document["categories"][0]["keypoints"].reverse()


EMPTY_BOX = annotation(bbox=[5, 5, 0, 9], area=0)
SPOILED = {
    "box without size": (EMPTY_BOX, {"box without size": 1, "area": 1}, "annotation 10: 0 x 9"),
    "box outside": (annotation(bbox=[300, 5, 9, 9], area=4), {"box outside": 1}, "annotation 10: 300, 5, 9, 9"),
    "no area": (annotation(area=0), {"area": 1}, "annotation 10: an area of 0"),
    "more area than box": (annotation(area=1e6), {"area": 1}, "annotation 10: an area of 1e+06"),
    "num_keypoints": (annotation(num_keypoints=99), {"num_keypoints": 1}, "num_keypoints is 99"),
    "size": (lambda document: document["images"][2].update(width=999), {"image size": 1}, "annotated 999 x"),
    "name twice": (two_names, {"image twice": 1}, "images 1 and 777 are both 000000000001.jpg"),
    "reader's line": (annotation(bbox=[1, 2, 3, -4]), {"annotations": 1}, "annotation 10: bbox has a negative size"),
    "sides": (exchange_sides, {"left and right": 1}, "exchanged?"),
    "joint order": (reversed_joints, {"joint order": 1}, "right_ankle, left_ankle"),
    "no images": (lambda document: document.pop("images"), {"annotations": 1}, "no list of images"),
    "crowd": (annotation(iscrowd=1, area=0, bbox=[0, 0, 0, 0]), {}, ""),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_wrong_in_the_annotations_is_found(root, name):
    change, expected, text = SPOILED[name]
    edit(coco.annotation_file(root / "coco", "val"), change)
    report = check_coco(root / "coco", "val")
    assert found(report) == expected
    assert text in "".join(example for finding in report.findings for example in finding.examples)


def test_a_joint_far_outside_its_image_is_found(root):
    def change(document: dict) -> None:
        document["annotations"][3]["keypoints"][:3] = [-1.5, 5, 2]
        document["annotations"][4]["keypoints"][:6] = [-50, 5, 2, -50, 5, 0]

    edit(coco.annotation_file(root / "coco", "val"), change)
    report = check_coco(root / "coco", "val")
    assert report.counts["joints outside the image"] == 2
    (finding,) = (finding for finding in report.findings if finding.kind == "joint outside")
    assert finding.count == 1
    assert "joint 0 at (-50, 5)" in finding.examples[0]


def test_joints_in_the_pixels_of_another_size_are_found(root):
    edit(coco.annotation_file(root / "coco", "val"), double_keypoints)
    assert found(check_coco(root / "coco", "val"))["joints outside the box"] > 5


def test_spoiled_images_are_found_in_every_layout(root):
    for folder, examine, split, names in (
        (root / "coco" / "val", check_coco, "val", [f"{number:012d}.jpg" for number in range(1, 6)]),
        (root / "mpii" / "images", check_mpii, "valid", [f"2{number:08d}.jpg" for number in range(1, 6)]),
    ):
        missing, truncated, unreadable, copy, original = (folder / name for name in names)
        content = truncated.read_bytes()
        for path in (missing, truncated, unreadable, copy):  # they may share their bytes with the other layout
            path.unlink()
        truncated.write_bytes(content[: len(content) // 2])
        unreadable.write_bytes(b"\xff\xd8\xff\xd9")
        copy.write_bytes(original.read_bytes())
        report = examine(folder.parents[0], split)
        kinds = {"missing image": 1, "truncated image": 1, "unreadable image": 1, "image twice": 1}
        assert {kind: count for kind, count in found(report).items() if kind != "image size"} == kinds
        assert str(missing) in next(f for f in report.findings if f.kind == "missing image").examples


def test_an_mpii_file_that_its_reader_refuses_is_one_finding(root):
    edit(mpii.annotation_file(root / "mpii", "valid"), lambda document: document.pop())
    report = check_mpii(root / "mpii", "valid")
    assert found(report) == {"annotations": 1}
    assert "gt_valid.mat" in report.findings[0].examples[0]


def test_lsp_with_and_without_all_its_images(tmp_path):
    rng = np.random.default_rng(0)
    joints = np.concatenate([rng.uniform(1, 60, (14, 2, 10_000)), np.ones((14, 1, 10_000))], axis=1)
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": joints})
    (tmp_path / "images").mkdir()
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / "images" / f"im{number:05d}.jpg"), rng.integers(0, 256, (60, 60, 3)))
    report = check_lsp(tmp_path, "train")
    assert found(report) == {"missing image": 9_998}
    assert (report.counts["images listed"], report.counts["persons"]) == (10_000, 2)
    (tmp_path / "splits.json").write_text('{"train": [1, 2, 3]}')
    report = check_lsp(tmp_path, "train")
    assert found(report) == {}
    assert (report.counts["images listed"], report.counts["images"]) == (3, 2)
    (tmp_path / "splits.json").write_text('{"train": [0]}')
    assert found(check_lsp(tmp_path, "train")) == {"annotations": 1}


def facing(count: int, exchanged: int, *, skeleton=LSP14, nose: int = 2) -> list[Person]:
    """Return people of whom some have their shoulders exchanged."""
    people = []
    for number in range(count):
        keypoints = np.zeros((len(skeleton.joints), 3), np.float32)
        keypoints[skeleton.joints.index("left_shoulder")] = 5 if number < exchanged else 20, 5, 2
        keypoints[skeleton.joints.index("right_shoulder")] = 10, 5, 2
        if "nose" in skeleton.joints:
            keypoints[skeleton.joints.index("nose")] = 8, 1, nose
        people.append(Person(number, number, Path(f"{number}.jpg"), (0, 0, 30, 30), keypoints, 900.0))
    return people


@pytest.mark.parametrize(
    ("count", "exchanged", "suspicious"),
    [(100, 39, False), (100, 58, False), (100, 61, True), (2, 2, False), (5, 5, True), (0, 0, False)],
)
def test_left_and_right_are_judged_beyond_chance(count, exchanged, suspicious):
    assert bool(list(side_problems(facing(count, exchanged), LSP14))) is suspicious


def test_only_who_shows_the_nose_tells_left_from_right():
    people = facing(10, 10, skeleton=COCO17, nose=1) + facing(4, 1, skeleton=COCO17)
    assert sides(people, COCO17) == (4, 3)


def test_problems_are_put_together_by_kind():
    problems = [("b", str(number)) for number in range(5)] + [("a", "x"), ("b", "5")]
    assert gathered(problems) == (Finding("b", 6, ("0", "1", "2")), Finding("a", 1, ("x",)))


@pytest.mark.parametrize("name", CHECKS)
def test_where_nothing_lies_there_is_nothing_to_check(tmp_path, name):
    with pytest.raises(EnvironmentProblem):
        CHECKS[name](tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "folder", "split", "images", "persons"),
    [
        ("coco", "coco", "val2017", 134, 264),
        ("coco", "coco", "train2017", 100, 359),
        ("mpii", "mpii", "train", 280, 485),
        ("mpii", "mpii", "valid", 120, 135),
        ("lsp", "lspet", "train", 550, 550),
        ("lsp", "lspet", "val", 100, 100),
    ],
)
def test_real_data_is_sound(real_data, name, folder, split, images, persons):
    report = CHECKS[name](real_data / folder, split)
    assert report.findings == ()
    assert (report.counts["images"], report.counts["persons"]) == (images, persons)


def test_a_split_without_images_hides_no_other(real_data, tmp_path):
    reports = {report["split"]: report for report in check("lspet", "", real_data, tmp_path)}
    assert {split: report["counts"].get("images") for split, report in reports.items()} == {
        "test": None,
        "train": 550,
        "val": 100,
    }
    ((finding,),) = [report["findings"] for report in reports.values() if report["findings"]]
    assert (finding["kind"], finding["count"]) == ("not there", 1)
    with pytest.raises(EnvironmentProblem, match="no image of test"):
        check("lspet", "test", real_data, tmp_path)
    with pytest.raises(EnvironmentProblem, match=r'mpii:val: no such split in .*; did you mean "valid"'):
        check("mpii", "val", real_data, tmp_path)
