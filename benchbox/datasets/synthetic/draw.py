"""Painting on a small image: shaded tubes and hulls with cloth, balls, strokes; every pixel remembers its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchbox.datasets.synthetic.body import Floats

Grid = NDArray[np.float32]

PATTERNS = ("plain",) * 8 + ("rings", "stripes", "checks", "speckle")
COVER = 255  # owner of whatever stands before a person: props, furniture
SHIFT = 4  # binary digits behind the point in cv2's coordinates


@dataclass(frozen=True)
class Cloth:
    """A fabric: two colours (BGR, 0..255), a pattern's name and its period in pixels."""

    colour: tuple[float, float, float]
    second: tuple[float, float, float]
    pattern: str = "plain"
    period: float = 6.0

    def paint(self, along: Grid, across: Grid, noise: Grid) -> Grid:
        """Return the colour (h, w, 3) at places (h, w) given in pixels along and across a part."""
        first = np.array(self.colour, np.float32)
        step = np.array(self.second, np.float32) - first
        mix: NDArray[np.bool_]
        if self.pattern == "plain":
            return first + (0.25 * np.abs(noise))[..., None] * step
        if self.pattern == "rings":
            mix = np.mod(along, self.period) < 0.45 * self.period
        elif self.pattern == "stripes":
            mix = np.mod(across, self.period) < 0.4 * self.period
        elif self.pattern == "checks":
            mix = (np.mod(along, self.period) < 0.5 * self.period) ^ (np.mod(across, self.period) < 0.5 * self.period)
        else:
            mix = noise > 0.35
        return np.where(mix[..., None], first + 0.5 * step, first)


@dataclass
class Canvas:
    """An image (H, W, 3) uint8 BGR in the making.

    `owner` (H, W) uint8 says whose the pixel is: 0 background, COVER a prop or furniture, else a part's number. `noise`
    (H, W) in about -1..1 roughens every cloth; `light` (x, y) points towards the lamp, at most one long.
    """

    image: NDArray[np.uint8]
    owner: NDArray[np.uint8]
    noise: Grid
    light: tuple[float, float]

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice] | None:
        """Return the rows and columns of a rectangle in pixels, clipped to the image; None when nothing is left."""
        height, width = self.owner.shape
        x0, x1 = max(int(np.floor(left)) - 1, 0), min(int(np.ceil(right)) + 2, width)
        y0, y1 = max(int(np.floor(top)) - 1, 0), min(int(np.ceil(bottom)) + 2, height)
        return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None

    def blend(self, window: tuple[slice, slice], alpha: Grid, colour: Grid, owner: int) -> None:
        """Lay `colour` (h, w, 3) with opacity `alpha` (h, w) over a window; take the pixels more than half covered."""
        under = self.image[window]
        mixed = under + alpha[..., None] * (np.minimum(colour, 255.0) - under)
        self.image[window] = mixed.astype(np.uint8)
        self.owner[window][alpha > 0.5] = owner


def grid(window: tuple[slice, slice]) -> tuple[Grid, Grid]:
    """Return the window's pixel centres as x (1, w) and y (h, 1)."""
    rows, columns = window
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
    return x, np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]


def within(values: NDArray[np.floating[Any]], low: float, high: float) -> Grid:
    """Return the values limited to low..high; np.clip takes twice as long on arrays this small."""
    limited: Grid = np.minimum(np.maximum(values, low), high)
    return limited


def tube(canvas: Canvas, start: Floats, end: Floats, radii: tuple[float, float], cloth: Cloth, owner: int) -> None:
    """Draw a limb from `start` to `end` (x, y in pixels) with round ends and a radius in pixels at each end."""
    r0, r1 = radii
    window = canvas.window(
        min(start[0] - r0, end[0] - r1), min(start[1] - r0, end[1] - r1),
        max(start[0] + r0, end[0] + r1), max(start[1] + r0, end[1] + r1),
    )  # fmt: skip
    if window is None:
        return
    x, y = grid(window)
    dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
    square = max(dx * dx + dy * dy, 1e-6)
    px, py = x - float(start[0]), y - float(start[1])
    place = within(px * (dx / square) + py * (dy / square), 0.0, 1.0)
    ex, ey = px - place * dx, py - place * dy
    radius = r0 + (r1 - r0) * place
    distance = np.sqrt(ex * ex + ey * ey)
    alpha = within(radius - distance + 0.5, 0.0, 1.0)
    length = square**0.5
    noise = canvas.noise[window]
    colour = cloth.paint(place * length, px * (dy / length) - py * (dx / length), noise)
    ex, ey = ex / radius, ey / radius
    rim = np.minimum(ex * ex + ey * ey, 1.0)
    shade = 1.0 + (0.25 * canvas.light[0]) * ex + (0.25 * canvas.light[1]) * ey - 0.45 * rim + 0.06 * noise
    canvas.blend(window, alpha, colour * shade[..., None], owner)


def hull(canvas: Canvas, points: Floats, spine: tuple[Floats, Floats], cloth: Cloth, owner: int) -> None:
    """Draw the convex hull of `points` (N, 2); `spine` is the line (two x, y points) along which the cloth runs."""
    window = canvas.window(points[:, 0].min(), points[:, 1].min(), points[:, 0].max(), points[:, 1].max())
    if window is None:
        return
    x, y = grid(window)
    mask = np.zeros((y.shape[0], x.shape[1]), np.uint8)
    corner = np.array([x[0, 0], y[0, 0]])
    outline = cv2.convexHull(np.round((points - corner) * 2**SHIFT).astype(np.int32))
    cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_AA, SHIFT)
    start, end = spine
    line = end - start
    line = line / max(float(np.hypot(line[0], line[1])), 1e-6)
    px, py = x - float(start[0]), y - float(start[1])
    lx, ly = float(line[0]), float(line[1])
    along, across = px * lx + py * ly, px * ly - py * lx
    half = 0.5 * max(float(np.ptp(points @ np.array([line[1], -line[0]]))), 2.0)
    bulge = within(across / half, -1.0, 1.0)
    noise = canvas.noise[window]
    sideways = canvas.light[0] * ly - canvas.light[1] * lx
    shade = 1.0 + 0.25 * sideways * bulge - 0.35 * bulge * bulge + 0.06 * noise
    canvas.blend(window, mask * np.float32(1 / 255), cloth.paint(along, across, noise) * shade[..., None], owner)


def stroke(
    canvas: Canvas, points: Floats, width: float, colour: tuple[float, float, float], owner: int, closed: bool = False
) -> None:
    """Draw a line through `points` (N, 2), `width` in pixels; a thin line takes no pixels from their owner."""
    fixed = np.round(points * 2**SHIFT).astype(np.int32)
    thickness = max(1, round(width))
    cv2.polylines(canvas.image, [fixed], closed, colour, thickness, cv2.LINE_AA, SHIFT)
    if thickness > 1:
        cv2.polylines(canvas.owner, [fixed], closed, owner, thickness, cv2.LINE_8, SHIFT)


def dot(canvas: Canvas, centre: Floats, radius: float, colour: tuple[float, float, float]) -> None:
    """Draw a small filled circle on what is there, without taking the pixels."""
    x, y = (round(float(c) * 2**SHIFT) for c in centre[:2])
    cv2.circle(canvas.image, (x, y), max(round(radius * 2**SHIFT), 2**SHIFT // 2), colour, -1, cv2.LINE_AA, SHIFT)


def ball(canvas: Canvas, centre: Floats, radius: float, cloth: Cloth) -> None:
    """Draw a shaded ball with one seam; centre (x, y) and radius in pixels."""
    tube(canvas, centre, centre + 0.01, (radius, radius), cloth, COVER)
    seam = centre + radius * np.array([[-0.9, -0.3], [-0.3, 0.1], [0.3, 0.1], [0.9, -0.3]])
    stroke(canvas, seam, 1, cloth.second, COVER)
    stroke(canvas, centre + radius * np.array([[0.0, -0.95], [0.1, 0.0], [0.0, 0.95]]), 1, cloth.second, COVER)
