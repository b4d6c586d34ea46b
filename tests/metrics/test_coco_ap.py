from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.metrics.coco_ap import NAMES, oks_per_person, score
from benchbox.pose.skeleton import COCO17


def ground_truth(seed: int = 0, *, images: int = 4, each: int = 3, areas: tuple[float, float] = (1100, 30_000)) -> dict:
    rng = np.random.default_rng(seed)
    annotations = []
    for number in range(images * each):
        keypoints = np.full((17, 3), 2.0)
        keypoints[:, :2] = rng.uniform(0, 300, (17, 2)).round(1)
        keypoints[rng.uniform(size=17) < 0.2] = 0
        keypoints[0] = (5, 5, 2)
        annotations.append(
            {
                "id": number + 1,
                "image_id": number // each + 1,
                "category_id": 1,
                "iscrowd": 0,
                "area": float(rng.uniform(*areas)),
                "bbox": [0, 0, 300, 300],
                "num_keypoints": int((keypoints[:, 2] > 0).sum()),
                "keypoints": keypoints.ravel().tolist(),
            }
        )
    return {
        "images": [{"id": n + 1, "file_name": f"{n}.jpg", "width": 300, "height": 300} for n in range(images)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }


def predictions(truth: dict, noise: float, seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(seed)
    results = []
    for annotation in truth["annotations"]:
        keypoints = np.array(annotation["keypoints"]).reshape(17, 3)
        keypoints[:, :2] += rng.normal(0, noise, (17, 2))
        results.append(
            {
                "image_id": annotation["image_id"],
                "category_id": 1,
                "keypoints": keypoints.ravel().tolist(),
                "score": float(rng.uniform()),
            }
        )
    return results


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(ground_truth()))
    return path


def test_the_truth_itself_scores_100_and_is_silent(file, capfd):
    found = score(file, predictions(ground_truth(), 0))
    assert tuple(found) == NAMES
    assert list(found.values()) == pytest.approx([100.0] * 10)
    assert capfd.readouterr() == ("", "")


def test_without_results_everything_is_zero(file, capfd):
    assert score(file, []) == dict.fromkeys(NAMES, 0.0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("results", [True, False])
def test_a_score_that_has_nobody_is_left_out(tmp_path, results):
    truth = ground_truth(areas=(10_000, 20_000))
    path = tmp_path / "large.json"
    path.write_text(json.dumps(truth))
    found = score(path, predictions(truth, 0) if results else [])
    assert set(NAMES) - set(found) == {"APM", "ARM"}


def test_results_are_left_as_they_were(file):
    results = predictions(ground_truth(), 3)
    before = copy.deepcopy(results)
    score(file, results)
    assert results == before


def test_some_images_only(file):
    truth = ground_truth()
    results = predictions(truth, 0)[:3]  # those of image 1
    assert score(file, results, image_ids=[1])["AP"] == pytest.approx(100)
    assert score(file, results)["AR"] == pytest.approx(25)
    assert score(file, results, image_ids=[2])["AP"] == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(0, 60))
def test_scores_stay_within_bounds(tmp_path_factory, seed, noise):
    truth = ground_truth(seed, images=2)
    path = tmp_path_factory.mktemp("truth") / "truth.json"
    path.write_text(json.dumps(truth))
    found = score(path, predictions(truth, noise, seed))
    assert all(0 <= value <= 100 + 1e-9 for value in found.values())
    assert found["AP"] <= found["AP50"] + 1e-9


def test_what_does_not_fit_is_one_line(file, tmp_path):
    good = predictions(ground_truth(), 0)
    with pytest.raises(InvalidInput, match="result 1: image_id 99"):
        score(file, [good[0], {**good[0], "image_id": 99}])
    with pytest.raises(EnvironmentProblem, match="no file"):
        score(tmp_path / "none.json", good)
    for content in ("{", "[]", "{}", json.dumps({**ground_truth(), "annotations": [{"id": 1}]})):
        file.write_text(content)
        with pytest.raises(InvalidInput) as problem:
            score(file, good)
        assert str(file) in str(problem.value)
        assert "\n" not in str(problem.value)
    partial = ground_truth()
    del partial["annotations"][0]["num_keypoints"]
    file.write_text(json.dumps(partial))
    with pytest.raises(InvalidInput, match="num_keypoints"):
        score(file, good)


def test_a_file_without_categories_scores_alike(file):
    results = predictions(ground_truth(), 12)
    known = score(file, results)
    file.write_text(json.dumps({**ground_truth(), "categories": [{"id": 18, "name": "dog"}]}))
    assert score(file, results) == known
    whole = ground_truth()
    del whole["categories"]
    file.write_text(json.dumps(whole))
    assert score(file, results) == known
    assert set(score(file, []).values()) == {0.0}


def test_oks_of_single_people_is_that_of_pycocotools(file):
    truth = ground_truth()
    results = predictions(truth, 12)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(file))
        evaluation = COCOeval(coco, coco.loadRes(copy.deepcopy(results)), "keypoints")
        evaluation.evaluate()
    shaped = [np.array([a["keypoints"] for a in part]).reshape(-1, 17, 3) for part in (results, truth["annotations"])]
    areas = np.array([a["area"] for a in truth["annotations"]])
    found = oks_per_person(shaped[0], shaped[1], areas, COCO17.sigmas)
    compared = 0
    for image in range(4):
        # Rows: predictions by falling score; columns: ground truth in its order.
        members = np.arange(3 * image, 3 * image + 3)
        by_score = np.argsort([-results[i]["score"] for i in members], kind="stable")
        official = np.asarray(evaluation.ious[image + 1, 1])
        for row, member in enumerate(by_score):
            assert found[members[member]] == pytest.approx(official[row, member], abs=1e-12)
            compared += 1
    assert compared == 12
    assert 0.05 < found.mean() < 0.95


def test_oks_bounds_and_people_without_joints():
    truth = np.zeros((3, 17, 3))
    truth[1:, :, 2] = 1
    predicted = np.zeros((3, 17, 2))
    predicted[2] = 1e6
    found = oks_per_person(predicted, truth, np.array([100.0, 100.0, 100.0]), COCO17.sigmas)
    assert math.isnan(found[0])
    assert found[1:].tolist() == [1.0, 0.0]


REAL = {
    "val2014 fake results": (
        "results/person_keypoints_val2014_fakekeypoints100_results.json",
        "eval_cases/coco/person_keypoints_val2014_fakekeypoints100_results.json",
        "eval_cases/coco/person_keypoints_val2014_first100.json",
    ),
    "val2017 MoveNet": (
        "results/keypoints_val2017_movenet_lightning_ptq_gtbbox.json",
        "eval_cases/coco/keypoints_val2017_movenet_lightning_ptq_gtbbox.json",
        "coco/annotations/person_keypoints_val2017.json",
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_predictions_score_as_measured(name):
    data = Path(os.environ.get("BENCHBOX_DATA", "/nowhere"))
    if not (data / "eval_cases" / "expected.json").is_file():
        pytest.skip("no evaluation cases below BENCHBOX_DATA")
    key, results, truth = REAL[name]
    expected = json.loads((data / "eval_cases" / "expected.json").read_text())["coco"][key]
    found = score(data / truth, json.loads((data / results).read_text()))
    for metric, value in expected.items():
        if metric != "gt":
            assert found[metric.replace("m", "M").replace("l", "L")] == pytest.approx(100 * value, abs=6e-5), metric
