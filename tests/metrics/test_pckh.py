from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from benchbox.metrics.conventions import COLUMNS, MPII_LEFT_OUT
from benchbox.metrics.pckh import by_category, errors, head_size, score
from benchbox.pose.skeleton import SKELETONS


def test_errors_are_in_head_sizes():
    truth = np.zeros((2, 1, 2))
    predicted = np.array([[[3.0, 4.0]], [[0.0, 0.0]]])
    found = errors(predicted, truth, np.array([10.0, math.nan]))
    assert found[0, 0] == 0.5
    assert math.isnan(found[1, 0])


def test_the_threshold_itself_counts_or_not():
    at = np.array([[0.5, 0.4]])
    labelled = np.ones((1, 2), dtype=bool)
    assert score(at, labelled).per_joint.tolist() == [100, 100]
    assert score(at, labelled, inclusive=False).per_joint.tolist() == [0, 100]


def test_the_mean_weights_joints_by_their_counts_and_leaves_some_out():
    distances = np.array([[0.1, 0.9, 0.9], [0.1, 0.1, 0.9], [0.9, 0.1, 0.9]])
    labelled = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1]], dtype=bool)
    found = score(distances, labelled, leave_out=(2,))
    assert found.counts.tolist() == [3, 1, 3]
    assert found.per_joint.tolist() == pytest.approx([200 / 3, 0, 0])
    assert found.mean == pytest.approx(50)
    assert score(distances, labelled).mean == pytest.approx(200 / 7)
    assert found.persons == 3


def test_what_nobody_has_is_not_a_zero():
    found = score(np.zeros((2, 2)), np.array([[True, False], [True, False]]))
    assert found.per_joint[0] == 100
    assert math.isnan(found.per_joint[1])
    assert found.mean == 100
    assert math.isnan(score(np.zeros((0, 2)), np.zeros((0, 2), dtype=bool)).mean)
    # A NaN error that is labelled is a joint not found.
    assert score(np.array([[math.nan]]), np.array([[True]])).mean == 0


@given(seed=st.integers(0, 2**32 - 1), low=st.floats(0, 1), high=st.floats(0, 1))
def test_scores_stay_within_bounds_and_grow_with_the_threshold(seed, low, high):
    rng = np.random.default_rng(seed)
    distances, labelled = rng.uniform(0, 1, (6, 17)), rng.uniform(size=(6, 17)) < 0.7
    labelled[0] = True
    low, high = min(low, high), max(low, high)
    one, other = (score(distances, labelled, threshold) for threshold in (low, high))
    assert 0 <= one.mean <= other.mean <= 100
    assert (one.per_joint <= other.per_joint).all()
    assert score(distances, labelled, low, inclusive=False).mean <= one.mean
    columns = one.columns("coco17")
    assert all(0 <= value <= 100 for value in columns.values())


def test_categories_part_the_people():
    distances = np.array([[0.1], [0.9], [0.1]])
    found = by_category(distances, np.ones((3, 1), dtype=bool), ["run", "ski", "ski"])
    assert {name: (part.mean, part.persons) for name, part in found.items()} == {"run": (100.0, 1), "ski": (50.0, 2)}


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_columns_hold_the_joints_they_name(skeleton):
    columns = COLUMNS[skeleton.name]
    assert list(columns) == ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"]
    for name, joints in list(columns.items())[1:]:
        assert sorted(skeleton.joints[j] for j in joints) == [f"left_{name.lower()}", f"right_{name.lower()}"]
    counted = {joint for joints in columns.values() for joint in joints}
    left_out = {"thorax", "pelvis", "upper_neck"}
    assert {skeleton.joints[j] for j in set(range(len(skeleton.joints))) - counted} <= left_out


@pytest.fixture(scope="module")
def mpii():
    """Ground truth of the 2,958 validation persons of MPII and two published sets of predictions, all one-based."""
    folder = Path(os.environ.get("BENCHBOX_DATA", "/nowhere")) / "eval_cases"
    if not (folder / "expected.json").is_file():
        pytest.skip("no evaluation cases below BENCHBOX_DATA")
    truth = scipy.io.loadmat(folder / "mpii" / "gt_valid.mat")
    # An HDF5 file with one contiguous block of 2 x 16 x 2958 float32 behind 1,400 bytes: no need for its library.
    block = np.fromfile(folder / "mpii" / "tompson.h5", dtype="<f4", offset=1400, count=2 * 16 * 2958)
    boxes = truth["headboxes_src"].transpose(2, 0, 1).reshape(-1, 4)
    activities = json.loads((folder / "mpii" / "mpii_activities.json").read_text())
    people = json.loads((folder / "mpii" / "valid.json").read_text())
    return {
        "expected": json.loads((folder / "expected.json").read_text())["mpii"],
        "truth": truth["pos_gt_src"].transpose(2, 0, 1),
        "labelled": truth["jnt_missing"].T == 0,
        "heads": head_size(boxes),
        "categories": [activities.get(p["image"], {}).get("category", "") or "" for p in people],
        "tompson.h5": block.reshape(2, 16, 2958).transpose(2, 1, 0),
        "bearpaw-hg_s2_b1.mat": scipy.io.loadmat(folder / "mpii" / "bearpaw-hg_s2_b1.mat")["preds"],
    }


@pytest.mark.parametrize("name", ["tompson.h5", "bearpaw-hg_s2_b1.mat"])
def test_published_predictions_score_as_measured(mpii, name):
    expected = mpii["expected"][name]
    distances = errors(mpii[name], mpii["truth"], mpii["heads"])
    found = score(distances, mpii["labelled"], leave_out=MPII_LEFT_OUT)
    for column, value in expected["PCKh@0.5 HRNet style (d<=0.5, pooled over 14 joints)"].items():
        assert found.columns("mpii16")[column] == pytest.approx(value, abs=6e-5), column
    tenth = score(distances, mpii["labelled"], 0.1, leave_out=MPII_LEFT_OUT)
    assert tenth.mean == pytest.approx(expected["PCKh@0.1 HRNet style mean"], abs=6e-5)
    strict = score(distances, mpii["labelled"], inclusive=False)
    stated = list(expected["per joint (gt_valid.mat, <0.5)"].values())
    np.testing.assert_allclose(strict.per_joint, stated, rtol=0, atol=6e-5)


@pytest.mark.parametrize("name", ["tompson.h5", "bearpaw-hg_s2_b1.mat"])
def test_published_predictions_by_category(mpii, name):
    distances = errors(mpii[name], mpii["truth"], mpii["heads"])
    found = by_category(distances, mpii["labelled"], mpii["categories"], leave_out=MPII_LEFT_OUT)
    expected = mpii["expected"][name]["per category pooled PCKh@0.5"]
    assert found.keys() == expected.keys()
    for category, (value, persons) in expected.items():
        assert found[category].persons == persons
        assert found[category].mean == pytest.approx(value, abs=6e-5), category
