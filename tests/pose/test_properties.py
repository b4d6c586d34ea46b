"""What must hold whatever the numbers: of mirrors, maps, heatmaps, suppression and PCKh."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchbox.metrics import conventions, pckh
from benchbox.pose.affine import crop_matrix, transform_points
from benchbox.pose.augment import flip_points
from benchbox.pose.crop import Cropper
from benchbox.pose.heatmap import argmax_positions, flip_average, flip_back, gaussian_targets, refined_positions
from benchbox.pose.oks import nms, oks_matrix, soft_nms
from benchbox.pose.skeleton import COCO17, MPII16, SKELETONS, mirror_order
from benchbox.pose.udp import udp_matrix

seeds = st.integers(0, 2**32 - 1)
skeletons = st.sampled_from(list(SKELETONS.values()))
HEIGHT, WIDTH = 24, 18


@given(seed=seeds, skeleton=skeletons, width=st.integers(1, 4000))
def test_mirroring_points_twice_gives_the_visible_ones_back(seed, skeleton, width):
    """Places off the pixels' centres and off the image included; a hidden joint is (0, 0) after the first mirror."""
    rng = np.random.default_rng(seed)
    visible = rng.integers(0, 2, len(skeleton.joints)).astype(np.float64)
    joints = rng.uniform(-width, 2 * width, (len(skeleton.joints), 2))
    pairs = skeleton.flip_pairs
    once, seen = flip_points(joints, visible, width=width, pairs=pairs)
    twice, seen_again = flip_points(once, seen, width=width, pairs=pairs)
    np.testing.assert_array_equal(seen_again, visible)
    np.testing.assert_allclose(twice, joints * visible[:, None], rtol=0, atol=1e-9 * width)
    order = mirror_order(len(skeleton.joints), pairs)
    np.testing.assert_allclose((once[order, 0] + joints[:, 0])[visible > 0], width - 1, rtol=0, atol=1e-9 * width)


@given(seed=seeds)
def test_mirroring_heatmaps_twice_gives_them_back_and_the_shift_moves_a_column(seed):
    heatmaps = np.random.default_rng(seed).normal(size=(2, 17, 4, 5)).astype(np.float32)
    pairs = COCO17.flip_pairs
    once = flip_back(heatmaps, pairs, shift=False)
    np.testing.assert_array_equal(flip_back(once, pairs, shift=False), heatmaps)
    shifted = flip_back(heatmaps, pairs, shift=True)
    np.testing.assert_array_equal(shifted[..., 1:], once[..., :-1])
    np.testing.assert_array_equal(shifted[..., 0], once[..., 0])


@given(seed=seeds, size=st.tuples(st.integers(2, 40), st.integers(2, 40)))
def test_mirroring_an_image_twice_gives_it_back(seed, size):
    """By the crop that shows the whole image, pixel for pixel."""
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    whole = np.eye(2, 3)
    cropper = Cropper(size)
    once = cropper.crop(image, whole, mirrored=True).copy()
    np.testing.assert_array_equal(once, image[:, ::-1])
    np.testing.assert_array_equal(cropper.crop(once, whole, mirrored=True), image)


@pytest.mark.parametrize("matrix", [crop_matrix, udp_matrix])
@given(
    center=st.tuples(st.floats(-500, 1500), st.floats(-500, 1500)),
    scale=st.tuples(st.floats(0.05, 8), st.floats(0.05, 8)),
    rotation=st.floats(-720, 720),
)
def test_a_map_and_its_inverse_cancel(matrix, center, scale, rotation):
    there = np.vstack([matrix(center, scale, rotation, (256, 192)), [0, 0, 1]])
    back = np.vstack([matrix(center, scale, rotation, (256, 192), inverse=True), [0, 0, 1]])
    np.testing.assert_allclose(there @ back, np.eye(3), rtol=0, atol=1e-8)
    np.testing.assert_allclose(back @ there, np.eye(3), rtol=0, atol=1e-8)
    corners = np.array([[0, 0], [191, 0], [191, 255], [0, 255]], dtype=np.float64)
    np.testing.assert_allclose(
        transform_points(transform_points(corners, back[:2]), there[:2]), corners, rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(np.linalg.det(there) * np.linalg.det(back), 1, rtol=1e-9)


def drawn(place: tuple[float, float], *, sigma: float, subcell: bool) -> np.ndarray:
    """Return the target (1, 1, H, W) of a joint at a place in cells."""
    target, weight = gaussian_targets(
        np.array([place]), np.ones(1), heatmap_size=(HEIGHT, WIDTH), stride=1.0, sigma=sigma, subcell=subcell
    )
    assert weight.all()
    return target[None]


def error(target: np.ndarray, place: tuple[float, float], refine: str) -> float:
    """Return how far off a joint is read, in cells along the worse axis."""
    return float(np.abs(refined_positions(target, refine=refine, sigma=2.0)[0][0, 0] - place).max())


cells = st.tuples(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1))


@given(place=cells, sigma=st.sampled_from([1.0, 2.0, 3.0]))
@example(place=(0.5, 0.5), sigma=2.0)
@example(place=(WIDTH - 1.5, HEIGHT - 1.5), sigma=2.0)
@example(place=(8.5, 8.5), sigma=2.0)
def test_an_official_target_is_read_back_within_half_a_cell_anywhere(place, sigma):
    """Half a cell is the rounding of the target; a rounded peak is symmetric, so that the quarter offset adds nothing.

    So it is for every joint whose rounded cell lies on the map, at the borders too, and no better bound holds: half
    cells reach it.
    """
    target = drawn(place, sigma=sigma, subcell=False)
    for refine in ("argmax", "quarter"):
        assert error(target, place, refine) <= 0.5 + 1e-6
    assert error(drawn((8.5, 8.5), sigma=sigma, subcell=False), (8.5, 8.5), "quarter") == 0.5


@given(place=cells, sigma=st.sampled_from([1.0, 2.0, 3.0]))
@example(place=(0.5, 12.0), sigma=2.0)
@example(place=(1.5, 1.5), sigma=2.0)
@example(place=(WIDTH - 1.5, HEIGHT - 1.5), sigma=2.0)
def test_an_exact_target_is_read_back_within_a_quarter_of_a_cell_but_for_the_border(place, sigma):
    """The quarter offset halves the error where both axes are refined: peaks on cells 2 to W - 2 and 2 to H - 2.

    Half way between two cells both are highest, and the first is the peak.
    """
    target = drawn(place, sigma=sigma, subcell=True)
    peak = argmax_positions(target)[0][0, 0]
    refined = ((peak > 1) & (peak < (WIDTH - 1, HEIGHT - 1))).all()
    assert error(target, place, "quarter") <= (0.25 if refined else 0.5) + 1e-4
    left = (1.499, 12.0)
    assert error(drawn(left, sigma=sigma, subcell=True), left, "quarter") > 0.49


@given(seed=seeds, skeleton=skeletons, shift=st.booleans())
def test_the_flip_test_of_a_symmetric_prediction_changes_nothing(seed, skeleton, shift):
    """What the network says of the mirror image is then the mirror of what it says of the image."""
    shape = (2, len(skeleton.joints), HEIGHT, WIDTH)
    heatmaps = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    mirrored = heatmaps[:, mirror_order(shape[1], skeleton.flip_pairs), :, ::-1]
    if shift:  # of a network whose answer to the mirror image lies one cell to the right of where it should
        mirrored = np.concatenate([mirrored[..., :1], mirrored[..., :-1]], axis=-1)
    average = flip_average(heatmaps, mirrored, skeleton.flip_pairs, shift=shift)
    np.testing.assert_array_equal(average[..., int(shift) :], heatmaps[..., int(shift) :])


@given(seed=seeds, count=st.integers(1, 20), threshold=st.floats(0.05, 0.95))
def test_suppression_does_not_depend_on_the_order_of_people(seed, count, threshold):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 100, (1, 17, 3)) + rng.normal(0, 8, (count, 17, 3))
    area = rng.uniform(1000, 9000, count)
    scores = rng.permutation(np.linspace(0.1, 0.9, count))  # distinct
    order = rng.permutation(count)
    for suppress in (nms, soft_nms):
        kept = suppress(oks_matrix(keypoints, area, sigmas=COCO17.sigmas), scores, threshold=threshold)
        other = oks_matrix(keypoints[order], area[order], sigmas=COCO17.sigmas)
        found = suppress(other, scores[order], threshold=threshold)
        assert order[found].tolist() == kept.tolist()


@given(seed=seeds, factor=st.floats(0.01, 100), shift=st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)))
def test_similarity_does_not_depend_on_the_unit_of_length(seed, factor, shift):
    rng = np.random.default_rng(seed)
    keypoints, area = rng.uniform(0, 100, (6, 17, 2)), rng.uniform(1000, 9000, 6)
    found = oks_matrix(keypoints * factor + shift, area * factor**2, sigmas=COCO17.sigmas)
    np.testing.assert_allclose(found, oks_matrix(keypoints, area, sigmas=COCO17.sigmas), rtol=0, atol=1e-6)


def people(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return predicted and true joints (N, 16, 2), head sizes (N,) and which joints are labelled (N, 16)."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 1000, (count, 16, 2))
    heads = rng.uniform(10, 200, count)
    predicted = truth + rng.normal(0, 0.5, truth.shape) * heads[:, None, None]
    return predicted, truth, heads, rng.random((count, 16)) < 0.7


def scored(predicted: np.ndarray, truth: np.ndarray, heads: np.ndarray, labelled: np.ndarray) -> pckh.PCKh:
    return pckh.score(pckh.errors(predicted, truth, heads), labelled, leave_out=conventions.MPII_LEFT_OUT)


@given(seed=seeds, count=st.integers(1, 12))
def test_pckh_is_a_share_and_does_not_depend_on_the_order_of_people(seed, count):
    predicted, truth, heads, labelled = people(seed, count)
    found = scored(predicted, truth, heads, labelled)
    known = found.per_joint[~np.isnan(found.per_joint)]
    assert ((known >= 0) & (known <= 100)).all()
    assert np.isnan(found.mean) or 0 <= found.mean <= 100
    order = np.random.default_rng(seed + 1).permutation(count)
    other = scored(predicted[order], truth[order], heads[order], labelled[order])
    np.testing.assert_array_equal(other.per_joint, found.per_joint)
    np.testing.assert_array_equal(other.mean, found.mean)
    perfect = scored(truth, truth, heads, labelled)
    assert set(perfect.per_joint[perfect.counts > 0].tolist()) <= {100.0}
    far = scored(truth + 1e6, truth, heads, labelled)
    assert set(far.per_joint[far.counts > 0].tolist()) <= {0.0}


@given(
    seed=seeds,
    factor=st.sampled_from([0.125, 0.5, 2.0, 16.0]),
    shift=st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
)
def test_pckh_does_not_depend_on_size_and_place(seed, factor, shift):
    predicted, truth, heads, labelled = people(seed, 8)
    errors = pckh.errors(predicted, truth, heads)
    moved = pckh.errors(predicted * factor + shift, truth * factor + shift, heads * factor)
    np.testing.assert_allclose(moved, errors, rtol=0, atol=1e-7)
    sure = labelled & (np.abs(errors - 0.5) > 1e-6)  # rounding may move a joint across the threshold
    np.testing.assert_array_equal(pckh.score(moved, sure).per_joint, pckh.score(errors, sure).per_joint)


@given(seed=seeds)
def test_the_mirror_of_a_picture_and_of_its_joints_agree(seed):
    """A bright pixel at a joint lies at the mirrored joint of the mirrored picture."""
    rng = np.random.default_rng(seed)
    joints = np.column_stack([rng.permutation(40)[:16], rng.permutation(30)[:16]]).astype(np.float64)
    image = np.zeros((30, 40), np.uint8)
    for joint, (x, y) in enumerate(joints.astype(int)):
        image[y, x] = joint + 1
    mirrored, _ = flip_points(joints, np.ones(16), width=40, pairs=MPII16.flip_pairs)
    order = mirror_order(16, MPII16.flip_pairs)
    places = mirrored.astype(int)
    assert cv2.flip(image, 1)[places[:, 1], places[:, 0]].tolist() == (order + 1).tolist()
    targets, _ = gaussian_targets(joints, np.ones(16), heatmap_size=(30, 40), stride=1.0, sigma=1.0)
    turned, _ = gaussian_targets(mirrored, np.ones(16), heatmap_size=(30, 40), stride=1.0, sigma=1.0)
    np.testing.assert_array_equal(flip_back(turned[None], MPII16.flip_pairs, shift=False)[0], targets)
    assert argmax_positions(targets)[0].tolist() == joints.tolist()
