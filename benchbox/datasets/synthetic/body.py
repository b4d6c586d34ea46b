"""A jointed body: limb lengths, joint angles, forward kinematics and the camera.

Body space is (left, up, forward) in units of the body's height with the pelvis at the origin; camera space is (right,
up, towards the camera); the image is (x, y) in pixels, y down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDES = (("l", 1.0), ("r", -1.0))
PERSPECTIVE = 0.10  # growth of a part per body height towards the camera

# Where the face's points sit on a head of radius one, (left, up, forward); the nose stands out a little.
FACE = {
    "nose": (0.0, -0.16, 1.06),
    "l_eye": (0.34, 0.10, 0.90),
    "r_eye": (-0.34, 0.10, 0.90),
    "l_ear": (1.0, 0.0, -0.05),
    "r_ear": (-1.0, 0.0, -0.05),
}


@dataclass(frozen=True)
class Limb:
    """Angles of an arm or a leg in degrees.

    Forward, sideways, turned outwards (leg) or inwards (arm), elbow or knee, ankle.
    """

    flex: float = 0.0
    abduct: float = 0.0
    twist: float = 0.0
    bend: float = 0.0
    ankle: float = 0.0


@dataclass
class Pose:
    """Joint angles in degrees; limbs are (left, right).

    `pitch` and `roll` turn the whole body forward and to its left; `bend`, `side`, `turn` the chest on the pelvis;
    `nod`, `tilt`, `look` the head on the chest. `reach` maps "l_wrist", "r_wrist", "l_ankle" or "r_ankle" to a point in
    body space that the limb is bent to touch; that limb's angles, the ankle's apart, are then without effect.
    """

    arms: tuple[Limb, Limb] = (Limb(), Limb())
    legs: tuple[Limb, Limb] = (Limb(), Limb())
    pitch: float = 0.0
    roll: float = 0.0
    bend: float = 0.0
    side: float = 0.0
    turn: float = 0.0
    nod: float = 0.0
    tilt: float = 0.0
    look: float = 0.0
    reach: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """Lengths of one person in body heights; `girth` multiplies every thickness."""

    spine: float
    neck: float
    head: float
    shoulder: float
    hip: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    foot: float
    girth: float


@dataclass(frozen=True)
class Skeleton:
    """Joints in body space by name, (3,) each; frames of pelvis, chest and head, (3, 3), axes in columns."""

    joints: dict[str, Floats]
    pelvis: Floats
    chest: Floats
    head: Floats
    build: Build


@dataclass(frozen=True)
class Camera:
    """A weak-perspective camera: rotation (3, 3), pixels per body height and the pelvis' place (x, y) in the image."""

    rotation: Floats
    scale: float
    place: tuple[float, float]

    def project(self, points: Floats) -> Floats:
        """Return x, y in pixels and depth towards the camera in body heights, (N, 3), of body-space points (N, 3)."""
        seen = points @ self.rotation.T
        size = self.scale * (1.0 + PERSPECTIVE * seen[:, 2])
        seen[:, 0] = self.place[0] + size * seen[:, 0]
        seen[:, 1] = self.place[1] - size * seen[:, 1]
        return seen


def sample_build(rng: np.random.Generator) -> Build:
    """Draw a person's proportions around those of an adult, with a head a little larger than life."""
    jitter = rng.uniform(0.95, 1.05, 10)
    means = (0.275, 0.055, 0.205, 0.112, 0.06, 0.155, 0.135, 0.215, 0.205, 0.105)
    lengths = [float(mean * factor) for mean, factor in zip(means, jitter, strict=True)]
    lengths.append(float(rng.uniform(1.1, 1.45)))
    return Build(*lengths)


def rotate_x(degrees: float) -> Floats:
    """Return the rotation that tips up towards forward, (3, 3)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotate_y(degrees: float) -> Floats:
    """Return the rotation that turns forward towards left, (3, 3)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotate_z(degrees: float) -> Floats:
    """Return the rotation that tips left towards up, (3, 3)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def camera_rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Return the rotation from body to camera space, (3, 3); degrees; at yaw 0 the body faces the camera."""
    return rotate_z(roll) @ rotate_x(pitch) @ rotate_y(yaw)


def _bend_to(root: Floats, target: Floats, upper: float, lower: float, pole: Floats) -> tuple[Floats, Floats]:
    """Return middle joint and end, (3,) each, of a two-bone limb that reaches for `target`, bent towards `pole`."""
    line = target - root
    distance = float(np.linalg.norm(line))
    along = line / max(distance, 1e-9)
    distance = float(np.clip(distance, abs(upper - lower) + 0.01, 0.995 * (upper + lower)))
    foot = (upper**2 - lower**2 + distance**2) / (2 * distance)
    out = pole - along * float(pole @ along)
    out = out / max(float(np.linalg.norm(out)), 1e-9)
    middle = root + along * foot + out * np.sqrt(max(upper**2 - foot**2, 0.0))
    return middle, root + along * distance


def _arm(joints: dict[str, Floats], side: str, sign: float, pose: Pose, chest: Floats, build: Build) -> None:
    """Add elbow, wrist and the hand's end of one arm to `joints`."""
    shoulder = joints[f"{side}_shoulder"]
    target = pose.reach.get(f"{side}_wrist")
    if target is not None:
        pole = np.array([0.55 * sign, -0.7, -0.35])
        elbow, wrist = _bend_to(shoulder, target, build.upper_arm, build.forearm, pole)
        hand = (wrist - elbow) / build.forearm
    else:
        limb = pose.arms[0] if side == "l" else pose.arms[1]
        turn = chest @ rotate_z(sign * limb.abduct) @ rotate_x(-limb.flex) @ rotate_y(-sign * limb.twist)
        elbow = shoulder - turn[:, 1] * build.upper_arm
        hand = turn @ rotate_x(-limb.bend) @ np.array([0.0, -1.0, 0.0])
        wrist = elbow + hand * build.forearm
    joints[f"{side}_elbow"], joints[f"{side}_wrist"] = elbow, wrist
    joints[f"{side}_hand"] = wrist + 0.05 * hand


def _leg(joints: dict[str, Floats], side: str, sign: float, pose: Pose, pelvis: Floats, build: Build) -> None:
    """Add knee, ankle and toe of one leg to `joints`."""
    hip = joints[f"{side}_hip"]
    limb = pose.legs[0] if side == "l" else pose.legs[1]
    target = pose.reach.get(f"{side}_ankle")
    if target is not None:
        knee, ankle = _bend_to(hip, target, build.thigh, build.shin, np.array([0.25 * sign, 0.3, 1.0]))
        toe = rotate_x(-limb.ankle) @ np.array([0.12 * sign, 0.0, 1.0])
    else:
        turn = pelvis @ rotate_z(sign * limb.abduct) @ rotate_x(-limb.flex) @ rotate_y(sign * limb.twist)
        knee = hip - turn[:, 1] * build.thigh
        lower = turn @ rotate_x(limb.bend)
        ankle = knee - lower[:, 1] * build.shin
        toe = lower @ rotate_x(-limb.ankle) @ np.array([0.12 * sign, -0.12, 1.0])
    joints[f"{side}_knee"], joints[f"{side}_ankle"] = knee, ankle
    joints[f"{side}_toe"] = ankle + build.foot * toe


def pose_body(pose: Pose, build: Build) -> Skeleton:
    """Return the joints of a body in the given pose, the face included."""
    pelvis = rotate_x(pose.pitch) @ rotate_z(pose.roll)
    # A bent back tips the pelvis too.
    tipped = pelvis @ rotate_x(0.35 * pose.bend)
    chest = pelvis @ rotate_y(pose.turn) @ rotate_x(pose.bend) @ rotate_z(pose.side)
    head = chest @ rotate_y(pose.look) @ rotate_x(pose.nod) @ rotate_z(pose.tilt)
    waist = tipped[:, 1] * (0.36 * build.spine)
    thorax = waist + chest[:, 1] * (0.64 * build.spine)
    neck = thorax + (0.7 * chest[:, 1] + 0.3 * head[:, 1]) * build.neck + 0.01 * chest[:, 2]
    joints = {"pelvis": np.zeros(3), "waist": waist, "thorax": thorax, "neck": neck}
    joints["head_top"] = neck + head[:, 1] * build.head + 0.006 * head[:, 2]
    joints["skull"] = neck + head[:, 1] * (0.5 * build.head) + 0.012 * head[:, 2]
    radii = head_radii(build)
    for name, spot in FACE.items():
        joints[name] = joints["skull"] + head @ (np.array(spot) * radii)
    for side, sign in SIDES:
        joints[f"{side}_shoulder"] = thorax + chest @ np.array([sign * build.shoulder, -0.022, 0.0])
        joints[f"{side}_hip"] = tipped @ np.array([sign * build.hip, 0.0, 0.0])
        _arm(joints, side, sign, pose, chest, build)
        _leg(joints, side, sign, pose, pelvis, build)
    return Skeleton(joints, tipped, chest, head, build)


def head_radii(build: Build) -> Floats:
    """Return the head's half axes (left, up, forward), (3,), in body heights."""
    return 0.5 * build.head * np.array([0.8, 1.0, 0.88])
