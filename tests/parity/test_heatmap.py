from __future__ import annotations

import numpy as np
import pytest

from benchbox.pose.heatmap import argmax_positions, decode, flip_average, flip_back, gaussian_targets, quarter_offset
from tests.parity.golden import cases


@pytest.mark.parametrize("case", cases("target"))
def test_target(case):
    width, height = (int(n) for n in case["heatmap_size_wh"])
    target, weight = gaussian_targets(
        case["joints"],
        case["joints_vis"][:, 0],
        heatmap_size=(height, width),
        stride=case["image_size_wh"] / case["heatmap_size_wh"],
        sigma=float(case["sigma"]),
    )
    assert target.dtype == weight.dtype == np.float32
    np.testing.assert_allclose(target, case["target"], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(weight, case["target_weight"])


@pytest.mark.parametrize("case", cases("decode"))
def test_decode(case):
    positions, confidence = argmax_positions(case["heatmaps"])
    np.testing.assert_array_equal(positions, case["argmax_xy"])
    np.testing.assert_array_equal(confidence[..., None], case["maxval"])
    np.testing.assert_array_equal(quarter_offset(case["heatmaps"], positions), case["refined_xy_heatmap"])
    for name, refine in (("preds_quarter", "quarter"), ("preds_noquarter", "argmax")):
        points, maximum = decode(case["heatmaps"], case["center"], case["scale"], refine=refine)
        np.testing.assert_allclose(points, case[name], rtol=0, atol=1e-3)
        np.testing.assert_array_equal(maximum[..., None], case["maxval"])


@pytest.mark.parametrize("case", cases("flip"))
def test_flip(case):
    heatmap, mirrored, pairs = case["heatmap"], case["heatmap_of_flipped_image"], case["pairs"]
    np.testing.assert_array_equal(flip_back(mirrored, pairs, shift=False), case["flip_back"])
    np.testing.assert_array_equal(flip_back(mirrored, pairs, shift=True), case["flip_back_shift1"])
    np.testing.assert_array_equal(flip_average(heatmap, mirrored, pairs, shift=False), case["average_noshift"])
    np.testing.assert_array_equal(flip_average(heatmap, mirrored, pairs, shift=True), case["average_shift1"])


@pytest.mark.parametrize("name", ["noshift", "shift1"])
@pytest.mark.parametrize("case", cases("fliptest"))
def test_flip_test(case, name):
    average = flip_average(case["heatmap"], case["heatmap_of_flipped_image"], case["pairs"], shift=name == "shift1")
    np.testing.assert_allclose(average, case[f"average_{name}"], rtol=0, atol=1e-6)
    points, confidence = decode(average, case["center"], case["scale"])
    np.testing.assert_allclose(points, case[f"preds_{name}"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(confidence[..., None], case[f"maxval_{name}"], rtol=0, atol=1e-6)
