"""Training samples with coordinates as targets, against the pixels and the official crop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchbox.datasets.topdown import TopDown
from benchbox.errors import InvalidInput
from benchbox.pose.affine import crop_matrix, transform_points
from benchbox.pose.people import Person
from benchbox.pose.points import image_points
from benchbox.pose.skeleton import COCO17

SIZE = (128, 96)
STILL = {"rotate": 0.0, "rescale": 0.0, "flip_probability": 0.0, "half_body_probability": 0.0}


def glow(path: Path, x: float, y: float) -> Path:
    """Write an image with one soft spot around a place between the pixels."""
    rows, columns = np.mgrid[:160, :140]
    light = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.5**2))
    cv2.imwrite(str(path), light[..., None].repeat(3, axis=2).round().astype(np.uint8))
    return path


def centroid(image: np.ndarray) -> np.ndarray:
    light = image[..., 0].astype(float)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> TopDown:
    """Eight people, all of whose joints lie on the one spot of their image."""
    folder, rng, people = tmp_path_factory.mktemp("glow"), np.random.default_rng(0), []
    for number, (x, y) in enumerate(rng.uniform((55, 60), (85, 100), (8, 2))):
        path = glow(folder / f"{number}.png", x, y)
        keypoints = np.tile(np.float32([x, y, 2]), (17, 1))
        people.append(Person(number, number, path, (40.0, 40.0, 60.0, 80.0), keypoints, 4800.0))
    return TopDown(
        people=people,
        skeleton=COCO17,
        input_size=SIZE,
        heatmap_size=(32, 24),
        sigma=2.0,
        rotate=40.0,
        rescale=0.3,
        flip_probability=0.5,
        half_body_probability=0.0,
        target="coordinates",
    )


@pytest.mark.parametrize("coordinates", ["official", "udp"])
def test_a_target_is_where_the_joint_is_seen(crops, coordinates):
    for batch in replace(crops, coordinates=coordinates).training_batches(0, 4):
        assert batch.targets.shape == (4, 17, 2)
        assert batch.weights.shape == (4, 17, 1)
        assert batch.targets.dtype == batch.weights.dtype == np.float32
        assert batch.weights.all()
        for image, target in zip(batch.images, batch.targets, strict=True):
            np.testing.assert_allclose(target[0] * (96, 128), centroid(image), rtol=0, atol=0.15)
    flips = {crops.draws(index, 0).flip for index in range(8)}
    assert flips == {True, False}


def test_a_target_is_the_official_crops(crops):
    turned = replace(crops, flip_probability=0.0)
    center, scale = turned.frames
    rng, counted, left_out = np.random.default_rng(1), 0, 0
    for index, who in enumerate(turned.people):
        keypoints = np.column_stack([rng.uniform((-20, -20), (160, 180), (17, 2)), rng.integers(0, 3, 17)])
        people = [replace(who, keypoints=keypoints)]
        draws = turned.draws(index, 0)
        matrix = crop_matrix(center[index], scale[index] * draws.scale, draws.rotation, SIZE)
        expected = transform_points(keypoints[:, :2], matrix)
        _, target, weight = replace(turned, people=people).training_sample(0, 0)
        np.testing.assert_allclose(target, expected / (96, 128), rtol=0, atol=1e-6)
        inside = ((expected >= 0) & (expected < (96, 128))).all(axis=1)
        assert weight[:, 0].tolist() == (inside & (keypoints[:, 2] > 0)).astype(float).tolist()
        counted += weight.sum()
        left_out += (~inside & (keypoints[:, 2] > 0)).sum()
    assert min(counted, left_out) > 8


def test_mirrored_people_have_their_left_on_the_other_side(crops):
    keypoints = np.column_stack([np.random.default_rng(2).uniform((45, 45), (95, 115), (17, 2)), np.full(17, 2)])
    keypoints[9, 2] = 0  # the left wrist
    one = replace(crops, people=[replace(crops.people[0], keypoints=keypoints)], coordinates="udp", **STILL)
    plain, flipped = (replace(one, flip_probability=p).training_sample(0, 0) for p in (0.0, 1.0))
    assert np.flatnonzero(plain[2][:, 0] == 0).tolist() == [9]
    assert np.flatnonzero(flipped[2][:, 0] == 0).tolist() == [10]
    order = [0, *(n + 1 if n % 2 else n - 1 for n in range(1, 17))]
    seen = [n for n in range(17) if n != 10]
    mirrored = plain[1][order] * (96, 128)
    np.testing.assert_allclose(flipped[1][seen, 1] * 128, mirrored[seen, 1], rtol=0, atol=1e-4)
    np.testing.assert_allclose(flipped[1][seen, 0] * 96, 95 - mirrored[seen, 0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("coordinates", ["official", "udp"])
def test_targets_go_back_to_the_image(crops, coordinates):
    plain = replace(crops, coordinates=coordinates, **STILL)
    (batch,) = plain.evaluation_batches(8)
    targets = np.stack([plain.training_sample(index, 0)[1] for index in range(8)]) * np.float32([96, 128])
    found = image_points(targets, batch.center, batch.scale, size=SIZE, coordinates=coordinates)
    expected = np.stack([person.keypoints[:, :2] for person in plain.people])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


def test_images_do_not_depend_on_the_target(crops):
    for index in range(3):
        ours, other = (replace(crops, target=target).training_sample(index, 2) for target in ("coordinates", "heatmap"))
        np.testing.assert_array_equal(ours[0], other[0])
        assert other[1].shape == (17, 32, 24)


def test_another_target_is_refused(crops):
    with pytest.raises(InvalidInput, match='target = "coordinate"; did you mean "coordinates"'):
        replace(crops, target="coordinate")
