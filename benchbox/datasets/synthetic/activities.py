"""The nine activities: their names in MPII's words, the views they are seen from, their poses and their grounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchbox.datasets.synthetic import poses

# Share of persons seen within FRONT_ANGLE degrees of the front, by activity; the others are seen from all around.
# Chosen so that a small network scores between 70 and 85 PCKh@0.5 after some 40,000 samples.
FRONT_ANGLE = 70.0
FRONT_SHARE = {
    "standing": 0.90,
    "walking": 0.90,
    "dancing": 0.90,
    "skiing": 0.90,
    "exercising": 0.90,
    "bicycling": 0.90,
    "mountain biking": 0.90,
    "volleyball": 0.90,
    "basketball": 0.90,
}


@dataclass(frozen=True)
class Activity:
    """One activity: pose function, MPII's category and activity names, and the kinds of ground it is done on."""

    sample: Callable[[np.random.Generator], poses.Action]
    category: str
    labels: tuple[str, ...]
    grounds: tuple[str, ...]


# Source: MPII Human Pose (Andriluka et al., CVPR 2014), the category and activity names of its annotation.
ACTIVITIES = {
    "standing": Activity(
        poses.standing,
        "miscellaneous",
        ("standing, talking in person", "standing, miscellaneous"),
        ("room", "street", "field"),
    ),
    "walking": Activity(poses.walking, "walking", ("walking, general", "backpacking"), ("street", "field", "forest")),
    "dancing": Activity(
        poses.dancing,
        "dancing",
        ("ballet, modern, or jazz", "ballroom", "aerobic, general"),
        ("room", "stage", "street"),
    ),
    "skiing": Activity(
        poses.skiing, "winter activities", ("skiing, downhill", "skiing, cross-country", "skiing, general"), ("snow",)
    ),
    "exercising": Activity(
        poses.exercising,
        "conditioning exercise",
        ("calisthenics", "resistance training", "yoga, Power"),
        ("room", "field"),
    ),
    "bicycling": Activity(
        poses.bicycling, "bicycling", ("bicycling, racing and road", "bicycling, general"), ("street", "field")
    ),
    "mountain biking": Activity(poses.mountain_biking, "bicycling", ("bicycling, mountain",), ("forest", "field")),
    "volleyball": Activity(
        poses.volleyball, "sports", ("volleyball, indoor", "volleyball, beach, in sand"), ("court", "sand")
    ),
    "basketball": Activity(
        poses.basketball, "sports", ("basketball", "basketball, game (Taylor Code 490)"), ("court", "street")
    ),
}
NAMES = tuple(ACTIVITIES)


def sample_yaw(rng: np.random.Generator, activity: str, side_on: bool) -> float:
    """Draw the angle in degrees between the body and the camera; 0 faces it, positive turns to the body's left.

    Args:
        activity: one of `NAMES`.
        side_on: the pose shows only from the side, as a push-up does.
    """
    side = 1.0 if rng.random() < 0.5 else -1.0
    if rng.random() >= FRONT_SHARE[activity]:
        return side * float(rng.uniform(FRONT_ANGLE, 180.0))
    if side_on:
        return side * float(rng.uniform(0.6 * FRONT_ANGLE, 1.2 * FRONT_ANGLE))
    return side * float(rng.triangular(0.0, 0.0, FRONT_ANGLE))
