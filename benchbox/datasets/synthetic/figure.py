"""Paint one person: parts sorted from back to front, then which joints can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchbox.datasets.synthetic.body import FACE, SIDES, Camera, Floats, Skeleton
from benchbox.datasets.synthetic.draw import COVER, Canvas, Cloth, ball, dot, hull, stroke, tube
from benchbox.datasets.synthetic.head import draw_head
from benchbox.datasets.synthetic.outfit import Outfit
from benchbox.datasets.synthetic.props import Ball, Line, Prop

# Limb parts: the two joints that each spans and its radius in body heights at either end.
LIMBS = (
    ("upper_arm", "shoulder", "elbow", 0.037, 0.029),
    ("forearm", "elbow", "wrist", 0.028, 0.022),
    ("hand", "wrist", "hand", 0.027, 0.025),
    ("thigh", "hip", "knee", 0.054, 0.038),
    ("shin", "knee", "ankle", 0.037, 0.025),
    ("shoe", "ankle", "toe", 0.030, 0.023),
)
CENTRAL = ("chest", "pelvis", "neck", "head", "hair", "skirt")
PARTS = CENTRAL + tuple(f"{side}_{limb[0]}" for side, _ in SIDES for limb in LIMBS)
PART_NUMBER = {name: number for number, name in enumerate(PARTS)}
NUMBERS_PER_PERSON = 32
CIRCLE = np.array([(np.sin(a), np.cos(a)) for a in np.linspace(0.0, 2.0 * np.pi, 10, endpoint=False)])

# Parts on which a joint can be seen; {} is its own side.
SHOWN_ON = {
    "shoulder": ("chest", "{}_upper_arm"),
    "elbow": ("{}_upper_arm", "{}_forearm"),
    "wrist": ("{}_forearm", "{}_hand"),
    "hip": ("chest", "pelvis", "skirt", "{}_thigh"),
    "knee": ("{}_thigh", "{}_shin", "skirt"),
    "ankle": ("{}_shin", "{}_shoe"),
    "neck": ("neck", "head", "chest", "hair"),
    "head_top": ("head", "hair"),
    "thorax": ("chest", "neck", "hair"),
    "pelvis": ("chest", "pelvis", "skirt"),
}
# Depth behind the body's middle, in body heights, at which the trunk itself hides a shoulder or a hip.
HIDDEN_BEHIND = {"shoulder": 0.065, "hip": 0.04}

Step = tuple[float, Callable[[], None]]


@dataclass(frozen=True)
class Figure:
    """One person ready to be painted; `number` is 0 for the first person of an image."""

    skeleton: Skeleton
    camera: Camera
    outfit: Outfit
    props: list[Prop]
    number: int

    def owner(self, part: str) -> int:
        """Return the value that marks a part of this person in `Canvas.owner`."""
        return 1 + self.number * NUMBERS_PER_PERSON + PART_NUMBER[part]


def paint(canvas: Canvas, figure: Figure) -> None:
    """Paint a person and what goes with it, the farthest part first."""
    names = list(figure.skeleton.joints)
    seen = dict(zip(names, figure.camera.project(np.array([figure.skeleton.joints[n] for n in names])), strict=True))
    steps = (
        _trunk(canvas, figure, seen) + _limbs(canvas, figure, seen) + [_prop(canvas, figure, p) for p in figure.props]
    )
    for _, draw in sorted(steps, key=lambda step: step[0]):
        draw()


def _limbs(canvas: Canvas, figure: Figure, seen: dict[str, Floats]) -> list[Step]:
    """Return the drawing of arms and legs, hands and feet with their depths."""
    size = figure.camera.scale * figure.skeleton.build.girth
    steps: list[Step] = []
    for side, _ in SIDES:
        for part, start, end, r0, r1 in LIMBS:
            a, b = seen[f"{side}_{start}"], seen[f"{side}_{end}"]
            cloth, owner = figure.outfit.limb(part), figure.owner(f"{side}_{part}")

            def draw(
                a: Floats = a,
                b: Floats = b,
                r: tuple[float, float] = (r0 * size, r1 * size),
                c: Cloth = cloth,
                o: int = owner,
            ) -> None:
                tube(canvas, a[:2], b[:2], r, c, o)

            steps.append((float(a[2] + b[2]) / 2, draw))
    return steps


def _ring(centre: Floats, frame: Floats, wide: float, deep: float) -> Floats:
    """Return ten points of a horizontal slice of the trunk, (10, 3) in body space."""
    ring: np.ndarray = centre + CIRCLE @ np.array([wide * frame[:, 0], deep * frame[:, 2]])
    return ring


def _trunk(canvas: Canvas, figure: Figure, seen: dict[str, Floats]) -> list[Step]:
    """Return the drawing of pelvis, chest with its front or back, neck, hair and head, with their depths."""
    skeleton, outfit, camera = figure.skeleton, figure.outfit, figure.camera
    joints, build = skeleton.joints, skeleton.build
    girth, chest, hips = build.girth, skeleton.chest, skeleton.pelvis
    shoulders = joints["thorax"] - 0.02 * chest[:, 1]
    ribs = shoulders - 0.08 * chest[:, 1]
    waist = _ring(joints["waist"], chest, 0.078 * girth, 0.058 * girth)
    low = joints["pelvis"] - 0.035 * hips[:, 1]
    upper = np.concatenate([
        _ring(shoulders, chest, build.shoulder + 0.015, 0.045 * girth),
        _ring(ribs, chest, 0.095 * girth, 0.072 * girth),
        waist,
        _ring(joints["pelvis"] + 0.035 * hips[:, 1], hips, 0.082 * girth, 0.06 * girth),
    ])  # fmt: skip
    lower = np.concatenate([waist, _ring(low, hips, build.hip + 0.034 * girth, 0.062 * girth)])
    size = camera.scale * girth

    def flat(points: Floats) -> Floats:
        return camera.project(points)[:, :2]

    def draw_chest() -> None:
        hull(canvas, flat(upper), (seen["thorax"][:2], seen["pelvis"][:2]), outfit.top, figure.owner("chest"))
        _chest_detail(canvas, figure)

    def draw_pelvis() -> None:
        hull(canvas, flat(lower), (seen["waist"][:2], seen["pelvis"][:2] + 0.01), outfit.bottom, figure.owner("pelvis"))

    def draw_neck() -> None:
        skin = Cloth(outfit.head.skin, outfit.head.skin)
        tube(canvas, seen["thorax"][:2], seen["neck"][:2], (0.034 * size, 0.031 * size), skin, figure.owner("neck"))

    def draw_head_() -> None:
        draw_head(canvas, skeleton, camera, outfit.head, figure.owner("head"))

    # Ties go to the limbs, which hang at the trunk's sides.
    depth = float(seen["waist"][2] + seen["thorax"][2]) / 2 - 0.015
    steps: list[Step] = [
        (float(seen["pelvis"][2]) - 0.02, draw_pelvis),
        (depth, draw_chest),
        (min(depth + 0.001, float(seen["neck"][2])), draw_neck),
        (float(seen["skull"][2]), draw_head_),
    ]
    if outfit.long_hair:
        steps.append(_long_hair(canvas, figure))
    if outfit.skirt:
        steps.append(_skirt(canvas, figure, lower, seen))
    return steps


def _long_hair(canvas: Canvas, figure: Figure) -> Step:
    """Return the drawing of hair that falls from the back of the head to between the shoulders."""
    joints, head, build = figure.skeleton.joints, figure.skeleton.head, figure.skeleton.build
    top = joints["skull"] - 0.32 * build.head * head[:, 2]
    end = 0.6 * joints["thorax"] + 0.4 * joints["waist"] - 0.07 * figure.skeleton.chest[:, 2]
    a, b = figure.camera.project(np.array([top, 0.45 * end + 0.55 * top]))
    size = figure.camera.scale
    cloth = Cloth(figure.outfit.head.hair, figure.outfit.head.hair)

    def draw() -> None:
        tube(canvas, a[:2], b[:2], (0.055 * size, 0.045 * size), cloth, figure.owner("hair"))

    return float(a[2] + b[2]) / 2, draw


def _skirt(canvas: Canvas, figure: Figure, lower: Floats, seen: dict[str, Floats]) -> Step:
    """Return the drawing of a skirt from the hips to above the knees."""
    joints = figure.skeleton.joints
    hem = [0.25 * joints[f"{side}_hip"] + 0.75 * joints[f"{side}_knee"] for side, _ in SIDES]
    rings = [_ring(point, figure.skeleton.pelvis, 0.06, 0.06) for point in hem]
    points = figure.camera.project(np.concatenate([lower, *rings]))
    middle = figure.camera.project(np.mean(hem, axis=0)[None])[0]

    def draw() -> None:
        hull(
            canvas, points[:, :2], (seen["pelvis"][:2], middle[:2] + 0.01), figure.outfit.bottom, figure.owner("skirt")
        )

    return max(float(seen[f"{side}_{j}"][2]) for side, _ in SIDES for j in ("hip", "knee")), draw


def _chest_detail(canvas: Canvas, figure: Figure) -> None:
    """Draw what tells the chest (buttons, zip, logo, collar, number) or the back (hood, label), whichever shows."""
    skeleton, camera, outfit = figure.skeleton, figure.camera, figure.outfit
    chest, owner = skeleton.chest, figure.owner("chest")
    towards = float(camera.rotation[2] @ chest[:, 2])
    # A place on the trunk: shoulder widths to the left, lengths of the chest down, thicknesses to the front.
    unit = np.array([skeleton.build.shoulder, -0.64 * skeleton.build.spine, 0.07 * skeleton.build.girth])

    def spots(*places: tuple[float, float, float]) -> Floats:
        return camera.project(skeleton.joints["thorax"] + (np.array(places) * unit) @ chest.T)[:, :2]

    thick = 0.02 * camera.scale
    if towards < -0.15 and outfit.back != "plain":
        reach = 0.3 if outfit.back == "hood" else 0.16
        stroke(
            canvas, spots((-reach, 0.08, -1.0), (0.0, 0.25, -1.1), (reach, 0.08, -1.0)), 2 * thick, outfit.accent, owner
        )
    if towards < 0.08:
        return
    if outfit.detail != "number":
        stroke(canvas, spots((-0.36, -0.12, 0.5), (0.0, 0.2, 0.95), (0.36, -0.12, 0.5)), thick, outfit.head.skin, owner)
    if outfit.detail == "buttons":
        for button in spots(*((0.0, down, 1.0) for down in (0.35, 0.6, 0.85, 1.1))):
            dot(canvas, button, 0.011 * camera.scale, outfit.accent)
    elif outfit.detail == "zip":
        stroke(canvas, spots((0.0, 0.2, 1.0), (0.0, 1.25, 0.9)), thick, outfit.accent, owner)
    elif outfit.detail == "collar":
        stroke(canvas, spots((-0.4, 0.0, 0.6), (0.0, 0.3, 1.0), (0.4, 0.0, 0.6)), thick, outfit.accent, owner)
    else:
        wide = 0.42 if outfit.detail == "number" else 0.2
        corners = spots((-wide, 0.35, 1.0), (wide, 0.35, 1.0), (wide, 0.75, 1.0), (-wide, 0.75, 1.0))
        hull(canvas, corners, (corners[0], corners[3]), Cloth(outfit.accent, outfit.accent), owner)


def _prop(canvas: Canvas, figure: Figure, prop: Prop) -> Step:
    """Return the drawing of a prop with its depth."""
    camera = figure.camera
    if isinstance(prop, Ball):
        place = camera.project(prop.centre[None])[0]
        return float(place[2]) + prop.radius, lambda: ball(canvas, place[:2], prop.radius * camera.scale, prop.cloth)
    points = camera.project(prop.points)
    depth = float(points[:, 2].mean())
    if isinstance(prop, Line):
        width = prop.width * camera.scale
        return depth, lambda: stroke(canvas, points[:, :2], width, prop.colour, COVER, prop.closed)
    axis = camera.project(prop.axis)[:, :2]
    return depth, lambda: hull(canvas, points[:, :2], (axis[0], axis[1]), prop.cloth, COVER)


def annotate(figure: Figure, owner: NDArray[np.uint8], names: tuple[str, ...]) -> Floats:
    """Return x, y in pixels and 2 (seen), 1 (hidden) or 0 (outside the image; then x = y = 0) of each joint, (K, 3).

    Args:
        figure: the person.
        owner: `Canvas.owner` (H, W) after everything has been painted.
        names: joints by their names in the skeleton.
    """
    points = figure.camera.project(np.array([figure.skeleton.joints[name] for name in names]))
    for name, point in zip(names, points, strict=True):
        point[2] = _visible(figure, owner, name, float(point[0]), float(point[1]))
    points[points[:, 2] == 0] = 0.0
    return points


def _visible(figure: Figure, owner: NDArray[np.uint8], name: str, x: float, y: float) -> int:
    """Return one joint's visibility: whether the pixels around it belong to a part that it lies on."""
    height, width = owner.shape
    column, row = round(x), round(y)
    if not (0 <= column < width and 0 <= row < height):
        return 0
    skeleton, towards = figure.skeleton, figure.camera.rotation[2]
    around = set(owner[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].ravel().tolist())
    if name in FACE:
        turned = float(towards @ skeleton.head @ np.array(FACE[name])) > (-0.3 if "ear" in name else 0.0)
        return 2 if turned and figure.owner("head") in around else 1
    side, _, joint = name.partition("_")
    if side not in ("l", "r"):
        side, joint = "", name
    if joint in HIDDEN_BEHIND:
        middle = "pelvis" if joint == "hip" else "thorax"
        if float(towards @ (skeleton.joints[name] - skeleton.joints[middle])) < -HIDDEN_BEHIND[joint]:
            return 1
    return 2 if any(figure.owner(part.format(side)) in around for part in SHOWN_ON[joint]) else 1
