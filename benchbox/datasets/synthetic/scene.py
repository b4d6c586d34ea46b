"""One image: its people, what is around them, and their annotation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchbox.datasets.synthetic import background
from benchbox.datasets.synthetic.activities import ACTIVITIES, NAMES, sample_yaw
from benchbox.datasets.synthetic.body import (
    Camera,
    Floats,
    camera_rotation,
    head_radii,
    pose_body,
    rotate_x,
    rotate_z,
    sample_build,
)
from benchbox.datasets.synthetic.draw import Canvas
from benchbox.datasets.synthetic.figure import NUMBERS_PER_PERSON, PARTS, Figure, annotate, paint
from benchbox.datasets.synthetic.outfit import sample_outfit
from benchbox.datasets.synthetic.props import make_props

VERSION = 1  # goes into every seed: another number is another data set
SPLITS = {"train": 0, "val": 1}

SIZES = (128, 136, 144, 152, 160)  # height or width of an image in pixels
PERSON = (78.0, 112.0)  # longer side of the main person in pixels
SECOND_SHARE = 0.12  # images with a second person
COVER_SHARE = 0.12  # images with something before the main person
TRUNCATED_SHARE = 0.08  # images whose border cuts the main person
CLOSE_SHARE = 0.03  # images that show a large person from the hips up
LEAST_AREA = 150  # visible pixels below which a second person is not annotated

COCO_JOINTS = (
    "nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist",
    "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle",
)  # fmt: skip
MPII_JOINTS = (
    "r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "thorax", "neck", "head_top",
    "r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """One annotated person; pixels, (x, y), zero-based pixel centres.

    `keypoints_coco` (17, 3) and `keypoints_mpii` (16, 3) hold x, y and 2 seen, 1 hidden, 0 outside the image (then x
    and y are 0). `box` is x, y, width, height of the body without what hides it, `area` the number of pixels seen,
    `head_box` x1, y1, x2, y2 around the head, hidden or not.
    """

    keypoints_coco: Floats
    keypoints_mpii: Floats
    box: tuple[float, float, float, float]
    area: float
    head_box: tuple[float, float, float, float]
    figure: Figure


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3) uint8 BGR, its people and its activity with MPII's category and activity names."""

    image: NDArray[np.uint8]
    people: list[Person]
    activity: str
    category: str
    label: str


def render(split: str, index: int) -> Scene:
    """Return image number `index` (from 0) of a split, the same on every call.

    Args:
        split: "train" or "val".
        index: the image's number; every ninth has the same activity.
    """
    rng = np.random.default_rng([VERSION, SPLITS[split], index])
    activity = NAMES[index % len(NAMES)]
    kind = ACTIVITIES[activity]
    height, width = (SIZES[int(i)] for i in rng.integers(len(SIZES), size=2))
    noise = background.noise_field(rng, height, width)
    horizon = int(height * rng.uniform(0.25, 0.75))
    ground = kind.grounds[int(rng.integers(len(kind.grounds)))]
    image = background.paint_ground(rng, ground, noise, horizon)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    canvas = Canvas(image, np.zeros((height, width), np.uint8), noise, (float(np.cos(angle)), float(np.sin(angle))))
    background.scatter_clutter(rng, canvas, int(rng.integers(0, 3)))
    canvas.image = background.defocus(rng, canvas.image)
    figures = _cast(rng, activity, (height, width))
    boxes = []
    for figure in figures:
        feet = np.array([figure.skeleton.joints[f"{side}_toe"] for side in "lr"])
        background.shadow(canvas, figure.camera.project(feet)[:, :2])
        paint(canvas, figure)
        boxes.append(_extent(canvas.owner, figure.number))
    if rng.random() < COVER_SHARE and boxes[-1][3] > 0:
        background.cover(rng, canvas, boxes[-1])
    people = [_annotate(f, box, canvas.owner) for f, box in zip(figures, boxes, strict=True)]
    kept = [p for p in people if p.area >= LEAST_AREA]
    label = kind.labels[int(rng.integers(len(kind.labels)))]
    return Scene(background.photograph(rng, canvas.image), kept, activity, kind.category, label)


def _cast(rng: np.random.Generator, activity: str, shape: tuple[int, int]) -> list[Figure]:
    """Return the people of an image, those behind first."""
    main = _figure(rng, activity, shape, 0, rng.uniform(*PERSON), _framing(rng))
    if rng.random() >= SECOND_SHARE:
        return [main]
    other = _figure(rng, activity, shape, 1, rng.uniform(0.6, 0.95) * PERSON[1], "beside")
    return [other, main] if rng.random() < 0.75 else [main, other]


def _framing(rng: np.random.Generator) -> str:
    chance = rng.random()
    if chance < CLOSE_SHARE:
        return "close"
    return "cut" if chance < CLOSE_SHARE + TRUNCATED_SHARE else "whole"


def _figure(
    rng: np.random.Generator, activity: str, shape: tuple[int, int], number: int, size: float, framing: str
) -> Figure:
    """Return a person in a pose of the activity, `size` pixels long, placed in the image as `framing` says."""
    action = ACTIVITIES[activity].sample(rng)
    skeleton = pose_body(action.pose, sample_build(rng))
    rotation = camera_rotation(sample_yaw(rng, activity, action.side_on), rng.uniform(-5.0, 14.0), rng.normal(0.0, 4.0))
    joints = np.array(list(skeleton.joints.values()))
    flat = Camera(rotation, 1.0, (0.0, 0.0)).project(joints)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    # A crouched or foreshortened person is drawn larger, but not as large as one that stands.
    scale = min(size / float((high - low).max()), 1.25 * size)
    if framing == "close" and not action.side_on:
        scale *= rng.uniform(1.9, 2.6)
    place = _place(rng, scale * low, scale * high, shape, framing)
    outfit = sample_outfit(rng, activity, scale)
    frame = rotate_x(action.pose.pitch) @ rotate_z(action.pose.roll)
    props = make_props(action.props, skeleton, frame, rng)
    return Figure(skeleton, Camera(rotation, scale, place), outfit, props, number)


def _place(
    rng: np.random.Generator, low: Floats, high: Floats, shape: tuple[int, int], framing: str
) -> tuple[float, float]:
    """Return where the pelvis goes, (x, y), for a body that spans `low` to `high` (x, y in pixels) around it."""
    size = np.array([shape[1], shape[0]], dtype=np.float64)
    margin = 4.0
    free = np.maximum(size - (high - low) - 2 * margin, 0.0)
    corner = margin + free * rng.uniform(0.0, 1.0, 2)
    centred = (size - (high - low)) / 2
    corner = np.where(free > 0.0, corner, centred)
    if framing == "close":
        corner[1] = margin + rng.uniform(0.0, 12.0)
    elif framing == "cut":
        beyond = rng.uniform(0.08, 0.35) * (high - low)
        side = int(rng.choice(4, p=(0.25, 0.25, 0.4, 0.1)))
        corner = (
            np.array([-beyond[0], corner[1]]), np.array([size[0] - (high - low)[0] + beyond[0], corner[1]]),
            np.array([corner[0], size[1] - (high - low)[1] + beyond[1]]), np.array([corner[0], -beyond[1]]),
        )[side]  # fmt: skip
    elif framing == "beside":
        corner[0] = rng.choice((-0.3, 0.65)) * size[0] + rng.uniform(0.0, 0.4) * size[0]
    return float(corner[0] - low[0]), float(corner[1] - low[1])


def _mask(owner: NDArray[np.uint8], number: int) -> NDArray[np.bool_]:
    first = 1 + number * NUMBERS_PER_PERSON
    return (owner >= first) & (owner < first + len(PARTS))


def _extent(owner: NDArray[np.uint8], number: int) -> tuple[float, float, float, float]:
    """Return x, y, width, height of a person's pixels; zeros when it has none."""
    mask = _mask(owner, number)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)


def _annotate(figure: Figure, box: tuple[float, float, float, float], owner: NDArray[np.uint8]) -> Person:
    """Return the annotation of a painted person."""
    camera, skeleton = figure.camera, figure.skeleton
    centre = camera.project(skeleton.joints["skull"][None])[0]
    half = (
        np.sqrt((((camera.rotation @ skeleton.head)[:2] * head_radii(skeleton.build)) ** 2).sum(axis=1)) * camera.scale
    )
    head = (centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1])
    x1, y1, x2, y2 = (float(v) for v in head)
    return Person(
        annotate(figure, owner, COCO_JOINTS), annotate(figure, owner, MPII_JOINTS),
        box, float(np.count_nonzero(_mask(owner, figure.number))), (x1, y1, x2, y2), figure,
    )  # fmt: skip
