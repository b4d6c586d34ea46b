from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.errors import InvalidInput
from benchbox.pose.affine import crop_matrix, transform_points
from benchbox.pose.crop import Cropper
from benchbox.pose.heatmap import decode, flip_back, gaussian_targets
from benchbox.pose.skeleton import COCO17
from benchbox.pose.udp import udp_matrix, udp_stride

coordinate = st.floats(-500, 1500)
side = st.floats(0.05, 8)
frames = {
    "center": st.tuples(coordinate, coordinate),
    "scale": st.tuples(side, side),
    "rotation": st.floats(-180, 180),
    "size": st.tuples(st.integers(16, 512), st.integers(16, 512)),
}


@given(**frames)
def test_the_box_fills_the_crop_from_centre_to_centre(center, scale, rotation, size):
    half = 100 * np.array(scale)
    corners = np.array([center - half, center + half])
    found = transform_points(corners, udp_matrix(center, scale, 0.0, size))
    np.testing.assert_allclose(found, [[0, 0], [size[1] - 1, size[0] - 1]], rtol=0, atol=1e-6)
    turned = udp_matrix(center, scale, rotation, size)
    np.testing.assert_allclose(
        transform_points(np.array(center), turned), [(size[1] - 1) / 2, (size[0] - 1) / 2], rtol=0, atol=1e-6
    )


@given(**frames, point=st.tuples(coordinate, coordinate))
def test_there_and_back_is_the_same_place(center, scale, rotation, size, point):
    there = udp_matrix(center, scale, rotation, size)
    back = udp_matrix(center, scale, rotation, size, inverse=True)
    found = transform_points(transform_points(np.array([point]), there), back)
    np.testing.assert_allclose(found, [point], rtol=0, atol=1e-6)


@given(center=st.tuples(coordinate, coordinate), width=side, rotation=st.floats(-180, 180))
def test_it_turns_the_way_of_the_official_matrix(center, width, rotation):
    """On a square box, but for the size they count, both are the same similarity."""
    official = crop_matrix(center, (width, width), rotation, (100, 100))[:, :2] * 200 * width / 100
    found = udp_matrix(center, (width, width), rotation, (100, 100))[:, :2] * 200 * width / 99
    np.testing.assert_allclose(found, official, rtol=0, atol=1e-9)


@given(**frames, width=st.integers(2, 2000), point=st.tuples(coordinate, coordinate))
def test_a_mirror_commutes_with_the_crop_and_officially_misses_by_a_pixel(center, scale, rotation, size, width, point):
    mirrored_center, mirrored = (width - 1 - center[0], center[1]), np.array([width - 1 - point[0], point[1]])
    missed = {}
    for name, matrix in (("udp", udp_matrix), ("official", crop_matrix)):
        x, y = transform_points(np.array(point), matrix(center, scale, rotation, size))
        found = transform_points(mirrored, matrix(mirrored_center, scale, -rotation, size))
        missed[name] = found - (size[1] - 1 - x, y)
    np.testing.assert_allclose(missed["udp"], [0, 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(missed["official"], [1, 0], rtol=0, atol=1e-6)


def test_the_crop_of_the_mirrored_picture_is_the_mirrored_crop():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 255, (240, 320, 3), dtype=np.uint8), (5, 5), 1.5)
    size = (128, 96)
    off = {"udp": 0, "official": 0}
    for _ in range(20):
        center, width = rng.uniform((100, 100), (220, 140)), rng.uniform(0.4, 0.7)
        rotation, scale = rng.uniform(-40, 40), (width, width * 4 / 3)
        for name, matrix in (("udp", udp_matrix), ("official", crop_matrix)):
            plain = Cropper(size).crop(image, matrix(center, scale, rotation, size))
            mirrored_center = (319 - center[0], center[1])
            mirrored = Cropper(size).crop(cv2.flip(image, 1), matrix(mirrored_center, scale, -rotation, size))
            off[name] = max(off[name], int(np.abs(mirrored[:, ::-1].astype(int) - plain.astype(int)).max()))
    # OpenCV before version 5 samples at thirty-seconds of a pixel, to either side of the exact place.
    assert off["udp"] <= 3
    assert off["official"] > 20


@pytest.mark.parametrize("coordinates", ["official", "udp"])
def test_the_flip_test_needs_no_shift_for_exact_targets(coordinates):
    """Joints drawn in the crop and in the mirrored crop fall on each other."""
    joints = np.random.default_rng(1).uniform((20, 20), (171, 235), (17, 2))
    stride = udp_stride((256, 192), (64, 48)) if coordinates == "udp" else (4.0, 4.0)
    options = {"heatmap_size": (64, 48), "stride": stride, "sigma": 2.0, "subcell": True}
    target, _ = gaussian_targets(joints, np.ones(17), **options)
    mirrored_joints = joints.copy()
    mirrored_joints[:, 0] = 191 - joints[:, 0]
    mirrored, _ = gaussian_targets(mirrored_joints, np.ones(17), **options)
    back = flip_back(mirrored[None], [], shift=False)[0]
    # Three sigma out the value is 0.011; which cells lie in the square depends on the side that a half is rounded to.
    aligned = np.abs(back - target).max() < 0.02
    assert aligned == (coordinates == "udp")


def test_a_target_is_the_gaussian_of_the_exact_place():
    joints = np.random.default_rng(2).uniform((30, 30), (160, 220), (17, 2))
    stride = udp_stride((256, 192), (64, 48))
    assert stride == (191 / 47, 255 / 63)
    target, weight = gaussian_targets(
        joints, np.ones(17), heatmap_size=(64, 48), stride=stride, sigma=2.0, subcell=True
    )
    assert weight.all()
    y, x = np.mgrid[:64, :48]
    for joint, place in enumerate(joints / stride):
        exact = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 8)
        cell = np.floor(place + 0.5)
        square = (np.abs(x - cell[0]) <= 6) & (np.abs(y - cell[1]) <= 6)
        np.testing.assert_allclose(target[joint], exact * square, rtol=0, atol=1e-6)


@given(places=st.lists(st.tuples(st.floats(-80, 160), st.floats(-80, 160)), min_size=1, max_size=8))
def test_weights_follow_the_official_rule(places):
    joints = np.array(places)
    options = {"heatmap_size": (24, 18), "stride": (71 / 17, 95 / 23), "sigma": 2.0}
    exact, weight = gaussian_targets(joints, np.ones(len(joints)), subcell=True, **options)
    rounded, official = gaussian_targets(joints, np.ones(len(joints)), **options)
    np.testing.assert_array_equal(weight, official)
    np.testing.assert_array_equal(exact > 0, rounded > 0)


@given(seed=st.integers(0, 2**32 - 1), sigma=st.sampled_from([2.0, 3.0]))
def test_with_dark_what_is_drawn_is_read_back_within_a_twentieth_of_a_cell(seed, sigma):
    """For joints at least 3 sigma from the border; nearer, the zeros around the map draw the peak inwards."""
    rng = np.random.default_rng(seed)
    center, width = rng.uniform(0, 600, 2), rng.uniform(0.2, 4)
    scale = np.array([width, width * 4 / 3])
    size, cells = (256, 192), (64, 48)
    stride = udp_stride(size, cells)
    places = rng.uniform(3 * sigma, (47 - 3 * sigma, 63 - 3 * sigma), (17, 2))
    options = {"heatmap_size": cells, "stride": stride, "sigma": sigma, "subcell": True}
    target, _ = gaussian_targets(places * stride, np.ones(17), **options)
    joints = transform_points(places * stride, udp_matrix(center, scale, 0.0, size, inverse=True))
    for refine, bound in (("dark", 0.05), ("quarter", 0.25), ("argmax", 0.5)):
        points, _ = decode(target[None], center[None], scale[None], refine=refine, sigma=sigma, coordinates="udp")
        off = np.abs(points[0] - joints) / (200 * scale / (47, 63))
        assert off.max() <= bound + 1e-4, refine


def test_a_heatmap_reaches_from_corner_to_corner_of_the_box():
    heatmaps = np.zeros((1, 4, 64, 48), np.float32)
    for joint, (y, x) in enumerate([(0, 0), (0, 47), (63, 0), (63, 47)]):
        heatmaps[0, joint, y, x] = 1
    center, scale = np.array([[300.0, 200.0]]), np.array([[0.5, 0.7]])
    points, _ = decode(heatmaps, center, scale, coordinates="udp")
    np.testing.assert_allclose(points[0], [[250, 130], [350, 130], [250, 270], [350, 270]], rtol=0, atol=1e-4)


def test_other_coordinates_are_refused():
    heatmaps = np.ones((1, len(COCO17.joints), 4, 4), np.float32)
    with pytest.raises(InvalidInput, match='coordinates = "upd"; did you mean "udp"'):
        decode(heatmaps, np.zeros((1, 2)), np.ones((1, 2)), coordinates="upd")
