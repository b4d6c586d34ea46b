"""Real predictions with known scores, by pycocotools and by our own way."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchbox.metrics import coco_ap
from benchbox.metrics.coco_curve import scores
from benchbox.metrics.coco_match import from_results, match
from benchbox.metrics.coco_truth import read_truth
from benchbox.pose.skeleton import COCO17

CASES = (
    "person_keypoints_val2014_fakekeypoints100_results.json",
    "keypoints_val2017_movenet_lightning_ptq_gtbbox.json",
)
PRINTED = re.compile(
    r"Average (Precision|Recall) .* IoU=([\d.:]+) +\| area= *(\w+) \| maxDets= *20 \] = (\d\.\d+)", re.ASCII
)


def truth_file(data: Path, name: str) -> Path:
    """The small one lies with the predictions, val2017 where COCO has it."""
    beside = data / "eval_cases" / "coco" / name
    return beside if beside.is_file() else data / "coco" / "annotations" / name


def by_pycocotools(truth: Path, results: list[dict]) -> dict[str, float]:
    return coco_ap.score(truth, results)


def by_ourselves(truth: Path, results: list[dict]) -> dict[str, float]:
    people = from_results(results, joints=len(COCO17.joints))
    return scores(match(read_truth(truth), people, sigmas=COCO17.sigmas))


@pytest.mark.parametrize("way", [by_pycocotools, by_ourselves])
@pytest.mark.parametrize("name", CASES)
def test_known_scores(real_data, name, way):
    folder = real_data / "eval_cases"
    expected = json.loads((folder / "expected.json").read_text())["coco"][f"results/{name}"]
    truth = truth_file(real_data, Path(expected.pop("gt")).name)
    found = way(truth, json.loads((folder / "coco" / name).read_text()))
    assert len(expected) == 10
    assert found == {key.upper(): pytest.approx(100 * value, abs=6e-5) for key, value in expected.items()}


@pytest.mark.parametrize("way", [by_pycocotools, by_ourselves])
def test_the_printed_scores_of_the_coco_api(real_data, way):
    folder = real_data / "eval_cases" / "coco"
    printed = PRINTED.findall((folder / "val2014_fake_eval_res.txt").read_text().split("type=keypoints")[1])
    suffixes = {"0.50:0.95": "", "0.50": "50", "0.75": "75", "all": "", "medium": "M", "large": "L"}
    found = way(
        truth_file(real_data, "person_keypoints_val2014_first100.json"), json.loads((folder / CASES[0]).read_text())
    )
    assert len(printed) == 10
    for kind, threshold, area, value in printed:
        name = f"A{kind[0]}{suffixes[threshold]}{suffixes[area]}"
        assert f"{found.pop(name) / 100:.3f}" == value
    assert not found


@pytest.mark.parametrize("name", CASES)
def test_both_ways_agree_to_the_last_digits(real_data, name):
    expected = json.loads((real_data / "eval_cases" / "expected.json").read_text())["coco"][f"results/{name}"]
    truth = truth_file(real_data, Path(expected["gt"]).name)
    results = json.loads((real_data / "eval_cases" / "coco" / name).read_text())
    assert by_ourselves(truth, results) == pytest.approx(by_pycocotools(truth, results), abs=1e-9)
