"""Points of crops: targets, the mirror, and the way back to the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.errors import InvalidInput
from benchbox.pose.affine import crop_matrix, transform_points
from benchbox.pose.points import coordinate_targets, flip_average_points, image_points
from benchbox.pose.skeleton import COCO17, MPII16
from benchbox.pose.udp import udp_matrix
from tests.parity.golden import cases


@pytest.mark.parametrize("case", cases("decode"))
def test_the_way_back_is_the_official_one(case):
    height, width = case["heatmaps"].shape[-2:]
    for size, factor in (((height, width), 1), ((4 * height, 4 * width), 4)):
        found = image_points(case["refined_xy_heatmap"] * factor, case["center"], case["scale"], size=size)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, case["preds_quarter"], rtol=0, atol=1e-3)


@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize(("coordinates", "matrix"), [("official", crop_matrix), ("udp", udp_matrix)])
def test_from_the_image_to_the_crop_and_back(coordinates, matrix, seed):
    rng = np.random.default_rng(seed)
    size = tuple(int(n) for n in rng.integers(32, 400, 2))
    center = rng.uniform(0, 900, (3, 2))
    scale = rng.uniform(0.2, 3, (3, 1)) * (size[1] / size[0], 1)
    joints = rng.uniform(-100, 1000, (3, 5, 2))
    crops = np.stack([transform_points(j, matrix(c, s, 0.0, size)) for j, c, s in zip(joints, center, scale)])  # noqa: B905
    found = image_points(crops, center, scale, size=size, coordinates=coordinates)
    np.testing.assert_allclose(found, joints, rtol=0, atol=1e-3)


def test_other_coordinates_are_refused():
    with pytest.raises(InvalidInput, match='coordinates = "upd"; did you mean "udp"'):
        image_points(np.zeros((1, 2, 2)), np.zeros((1, 2)), np.ones((1, 2)), size=(4, 4), coordinates="upd")


def test_a_target_is_the_pixel_over_the_size():
    joints = np.array([[0, 0], [47.99, 63.99], [48, 10], [10, 64], [-0.01, 5], [5, -0.01], [24, 16], [24, 16]])
    target, weight = coordinate_targets(joints, np.array([1, 2, 1, 1, 1, 1, 1, 0]), input_size=(64, 48))
    assert target.dtype == weight.dtype == np.float32
    np.testing.assert_allclose(target, joints / [48, 64], rtol=0, atol=1e-7)
    assert weight[:, 0].tolist() == [1, 1, 0, 0, 0, 0, 1, 0]
    assert target[6].tolist() == [0.5, 0.25]
    both, weights = coordinate_targets(np.stack([joints, joints]), np.ones((2, 8)), input_size=(64, 48))
    np.testing.assert_array_equal(both, [target, target])
    assert weights.shape == (2, 8, 1)


@pytest.mark.parametrize("skeleton", [COCO17, MPII16])
def test_the_flip_test_finds_each_joint_on_its_own_side(skeleton):
    """Each joint is one lit pixel of its map; the maps of a mirrored image are reversed, and left is right."""
    rng = np.random.default_rng(0)
    joints, width = len(skeleton.joints), 48
    pixels = np.stack([rng.integers(0, width, (2, joints)), rng.integers(0, 64, (2, joints))], axis=-1)
    maps = np.zeros((2, joints, 64, width))
    for n, k in np.ndindex(2, joints):
        maps[n, k, pixels[n, k, 1], pixels[n, k, 0]] = 1
    other = {name: name.replace("left", "?").replace("right", "left").replace("?", "right") for name in skeleton.joints}
    swapped = [skeleton.joints.index(other[name]) for name in skeleton.joints]
    seen = maps[:, swapped, :, ::-1].reshape(2, joints, -1).argmax(-1)
    mirrored = np.stack([seen % width, seen // width], axis=-1).astype(np.float32)
    points = pixels.astype(np.float32)
    before = mirrored.copy()
    np.testing.assert_array_equal(flip_average_points(points, mirrored, skeleton.flip_pairs, width=width), points)
    np.testing.assert_array_equal(mirrored, before)
    shifted = flip_average_points(points + 4, mirrored, skeleton.flip_pairs, width=width)
    np.testing.assert_array_equal(shifted, points + 2)
