from __future__ import annotations

import numpy as np
import pytest

from benchbox.metrics.heatmap_accuracy import heatmap_accuracy
from benchbox.pose.heatmap import argmax_positions
from tests.parity.golden import cases


@pytest.mark.parametrize("case", cases("accuracy"))
def test_the_accuracy_of_the_official_training(case):
    found = heatmap_accuracy(case["output"], case["target"])
    expected = case["acc"]  # the mean first, -1 for joints without a target
    stated = np.where(np.isnan(found.per_joint), -1, found.per_joint / 100)
    np.testing.assert_allclose(stated, expected[1:], rtol=0, atol=1e-9)
    assert found.mean / 100 == pytest.approx(float(expected[0]), abs=1e-9)
    assert found.mean / 100 == pytest.approx(float(case["avg_acc"]), abs=1e-9)
    assert found.joints == int(case["cnt"])
    np.testing.assert_array_equal(argmax_positions(case["output"])[0], case["pred"])


def test_a_joint_exactly_at_the_threshold_is_not_found():
    target, near, at = (np.zeros((1, 1, 40, 40), np.float32) for _ in range(3))
    target[0, 0, 20, 20] = near[0, 0, 20, 21] = at[0, 0, 20, 22] = 1  # a tenth of the map is four cells
    assert heatmap_accuracy(near, target).mean == 100
    assert heatmap_accuracy(at, target).mean == 0
    assert heatmap_accuracy(at, np.zeros_like(target)).joints == 0
