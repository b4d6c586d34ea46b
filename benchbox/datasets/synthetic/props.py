"""What people ride, wear on their feet and hold: strokes and balls in body space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbox.datasets.synthetic.body import Floats, Skeleton
from benchbox.datasets.synthetic.draw import Cloth
from benchbox.datasets.synthetic.head import Colour
from benchbox.datasets.synthetic.outfit import sample_colour
from benchbox.datasets.synthetic.poses import CRANK, HANDLEBAR

Rng = np.random.Generator


@dataclass(frozen=True)
class Line:
    """A rod or a rim: points (N, 3) in body space, width in body heights."""

    points: Floats
    width: float
    colour: Colour
    closed: bool = False


@dataclass(frozen=True)
class Ball:
    """A ball: centre (3,) in body space, radius in body heights."""

    centre: Floats
    radius: float
    cloth: Cloth


@dataclass(frozen=True)
class Pack:
    """A bag as the hull of points (N, 3) in body space; `axis` holds the two ends of its upright line, (2, 3)."""

    points: Floats
    axis: Floats
    cloth: Cloth


Prop = Line | Ball | Pack


def make_props(names: tuple[str, ...], skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return the named props in the hands and under the feet of a body; `frame` (3, 3) is how the body is tipped."""
    made: list[Prop] = []
    for name in names:
        made.extend(_MAKERS[name](skeleton, frame, rng))
    return made


def _ring(centre: Floats, radius: float, frame: Floats) -> Floats:
    """Return a wheel's rim, (20, 3), that rolls forward."""
    angles = np.linspace(0.0, 2.0 * np.pi, 20, endpoint=False)
    flat = np.stack([np.zeros(20), np.sin(angles), np.cos(angles)], axis=1)
    return (centre + radius * flat) @ frame.T


def _bicycle(skeleton: Skeleton, frame: Floats, rng: Rng, tyre: float = 0.012, rise: float = 0.0) -> list[Prop]:
    """Return wheels, frame, saddle and handlebar of the bicycle that `poses` sits on."""
    paint, black = sample_colour(rng, 60.0), (float(rng.uniform(15, 60)),) * 3
    radius = 0.18
    rear, front = CRANK + np.array([0.0, 0.0, -0.235]), CRANK + np.array([0.0, 0.0, 0.345])
    bar, seat = HANDLEBAR + np.array([0.0, 0.02, 0.0]), np.array([0.0, -0.055, -0.035])
    if rise:
        seat = seat - np.array([0.0, rise, 0.0])
    stem, post = bar + np.array([0.0, -0.05, 0.015]), 0.75 * seat + 0.25 * CRANK
    lines = [
        Line(_ring(rear, radius, frame), tyre, black, True),
        Line(_ring(front, radius, frame), tyre, black, True),
        Line(np.array([rear, CRANK, stem, post, rear]) @ frame.T, 0.014, paint),
        Line(np.array([CRANK, seat]) @ frame.T, 0.014, paint),
        Line(np.array([front, stem, bar]) @ frame.T, 0.014, paint),
        Line((bar + np.array([[-0.13, 0.0, 0.0], [0.13, 0.0, 0.0]])) @ frame.T, 0.014, black),
        Line((seat + np.array([[0.0, 0.0, -0.05], [0.0, 0.005, 0.06]])) @ frame.T, 0.03, black),
    ]
    return list(lines)


def _mountain_bike(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    return _bicycle(skeleton, frame, rng, tyre=0.032, rise=0.03)


def _skis(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a pair of equal skis, each along its foot."""
    colour, skis = sample_colour(rng, 40.0), list[Prop]()
    back, ahead = rng.uniform(0.25, 0.42), rng.uniform(0.38, 0.6)
    for side in "lr":
        ankle, toe = skeleton.joints[f"{side}_ankle"], skeleton.joints[f"{side}_toe"]
        along = (toe - ankle) / max(float(np.linalg.norm(toe - ankle)), 1e-6)
        sole = ankle - frame[:, 1] * 0.035
        tip = sole + along * ahead
        skis.append(Line(np.array([sole - along * back, tip, tip + along * 0.05 + frame[:, 1] * 0.03]), 0.024, colour))
    return skis


def _poles(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a pair of equal poles that hang back and down from the hands."""
    colour, back = sample_colour(rng), rng.uniform(0.15, 0.9)
    down = -frame[:, 1] - back * frame[:, 2]
    down = down / np.linalg.norm(down)
    ends = [(skeleton.joints[f"{side}_wrist"], rng.uniform(0.42, 0.52)) for side in "lr"]
    return [Line(np.array([hand - 0.05 * down, hand + length * down]), 0.009, colour) for hand, length in ends]


def _ball(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a ball near the higher hand."""
    side = max("lr", key=lambda s: float(skeleton.joints[f"{s}_wrist"][1]))
    away = rng.normal(0.0, 0.03, 3) + np.array([0.0, rng.uniform(0.02, 0.12), 0.04])
    return [Ball(skeleton.joints[f"{side}_hand"] + away, 0.065, _ball_cloth(rng))]


def _low_ball(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a ball somewhere between one hand and the floor."""
    side = "l" if rng.random() < 0.5 else "r"
    drop = np.array([0.0, -rng.uniform(0.04, 0.3), 0.04])
    return [Ball(skeleton.joints[f"{side}_hand"] + drop, 0.065, _ball_cloth(rng))]


def _ball_cloth(rng: Rng) -> Cloth:
    base: Colour = ((60.0, 110.0, 205.0), (225.0, 225.0, 220.0), (80.0, 210.0, 230.0))[int(rng.integers(3))]
    return Cloth(base, (45.0, 40.0, 40.0))


def _barbell(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a bar through both hands with a disc at each end."""
    left, right = skeleton.joints["l_hand"], skeleton.joints["r_hand"]
    out = (left - right) / max(float(np.linalg.norm(left - right)), 1e-6)
    ends = np.array([right - 0.16 * out, left + 0.16 * out])
    grey, disc = (float(rng.uniform(90, 180)),) * 3, sample_colour(rng, 20.0, 120.0)
    size = float(rng.uniform(0.04, 0.11))
    discs = [Line(_ring(np.zeros(3), size, np.eye(3)) + end, 0.03, disc, True) for end in ends]
    return [Line(ends, 0.012, grey), *discs]


def _backpack(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a pack on the back."""
    chest, thorax = skeleton.chest, skeleton.joints["thorax"]
    width, deep, low = rng.uniform(0.07, 0.1), rng.uniform(0.14, 0.2), rng.uniform(-0.28, -0.2)
    corners = [(x, y, z) for x in (-width, width) for y in (0.03, low) for z in (-0.05, -deep)]
    axis = np.array([[0.0, 0.03, -0.1], [0.0, low, -0.1]]) @ chest.T + thorax
    colour = sample_colour(rng)
    return [Pack(np.array(corners) @ chest.T + thorax, axis, Cloth(colour, sample_colour(rng), "plain"))]


def _bag(skeleton: Skeleton, frame: Floats, rng: Rng) -> list[Prop]:
    """Return a bag that hangs from one hand."""
    hand = skeleton.joints["l_hand" if rng.random() < 0.5 else "r_hand"]
    corners = np.array([(x, y, z) for x in (-0.02, 0.02) for y in (-0.04, -0.2) for z in (-0.07, 0.07)])
    axis = hand + np.array([[0.0, -0.04, 0.0], [0.0, -0.2, 0.0]])
    return [Pack(hand + corners, axis, Cloth(sample_colour(rng), sample_colour(rng), "checks", 5.0))]


_MAKERS = {
    "bicycle": _bicycle,
    "mountain bike": _mountain_bike,
    "skis": _skis,
    "poles": _poles,
    "ball": _ball,
    "low ball": _low_ball,
    "barbell": _barbell,
    "backpack": _backpack,
    "bag": _bag,
}
