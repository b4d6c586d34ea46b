"""A head: an ellipsoid with a face on its front, hair or a hat on top and behind, ears at its sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbox.datasets.synthetic.body import FACE, Camera, Floats, Skeleton, head_radii
from benchbox.datasets.synthetic.draw import Canvas, dot, grid, stroke, within

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class HeadLook:
    """Skin, hair and hat colours (BGR, 0..255), `hat` None for a bare head.

    `hairline` -0.1..0.3 is how far hair reaches forward, `fringe` 0.3..0.7 how low it ends on the forehead, on a head
    of radius one.
    """

    skin: Colour
    hair: Colour
    hat: Colour | None
    brim: bool
    hairline: float
    fringe: float
    glasses: bool


def draw_head(canvas: Canvas, skeleton: Skeleton, camera: Camera, look: HeadLook, owner: int) -> None:
    """Draw the head with what of its face is turned to the camera."""
    radii = head_radii(skeleton.build) * camera.scale
    turn = camera.rotation @ skeleton.head
    centre = camera.project(skeleton.joints["skull"][None])[0]
    mean = float(radii.mean())
    for side in (-1.0, 1.0):
        if side * turn[2, 0] > -0.75:
            ear = _on_head(centre, turn, radii, (side * 1.02, -0.02, -0.08))
            dot(canvas, ear, 0.26 * mean, _scaled(look.skin, 0.92))
    _paint_skull(canvas, centre, turn, radii, look, owner)
    for side in (-1.0, 1.0):
        if side * turn[2, 0] > 0.35 and look.hat is None:
            ear = _on_head(centre, turn, radii, (side, -0.05, -0.08))
            dot(canvas, ear, 0.19 * mean, _scaled(look.skin, 0.82))
    _paint_face(canvas, centre, turn, radii, look, owner)


def _on_head(centre: Floats, turn: Floats, radii: Floats, spot: tuple[float, float, float]) -> Floats:
    """Return x, y in pixels of a place given on the head of radius one."""
    place = turn @ (np.array(spot) * radii)
    return np.array([centre[0] + place[0], centre[1] - place[1]])


def _scaled(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _paint_skull(canvas: Canvas, centre: Floats, turn: Floats, radii: Floats, look: HeadLook, owner: int) -> None:
    """Paint the ellipsoid: for each pixel, the place on the head that it shows decides between skin, hair and hat."""
    reach = np.sqrt(((turn * radii) ** 2).sum(axis=1))
    window = canvas.window(centre[0] - reach[0], centre[1] - reach[1], centre[0] + reach[0], centre[1] + reach[1])
    if window is None:
        return
    x, y = grid(window)
    dx, dy = np.broadcast_arrays(x - float(centre[0]), float(centre[1]) - y)
    # The ray (dx, dy, t) in the head's frame, where the head is the unit ball: start + t * step.
    start = np.stack([dx, dy], axis=-1) @ (turn[:2] / radii).astype(np.float32)
    step = (turn[2] / radii).astype(np.float32)
    a = float(step @ step)
    b = start @ step
    inside = (b * b - a * ((start * start).sum(axis=-1) - 1.0)) / a
    mean = float(radii.mean())
    alpha = within(0.5 * mean * inside + 0.5, 0.0, 1.0)
    depth = (-b + np.sqrt(np.maximum(inside * a, 0.0))) / a
    spot = start + depth[..., None] * step
    up, forward = spot[..., 1], spot[..., 2]
    # Positive where there is hair: above and behind a line that runs from the forehead past the ears to the nape.
    edge = np.maximum(look.hairline - forward + 0.5 * np.maximum(up - 0.1, 0.0), 2.0 * (up - look.fringe))
    edge = np.minimum(edge, up + 0.62)
    hair = within(edge * mean + 0.5, 0.0, 1.0)[..., None]
    lit = 1.0 + 0.22 * (canvas.light[0] * dx - canvas.light[1] * dy) / mean + 0.06 * canvas.noise[window]
    skin = np.array(look.skin, np.float32)
    colour = skin + hair * (np.array(look.hair, np.float32) - skin)
    if look.hat is not None:
        hat = within((up - 0.38 + 0.12 * forward) * mean + 0.5, 0.0, 1.0)[..., None]
        colour = colour + hat * (np.array(look.hat, np.float32) - colour)
    canvas.blend(window, alpha, colour * lit[..., None], owner)


def _paint_face(canvas: Canvas, centre: Floats, turn: Floats, radii: Floats, look: HeadLook, owner: int) -> None:
    """Paint eyes, brows, nose, mouth and the brim of a cap where they are turned to the camera."""
    mean = float(radii.mean())
    for name in ("l_eye", "r_eye"):
        if float(turn[2] @ np.array(FACE[name])) > 0.12:
            side = FACE[name][0]
            eye = _on_head(centre, turn, radii, FACE[name])
            if look.glasses:
                dot(canvas, eye, 0.27 * mean, (35, 30, 30))
            else:
                dot(canvas, eye, 0.21 * mean, (225, 228, 230))
                dot(canvas, eye, 0.13 * mean, (35, 30, 25))
            brow = [_on_head(centre, turn, radii, (side * k, 0.34, 0.86)) for k in (0.5, 1.4)]
            stroke(canvas, np.array(brow), 1, _scaled(look.hair, 0.8), owner)
    if turn[2, 2] > 0.05:
        mouth = [_on_head(centre, turn, radii, (k, -0.52, 0.80)) for k in (-0.28, 0.28)]
        stroke(canvas, np.array(mouth), max(1.0, 0.2 * mean), (70, 60, 165), owner)
    if turn[2, 2] > -0.35:
        nose = _on_head(centre, turn, radii, FACE["nose"])
        dot(canvas, nose, 0.17 * mean, _scaled(look.skin, 0.78))
        if look.hat is not None and look.brim:
            brim = [
                _on_head(centre, turn, radii, s) for s in ((-0.7, 0.36, 0.75), (0.0, 0.32, 1.35), (0.7, 0.36, 0.75))
            ]
            stroke(canvas, np.array(brim), max(1.0, 0.25 * mean), _scaled(look.hat, 0.7), owner)
