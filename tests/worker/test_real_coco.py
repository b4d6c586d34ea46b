"""Real COCO persons through the whole way, untrained: with ground-truth boxes and with the field's detections."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchbox.jobdir import JobDir

pytestmark = pytest.mark.studies

STUDY = """\
schema = 1
title = "Whose boxes?"
factor = ["evaluate.boxes"]

[base]
dataset = { name = "coco", input = [64, 64] }
model = { name = "hrnet", shrink = 0.125, blocks = 1, modules = [1, 1, 1] }
train = { epochs = 0 }

[[variants]]
name = "ground truth"
reference = true

[[variants]]
name = "detector"
evaluate.boxes = "detector"
"""


def test_both_kinds_of_boxes_are_predicted_and_scored_apart(
    real_data: Path, tmp_path: Path, benchbox: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "boxes.toml").write_text(STUDY, encoding="utf-8")
    done = benchbox("run", "boxes.toml", "--scale", "paper", BENCHBOX_DATA=str(real_data))
    assert done.returncode == 0, done.stderr
    shown = benchbox("table", "boxes.toml", "--scale", "paper", "--json", BENCHBOX_DATA=str(real_data))
    table = json.loads(shown.stdout)
    assert set(table["protocols"]) == {"coco-kp/gt-boxes/flip", "coco-kp/det-56.4/flip"}
    truth, detected = table["rows"]
    assert truth["cells"]["AP coco-kp/gt-boxes/flip"]["n"] == 1
    assert truth["cells"]["AP coco-kp/det-56.4/flip"]["n"] == 0
    assert detected["cells"]["AP coco-kp/det-56.4/flip"]["n"] == 1
    people = {}
    for row in table["rows"]:
        result = JobDir(tmp_path / "results/jobs" / row["jobs"][0]).result()
        assert result is not None
        people[row["arm"]] = pq.read_table(result.table("people"))
    assert people["ground truth"].num_rows == 264
    assert set(people["detector"]["box_score"].to_pylist()) != {1.0}
    inputs = json.loads(pq.read_table(result.table("runs"))["inputs"][0].as_py())
    assert "coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json" in inputs


def test_data_that_change_make_a_result_stale(
    real_data: Path, tmp_path: Path, benchbox: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "boxes.toml").write_text(STUDY, encoding="utf-8")
    data = tmp_path / "data"
    (data / "coco/annotations").mkdir(parents=True)
    for split in ("train2017", "val2017"):
        (data / "coco" / split).symlink_to(real_data / "coco" / split)
        name = f"person_keypoints_{split}.json"
        (data / "coco/annotations" / name).write_bytes((real_data / "coco/annotations" / name).read_bytes())
    words = ["boxes.toml", "--scale", "paper", "--only", "ground truth"]
    assert benchbox("run", *words, BENCHBOX_DATA=str(data)).returncode == 0
    assert "1 done, nothing to do" in benchbox("run", *words, BENCHBOX_DATA=str(data)).stderr
    with open(data / "coco/annotations/person_keypoints_val2017.json", "a") as file:
        file.write("\n")
    said = benchbox("run", *words, BENCHBOX_DATA=str(data)).stderr
    assert "1 stale, nothing to do but --stale" in said
    again = benchbox("run", *words, "--stale", BENCHBOX_DATA=str(data))
    assert again.returncode == 0
    assert "1 done, nothing to do" in benchbox("run", *words, BENCHBOX_DATA=str(data)).stderr
