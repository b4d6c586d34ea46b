"""Grounds to stand on, clutter behind people, furniture before them and the camera's faults."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchbox.datasets.synthetic.body import Floats
from benchbox.datasets.synthetic.draw import COVER, Canvas, Grid, hull, tube
from benchbox.datasets.synthetic.outfit import sample_cloth, sample_colour

Rng = np.random.Generator
Image = NDArray[np.uint8]

# Colours (BGR) of what is far and of the floor; "any" walls take any colour.
FAR: dict[str, tuple[float, float, float] | None] = {
    "room": None, "stage": (45, 35, 40), "street": (150, 150, 150), "field": (225, 205, 175), "forest": (60, 95, 75),
    "snow": (235, 215, 190), "court": None, "sand": (225, 200, 150),
}  # fmt: skip
FLOOR: dict[str, tuple[float, float, float] | None] = {
    "room": None, "stage": (60, 80, 110), "street": (115, 115, 115), "field": (70, 145, 95), "forest": (60, 90, 110),
    "snow": (245, 240, 235), "court": (80, 130, 190), "sand": (150, 190, 215),
}  # fmt: skip


def _bytes(image: object) -> Image:
    """Return what OpenCV gave as the uint8 array that it is."""
    return np.asarray(image, np.uint8)


def noise_field(rng: Rng, height: int, width: int) -> Grid:
    """Return noise of several grain sizes, (H, W), about -1..1."""
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((6, 0.4), (22, 0.4), (70, 0.5)):
        coarse = np.float32(weight) * rng.standard_normal((cells, cells), dtype=np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def _near(rng: Rng, base: tuple[float, float, float] | None) -> Floats:
    """Return a colour (3,) near `base`, or any colour."""
    if base is None:
        return np.array(sample_colour(rng))
    return np.clip(np.array(base) * rng.uniform(0.75, 1.15) + rng.normal(0, 12, 3), 0, 255)


def paint_ground(rng: Rng, ground: str, noise: Grid, horizon: int) -> Image:
    """Return a scene without people, (H, W, 3) uint8 BGR.

    Args:
        rng: source of chance.
        ground: a key of `FLOOR`.
        noise: grain, (H, W).
        horizon: the row at which floor meets wall or sky.
    """
    height, width = noise.shape
    far, floor = _near(rng, FAR[ground]), _near(rng, FLOOR[ground])
    fade = np.linspace(rng.uniform(0.8, 1.1), rng.uniform(0.8, 1.1), height)[:, None]
    rows = (np.where(np.arange(height)[:, None] < horizon, far, floor) * fade).astype(np.float32)
    grain = cv2.merge([noise * np.float32(rng.uniform(4.0, 16.0))] * 3)
    # cv2.add rounds and saturates.
    image = _bytes(cv2.add(grain, np.repeat(rows[:, None, :], width, axis=1), dtype=cv2.CV_8U))
    _far_things(rng, ground, image, horizon)
    _floor_marks(rng, ground, image, horizon)
    return image


def _far_things(rng: Rng, ground: str, image: Image, horizon: int) -> None:
    """Draw windows, trunks, houses, banners and the like behind everybody."""
    width = image.shape[1]
    for _ in range(int(rng.integers(2, 8))):
        x, w = int(rng.integers(-20, width)), int(rng.integers(4, 45))
        top = int(rng.integers(-10, max(horizon, 12)))
        colour = sample_colour(rng)
        if ground in ("forest", "field", "snow") and rng.random() < 0.6:
            trunk = (float(rng.uniform(25, 80)), float(rng.uniform(40, 95)), float(rng.uniform(45, 110)))
            cv2.rectangle(image, (x, top), (x + max(3, w // 5), horizon + int(rng.integers(0, 20))), trunk, -1)
            crown = (float(rng.uniform(30, 90)), float(rng.uniform(60, 140)), float(rng.uniform(30, 110)))
            cv2.ellipse(image, (x + 2, top), (w // 2 + 4, w // 2 + 6), 0, 0, 360, crown, -1)
        else:
            bottom = int(rng.integers(top + 4, max(horizon + 10, top + 6)))
            cv2.rectangle(image, (x, top), (x + w, bottom), colour, -1 if rng.random() < 0.7 else 2)
    if ground == "snow" or (ground == "field" and rng.random() < 0.5):
        peak = [(-10, horizon), (int(rng.integers(0, width)), int(rng.integers(0, horizon + 1))), (width + 10, horizon)]
        cv2.polylines(image, [np.array(peak, np.int32)], False, sample_colour(rng, 100), 2, cv2.LINE_AA)


def _floor_marks(rng: Rng, ground: str, image: Image, horizon: int) -> None:
    """Draw court lines, kerbs, boards and ski tracks on the floor, a net over the court."""
    height, width = image.shape[:2]
    lines = {"court": 4, "sand": 2, "street": 3, "room": 2, "stage": 2, "snow": 3}.get(ground, 1)
    bright = sample_colour(rng, 120)
    for _ in range(lines):
        start = (int(rng.integers(-20, width + 20)), int(rng.integers(horizon, height + 1)))
        end = (int(rng.integers(-20, width + 20)), int(rng.integers(horizon, height + 1)))
        cv2.line(image, start, end, bright, int(rng.integers(1, 3)), cv2.LINE_AA)
    if ground in ("court", "sand") and rng.random() < 0.5:
        top, deep = int(rng.integers(5, max(horizon, 10))), int(rng.integers(12, 26))
        for y in range(top, top + deep, 5):
            cv2.line(image, (0, y), (width, y + int(rng.integers(-2, 3))), (190, 190, 190), 1, cv2.LINE_AA)
        for x in range(0, width, 6):
            cv2.line(image, (x, top), (x, top + deep), (190, 190, 190), 1)


def scatter_clutter(rng: Rng, canvas: Canvas, count: int) -> None:
    """Put `count` limb-like rods and boxes, in clothes' colours, behind the people."""
    height, width = canvas.owner.shape
    for _ in range(count):
        start = rng.uniform((0, 0), (width, height))
        end = start + rng.normal(0, 18, 2)
        radius = float(rng.uniform(1.5, 6.0))
        tube(canvas, start, end, (radius, radius * float(rng.uniform(0.6, 1.2))), sample_cloth(rng, 90.0), 0)


def defocus(rng: Rng, image: Image) -> Image:
    """Return the scene behind the people a little out of focus."""
    return _bytes(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.8, 2.2))))


def cover(rng: Rng, canvas: Canvas, box: tuple[float, float, float, float]) -> None:
    """Put a piece of furniture, a post or a bush before a person's box (x, y, width, height in pixels)."""
    x, y, w, h = box
    cloth = sample_cloth(rng, 90.0)
    kind = int(rng.integers(3))
    if kind == 0:
        left, top = x + w * rng.uniform(-0.3, 0.4), y + h * rng.uniform(0.55, 0.85)
        right, bottom = left + w * rng.uniform(0.5, 1.1), top + h * 0.6
    elif kind == 1:
        left, top = x + w * rng.uniform(0.1, 0.85), y - h * 0.2
        right, bottom = left + max(4.0, 0.07 * h) * rng.uniform(0.6, 1.5), y + h * 1.2
    else:
        centre = np.array([x + w * rng.uniform(0.0, 1.0), y + h * rng.uniform(0.2, 1.0)])
        radius = float(h * rng.uniform(0.06, 0.14))
        tube(canvas, centre, centre + rng.normal(0, 0.5 * radius, 2), (radius, radius), cloth, COVER)
        return
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    hull(canvas, corners, (corners[0], corners[3]), cloth, COVER)


def shadow(canvas: Canvas, feet: Floats) -> None:
    """Darken the floor under feet, (N, 2) in pixels."""
    centre, wide = feet.mean(axis=0), max(float(np.ptp(feet[:, 0])), 8.0)
    window = canvas.window(centre[0] - wide, feet[:, 1].max() - 3, centre[0] + wide, feet[:, 1].max() + 5)
    if window is None:
        return
    patch = canvas.image[window]
    tall, broad = patch.shape[:2]
    mask = np.zeros((tall, broad), np.uint8)
    middle = (broad // 2, tall // 2)
    cv2.ellipse(mask, middle, (max(middle[0] - 1, 1), max(middle[1] - 1, 1)), 0, 0, 360, 90, -1, cv2.LINE_AA)
    canvas.image[window] = (patch * (1.0 - mask[..., None] / 255.0)).astype(np.uint8)


def photograph(rng: Rng, image: Image) -> Image:
    """Return the image (H, W, 3) uint8 as a cheap camera sees it: exposure, contrast, tint, blur and grain."""
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.94, 1.06, 3)
    shift = rng.uniform(-18.0, 18.0)
    if rng.random() < 0.5:
        image = _bytes(cv2.GaussianBlur(image, (3, 3), float(rng.uniform(0.4, 0.9))))
    level = np.arange(256.0)[:, None]
    curve = np.clip(np.rint(level * gain + shift), 0, 255).astype(np.uint8)[:, None, :]
    coarse = int(rng.integers(2, 9))
    grain = rng.integers(-coarse, coarse + 1, image.shape[:2], dtype=np.int8).astype(np.int16)
    return _bytes(cv2.add(cv2.LUT(image, curve), cv2.merge([grain] * 3), dtype=cv2.CV_8U))
