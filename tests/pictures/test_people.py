"""Skeletons over whole images."""

from __future__ import annotations

from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from benchbox.pictures.people import LEAST, LEGEND, MOST, people_picture
from benchbox.pose.skeleton import COCO17


def decoded(picture: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)


def person(confidence: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    points = np.array([[20 + 3 * (joint % 5), 15 + 4 * joint] for joint in range(17)], np.float32)
    return points, np.full(17, confidence, np.float32)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((100, 50), (LEAST, LEAST // 2)),
        ((600, 800), (600, 800)),
        ((8000, 4000), (MOST, MOST // 2)),
        ((1, 700), (1, 700)),
    ],
)
def test_small_images_are_enlarged_and_big_ones_shrunk(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = decoded(people_picture(np.full((*size, 3), 100, np.uint8), COCO17, [person()]))
    assert picture.shape[:2] == (expected[0] + LEGEND, expected[1])


def test_joints_stand_on_the_image_at_any_size() -> None:
    """A white square on black has the middle of the joint that is drawn there (the nose, white with a black edge)."""
    points, certain = np.full((17, 2), np.nan), np.ones(17)
    for side, place in ((100, (70, 25)), (4000, (2800, 1000))):
        image, half = np.zeros((side, side, 3), np.uint8), side // 50
        image[place[1] - half : place[1] + half + 1, place[0] - half : place[0] + half + 1] = 255
        plain = decoded(people_picture(image, COCO17, [(points, certain)]))[:-LEGEND, :, 0]
        points[0] = place
        drawn = decoded(people_picture(np.zeros_like(image), COCO17, [(points, certain)]))[:-LEGEND, :, 0]
        points[0] = np.nan
        middles = [np.argwhere(one > 128).mean(axis=0) for one in (plain, drawn)]
        np.testing.assert_allclose(*middles, atol=1.01)


def test_what_is_uncertain_is_fainter() -> None:
    image = np.full((600, 600, 3), 100, np.uint8)
    drawn = [decoded(people_picture(image, COCO17, [person(certain)]))[:600] for certain in (1.0, 0.5, 0.0, -3.0)]
    change = [np.abs(one - 100).sum() for one in drawn]
    assert change[0] > change[1] > change[2] == change[3] > 0


def test_the_same_gives_the_same_bytes_and_svg_is_xml() -> None:
    image = np.full((60, 80, 3), 100, np.uint8)
    for kind in ("png", "svg"):
        first, again = (people_picture(image, COCO17, [person()], kind) for _ in range(2))
        assert first == again
    assert ElementTree.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"
    assert {"left", "right"} <= set(ElementTree.fromstring(first).itertext())
