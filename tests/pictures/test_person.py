"""Pictures of persons: everything stands where the geometry says, and is told apart in grey too."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchbox.pictures.person import person_picture
from benchbox.pictures.skeleton import DARK, LIGHT, limb_side, side_of
from benchbox.pose.skeleton import LSP14, SKELETONS


def joints(**places: tuple[float, float]) -> np.ndarray:
    """Return joints of LSP, none but the named at any place."""
    points = np.full((len(LSP14.joints), 2), np.nan)
    for name, place in places.items():
        points[LSP14.joints.index(name)] = place
    return points


def labelled(points: np.ndarray) -> np.ndarray:
    return np.c_[np.nan_to_num(points), np.where(np.isnan(points[:, 0]), 0, 2)]


def decoded(picture: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1].astype(float)


def middle(picture: np.ndarray, colour: str) -> np.ndarray:
    """Return the mean x, y of the pixels that are nearly of a colour."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    y, x = np.nonzero(np.abs(picture - wanted).max(axis=2) < 40)
    assert len(x) > 0
    return np.array([x.mean(), y.mean()])


@pytest.mark.parametrize("side", [113, 160])
@pytest.mark.parametrize("width", [40.0, 100.0, 1000.0])
def test_joints_stand_where_the_box_puts_them(side: int, width: float) -> None:
    """A box of width w, with a quarter more room, fills the picture; its middle comes to its middle."""
    image = np.full((300, 400, 3), 128, np.uint8)
    box, step = np.array([200 - width / 2, 150 - width / 2, width, width]), 1.25 * width / side
    predicted, true = np.array([-20.0, 12.0]), np.array([25.0, -30.0])
    points = joints(head_top=np.array([200, 150]) + step * predicted)
    truth = labelled(joints(head_top=np.array([200, 150]) + step * true))
    picture = decoded(person_picture(image, LSP14, box, points, truth, side=side))
    assert picture.shape == (side, side, 3)
    # The middle of a box comes to side / 2, half a pixel beyond the middle of the pixels (as in all crops here); where
    # a pixel is the mean of finer ones, up to half a pixel less.
    for colour, place in ((LIGHT, predicted), (DARK, true)):
        expected = side / 2 + place - (0.5 - 0.5 / min(8, np.ceil(step)))
        np.testing.assert_allclose(middle(picture, colour), expected, atol=1.01)


def test_the_image_lies_below_the_joints() -> None:
    """A white square of the image has the middle that a joint drawn there has, also when the crop shrinks it."""
    image = np.zeros((900, 1200, 3), np.uint8)
    image[396:445, 596:645] = 255  # its middle: 620, 420
    box = np.array([200.0, 100.0, 800.0, 700.0])
    none = joints()
    plain = decoded(person_picture(image, LSP14, box, none, None, side=160))
    y, x = np.indices(plain.shape[:2])
    light = plain[:, :, 0] / plain[:, :, 0].sum()
    square = np.array([(x * light).sum(), (y * light).sum()])
    drawn = decoded(person_picture(image, LSP14, box, joints(head_top=(620.0, 420.0)), None, side=160))
    np.testing.assert_allclose(middle(drawn, LIGHT), square, atol=1.01)


def test_joints_without_a_label_are_not_drawn() -> None:
    image, box = np.full((100, 100, 3), 128, np.uint8), np.array([10.0, 10.0, 80.0, 80.0])
    truth = labelled(joints(head_top=(50.0, 50.0)))
    truth[:, 2] = 0
    bare = person_picture(image, LSP14, box, joints(), None, side=100)
    assert person_picture(image, LSP14, box, joints(), truth, side=100) == bare
    truth[LSP14.joints.index("head_top"), 2] = 1  # hidden, but labelled
    assert person_picture(image, LSP14, box, joints(), truth, side=100) != bare


def test_the_two_colours_differ_in_grey() -> None:
    """WCAG 2.2's relative luminance: a contrast of 3:1 is what it asks of graphics (1.4.11)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    assert (luminance(LIGHT) + 0.05) / (luminance(DARK) + 0.05) > 3


@pytest.mark.parametrize("name", SKELETONS)
def test_every_limb_of_a_side_has_its_mirror_on_the_other(name: str) -> None:
    skeleton = SKELETONS[name]
    mirror = {a: b for pair in skeleton.flip_pairs for a, b in (pair, pair[::-1])}
    limbs = {frozenset(limb): limb_side(skeleton, limb) for limb in skeleton.limbs}
    other = {"left": "right", "right": "left", "middle": "middle"}
    assert {side_of(joint) for joint in skeleton.joints} == set(other)
    for limb, side in limbs.items():
        mirrored = frozenset(mirror.get(joint, joint) for joint in limb)
        if mirrored in limbs:
            assert limbs[mirrored] == other[side]
