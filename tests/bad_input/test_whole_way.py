"""Bad input through the real command line: one line and an exit code, and the other data go on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bad_input import corpus, good

pytestmark = pytest.mark.studies
Benchbox = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """\
schema = 1
title = "Real persons, untrained"
factor = ["evaluate.flip_test"]

[base]
dataset = { name = "coco", train = "val2017", input = [64, 64] }
model = { name = "hrnet", shrink = 0.125, blocks = 1, modules = [1, 1, 1] }
train = { epochs = 0 }
evaluate.boxes = "ground-truth"

[[variants]]
name = "plain"
reference = true
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write good data sets."""
    good.write_all(tmp_path / "data")
    return tmp_path / "data"


def test_a_bad_prediction_file(data: Path, benchbox: Benchbox) -> None:
    bad = corpus.COCO_RESULTS["coordinate: NaN"]
    (data / "theirs.json").write_bytes(bad.content)
    done = benchbox("score", str(data / "theirs.json"), "--dataset", "coco", BENCHBOX_DATA=str(data))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    for part in ("theirs.json", "result 1", "keypoints[4] is nan"):
        assert part in done.stderr


def test_ground_truth_that_judges_nobody(data: Path, benchbox: Benchbox) -> None:
    truth = data / "coco/annotations/person_keypoints_val2017.json"
    truth.write_bytes(corpus.COCO_SCORE_ONLY["no annotation"].content)
    (data / "theirs.json").write_bytes(good.text(good.coco_results()))
    done = benchbox("score", str(data / "theirs.json"), "--dataset", "coco", BENCHBOX_DATA=str(data))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert truth.name in done.stderr


def test_the_check_names_a_truncated_image(data: Path, benchbox: Benchbox) -> None:
    (data / "coco/val2017/3.jpg").write_bytes(corpus.IMAGES["without its end mark, but decoded by OpenCV"])
    done = benchbox("data", "check", "coco:val2017", "--json", BENCHBOX_DATA=str(data))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    findings = {row["finding"]: row["examples"] for row in json.loads(done.stdout)["rows"]}
    assert findings["truncated image"] == str(data / "coco/val2017/3.jpg")


def failed(data: Path, benchbox: Benchbox, study: str, *parts: str, code: int = 2) -> None:
    """Run a study of one job; assert that it fails for its data, in a line that says all parts."""
    (data.parent / "study.toml").write_text(study, encoding="utf-8")
    done = benchbox("run", "study.toml", "--scale", "paper", BENCHBOX_DATA=str(data))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (end,) = data.parent.glob("results/jobs/*/attempts/*/end.json")
    told = json.loads(end.read_text())
    assert (told["class"], told["exit_code"]) == ("data", code)
    assert "\n" not in told["error"]
    line = next(line for line in done.stderr.splitlines() if parts[0] in line)
    for part in parts:
        assert part in told["error"]
        assert part in line


def test_a_run_over_a_truncated_image(data: Path, benchbox: Benchbox) -> None:
    (data / "coco/val2017/3.jpg").write_bytes(corpus.IMAGES["without its end mark, but decoded by OpenCV"])
    failed(data, benchbox, STUDY, "3.jpg", "truncated image")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"\0" * 400, b"not weights"])
def test_a_run_from_a_damaged_checkpoint(content: bytes, data: Path, benchbox: Benchbox) -> None:
    (data.parent / "begin.pth").write_bytes(content)
    study = STUDY.replace("modules = [1, 1, 1] }", 'modules = [1, 1, 1], weights = "begin.pth" }')
    failed(data, benchbox, study, "begin.pth", "not a file of weights")


def test_a_run_that_nobody_can_judge(data: Path, benchbox: Benchbox) -> None:
    truth = data / "coco/annotations/person_keypoints_val2017.json"
    truth.write_bytes(corpus.COCO_SCORE_ONLY["no annotation"].content)
    boxes = data / "coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json"
    boxes.parent.mkdir()
    boxes.write_bytes(good.text(good.coco_boxes()))
    failed(data, benchbox, STUDY.replace("ground-truth", "detector"), truth.name, "nobody with keypoints", code=3)
