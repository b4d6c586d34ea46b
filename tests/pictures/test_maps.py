"""Maps over crops: what is discarded is dark, what is not keeps its bits, and every cell stands in its place."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np

from benchbox.pictures.maps import (
    CELL,
    COLOURS,
    Heatmaps,
    Panel,
    attention_picture,
    dimmed,
    heated,
    heatmaps_picture,
)
from benchbox.pose.skeleton import LSP14

CROP = np.random.default_rng(0).integers(0, 256, (96, 64, 3), dtype=np.uint8)
STEP = round(CELL * 64 / 96) + 8


def decoded(picture: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def test_ones_change_nothing_and_zeros_leave_black() -> None:
    np.testing.assert_array_equal(dimmed(CROP, np.ones((24, 16))), CROP)
    assert not dimmed(CROP, np.zeros((3, 2))).any()


def test_a_weight_is_that_of_its_own_square() -> None:
    weights = np.ones((24, 16))
    weights[5, 3] = 0.5
    found, expected = dimmed(CROP, weights), CROP.copy()
    expected[20:24, 12:16] = np.rint(CROP[20:24, 12:16] * 0.5)
    np.testing.assert_array_equal(found, expected)


def test_heat_covers_its_square_and_leaves_the_rest_grey() -> None:
    values = np.full((24, 16), -0.5)
    values[5, 3] = 7.0
    found = heated(CROP, values)
    np.testing.assert_array_equal(found[20:24, 12:16], np.broadcast_to([253, 231, 37], (4, 4, 3)))  # viridis' last
    found[20:24, 12:16] = 0
    assert (found.min(axis=2) == found.max(axis=2)).all()
    assert found.max() <= 0.6 * 255 + 1


def test_the_colours_grow_lighter_with_the_value() -> None:
    colours = matplotlib.colormaps[COLOURS](np.linspace(0, 1, 256))[:, :3]
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    assert (np.diff(linear @ [0.2126, 0.7152, 0.0722]) > 0).all()  # relative luminance, IEC 61966-2-1


def column(picture: np.ndarray, number: int) -> np.ndarray:
    """Return the crop in the first row of a column."""
    left = 4 + number * STEP
    return picture[32 : 30 + CELL - 2, left + 2 : left + STEP - 10].astype(int)


def test_a_mask_of_ones_is_drawn_as_the_crop_and_another_darker() -> None:
    half = np.ones((24, 16))
    half[12:] = 0.25
    panels = [Panel("crop"), Panel("ones", positions=np.ones((24, 16))), Panel("half", positions=half)]
    picture = decoded(attention_picture([(CROP, panels)], LSP14))
    crop, ones, partly = (column(picture, number) for number in range(3))
    np.testing.assert_array_equal(ones, crop)
    middle = len(crop) // 2
    np.testing.assert_array_equal(partly[: middle - 4], crop[: middle - 4])
    np.testing.assert_allclose(partly[middle + 4 :], crop[middle + 4 :] * 0.25, atol=2)


def test_there_are_as_many_rows_as_there_is_to_show() -> None:
    points, certain = np.full((14, 2), 30.0), np.ones(14)
    positions, channels = np.ones((6, 4)), np.full(8, 0.5)
    last = Panel("prediction", points=points, confidences=certain)
    cases = [
        ([Panel("a", channels=channels), last], 2),
        ([Panel("a", positions=positions), last], 2),
        ([Panel("a", positions=positions, channels=channels), last], 3),
        ([Panel("a", positions=positions, points=points, confidences=certain), last], 3),
    ]
    for panels, rows in cases:
        picture = decoded(attention_picture([(CROP, [Panel("crop"), *panels])], LSP14))
        assert picture.shape[:2] == (rows * (CELL + 30), 3 * STEP)
    twice = decoded(attention_picture([(CROP, [Panel("crop"), *panels])] * 2, LSP14))
    assert twice.shape[:2] == (2 * rows * (CELL + 30), 3 * STEP)


def test_every_map_has_a_place() -> None:
    maps = np.zeros((14, 24, 16))
    maps[13, 23, 15] = 0.5  # the last joint's lower right corner
    picture = decoded(heatmaps_picture([Heatmaps(CROP, LSP14.joints, maps)] * 2)).astype(int)
    assert picture.shape[:2] == (2 * 3 * (CELL + 30), 6 * STEP)
    yellow = np.argwhere(np.abs(picture - [253, 231, 37]).max(axis=2) < 12)
    for person in (0, 1):
        top, left = (3 * person + 2) * (CELL + 30) + 30, 4 + 1 * STEP
        some = yellow[(yellow[:, 0] >= top) & (yellow[:, 0] < top + CELL)]
        assert len(some) > 0
        np.testing.assert_allclose(some.max(axis=0), [top + CELL, left + STEP - 8], atol=4)
        np.testing.assert_allclose(some.min(axis=0), [top + CELL * 23 / 24, left + (STEP - 8) * 15 / 16], atol=5)
