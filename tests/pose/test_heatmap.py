from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.pose.affine import crop_matrix, transform_points
from benchbox.pose.heatmap import argmax_positions, decode, flip_average, flip_back, gaussian_targets
from benchbox.pose.skeleton import SKELETONS

inside = st.floats(0, 1)


def targets(points, *, size=(24, 18), sigma=2.0, visible=None):
    points = np.asarray(points, dtype=np.float64)
    visible = np.ones(len(points)) if visible is None else np.asarray(visible)
    return gaussian_targets(points, visible, heatmap_size=size, stride=4.0, sigma=sigma)


@given(
    where=st.lists(st.tuples(inside, inside), min_size=1, max_size=17),
    center=st.tuples(st.floats(0, 600), st.floats(0, 600)),
    width=st.floats(0.2, 4),
    refine=st.sampled_from(["argmax", "quarter"]),
    sigma=st.sampled_from([1.0, 2.0, 3.0]),
)
def test_what_is_drawn_is_read_back_within_half_a_cell(where, center, width, refine, sigma):
    height_cells, width_cells = 24, 18
    scale = np.array([width, width * height_cells / width_cells])
    # Joints anywhere in the crop whose cell lies in the map.
    crop_points = np.array(where) * (4 * width_cells - 2.01, 4 * height_cells - 2.01)
    back = crop_matrix(center, scale, 0.0, (4 * height_cells, 4 * width_cells), inverse=True)
    joints = transform_points(crop_points, back)
    target, weight = targets(crop_points, sigma=sigma)
    assert weight.all()
    points, confidence = decode(target[None], np.array([center]), scale[None], refine=refine)
    cell = 200 * width / width_cells
    assert (confidence == 1).all()
    assert np.abs(points[0] - joints).max() <= 0.5 * cell + 1e-2


@given(joints=st.lists(st.tuples(st.floats(-80, 160), st.floats(-80, 160)), min_size=1, max_size=8))
def test_a_target_stays_in_bounds_and_a_dropped_joint_leaves_no_trace(joints):
    target, weight = targets(joints)
    assert target.shape == (len(joints), 24, 18)
    assert target.dtype == np.float32
    assert target.min() >= 0
    assert target.max() <= 1
    assert not target[weight[:, 0] == 0].any()


def test_a_hidden_joint_and_one_far_away_have_no_weight():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        target, weight = targets([[30, 30], [30, 30], [1e9, 5], [5, -1e9]], visible=[1, 0, 1, 1])
    assert weight[:, 0].tolist() == [1, 0, 0, 0]
    assert target[1:].max() == 0


def test_without_a_positive_peak_the_position_is_the_corner():
    heatmaps = np.full((1, 2, 4, 4), -1.0, dtype=np.float32)
    heatmaps[0, 0, 1, 1] = -0.5
    heatmaps[0, 1, 2, 3] = 0.5
    positions, confidence = argmax_positions(heatmaps)
    assert positions[0].tolist() == [[0, 0], [3, 2]]
    assert confidence[0].tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
@given(seed=st.integers(0, 2**32 - 1))
def test_two_flips_undo_each_other(skeleton, seed):
    heatmaps = np.random.default_rng(seed).normal(size=(2, len(skeleton.joints), 5, 4)).astype(np.float32)
    once = flip_back(heatmaps, skeleton.flip_pairs, shift=False)
    np.testing.assert_array_equal(flip_back(once, skeleton.flip_pairs, shift=False), heatmaps)
    np.testing.assert_array_equal(flip_average(heatmaps, once, skeleton.flip_pairs, shift=False), heatmaps)


def test_flips_leave_their_input_alone():
    heatmaps = np.arange(2 * 17 * 3 * 4, dtype=np.float32).reshape(2, 17, 3, 4)
    before = heatmaps.copy()
    for shift in (False, True):
        flip_back(heatmaps, SKELETONS["coco17"].flip_pairs, shift=shift)[:] = 0
    np.testing.assert_array_equal(heatmaps, before)
