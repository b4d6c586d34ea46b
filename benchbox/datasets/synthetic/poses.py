"""How each activity bends a body and what it holds: a function each, with its own spread of joint angles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbox.datasets.synthetic.body import Floats, Limb, Pose, rotate_x, rotate_z

Rng = np.random.Generator

# The bicycle in body space (left, up, forward), in body heights from the rider's pelvis.
CRANK = np.array([0.0, -0.305, 0.08])
CRANK_LENGTH = 0.08
HANDLEBAR = np.array([0.0, 0.0, 0.325])


@dataclass
class Action:
    """A pose, the props that go with it, and whether it shows only from the side."""

    pose: Pose
    props: tuple[str, ...] = ()
    side_on: bool = False


def _u(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _hanging_arm(rng: Rng) -> Limb:
    return Limb(_u(rng, -15, 20), _u(rng, 2, 22), _u(rng, 0, 30), _u(rng, 3, 35))


def _free_arm(rng: Rng) -> Limb:
    return Limb(_u(rng, -25, 60), _u(rng, 20, 135), _u(rng, -25, 40), _u(rng, 0, 85))


def _raised_arm(rng: Rng) -> Limb:
    return Limb(_u(rng, 10, 60), _u(rng, 125, 172), _u(rng, -20, 20), _u(rng, 0, 60))


def _resting_arm(rng: Rng) -> Limb:
    """Return an arm at rest: hanging, on the hip, across the chest, holding something up, or waving."""
    kind = rng.choice(5, p=(0.45, 0.22, 0.1, 0.13, 0.1))
    if kind == 0:
        return _hanging_arm(rng)
    if kind == 1:
        return Limb(_u(rng, -25, -5), _u(rng, 38, 55), _u(rng, 70, 95), _u(rng, 80, 105))
    if kind == 2:
        return Limb(_u(rng, 15, 35), _u(rng, 5, 18), _u(rng, 55, 80), _u(rng, 85, 110))
    if kind == 3:
        return Limb(_u(rng, 15, 50), _u(rng, 5, 25), _u(rng, 0, 30), _u(rng, 85, 130))
    return _raised_arm(rng)


def _swap(rng: Rng, first: Limb, second: Limb) -> tuple[Limb, Limb]:
    """Give the two limbs to left and right by chance, so that no activity favours a side."""
    return (first, second) if rng.random() < 0.5 else (second, first)


def _head(rng: Rng, pose: Pose, nod: float = 0.0) -> Pose:
    """Add a look around to a pose."""
    pose.nod, pose.tilt, pose.look = nod + _u(rng, -12, 15), _u(rng, -10, 10), float(rng.normal(0, 12))
    return pose


def standing(rng: Rng) -> Action:
    """Stand with the weight on both legs or on one; arms at rest, alike or not."""
    arms = (_resting_arm(rng), _resting_arm(rng))
    if rng.random() < 0.45:
        arms = (arms[0], arms[0])
    spread, lean = _u(rng, 0, 14), _u(rng, -5, 5)
    legs = _swap(
        rng,
        Limb(_u(rng, -4, 4), spread + lean, _u(rng, 0, 20), _u(rng, 0, 6)),
        Limb(_u(rng, 0, 18), spread - lean, _u(rng, 0, 25), _u(rng, 0, 28)),
    )
    pose = Pose(arms, legs, roll=_u(rng, -3, 3), bend=_u(rng, -4, 10), side=_u(rng, -7, 7), turn=_u(rng, -12, 12))
    return Action(_head(rng, pose), ("bag",) if rng.random() < 0.2 else ())


def walking(rng: Rng) -> Action:
    """Walk: legs and arms swing in opposition; some with a pack or with poles."""
    phase, stride, swing = _u(rng, 0, 2 * np.pi), _u(rng, 16, 32), _u(rng, 10, 38)
    legs, arms = [], []
    for sign in (1.0, -1.0):
        beat, lift = sign * np.sin(phase), max(0.0, sign * np.cos(phase))
        legs.append(Limb(stride * beat + 12 * lift, _u(rng, 0, 5), _u(rng, 0, 12), 4 + 50 * lift + 8 * max(-beat, 0)))
        arms.append(Limb(-swing * beat + _u(rng, -5, 5), _u(rng, 3, 16), _u(rng, 5, 30), _u(rng, 8, 45)))
    kind, props = rng.choice(4, p=(0.5, 0.25, 0.15, 0.1)), ()
    if kind == 2:
        arms = [Limb(a.flex + 20, a.abduct + 8, a.twist, a.bend + 35) for a in arms]
    if kind == 3:
        arms[int(rng.integers(2))] = _resting_arm(rng)
    pose = Pose(
        (arms[0], arms[1]), (legs[0], legs[1]), bend=_u(rng, -2, 14), side=_u(rng, -4, 4), turn=_u(rng, -10, 10)
    )
    return Action(_head(rng, pose), (props, ("backpack",), ("poles",), ("bag",))[kind])


def dancing(rng: Rng) -> Action:
    """Dance: free arms, often one leg raised, a turned and tilted body."""
    arms = (_free_arm(rng), _free_arm(rng)) if rng.random() < 0.6 else (_raised_arm(rng), _free_arm(rng))
    stand = Limb(_u(rng, -12, 20), _u(rng, -2, 18), _u(rng, 5, 40), _u(rng, 0, 35))
    if rng.random() < 0.4:
        other = Limb(_u(rng, -35, 80), _u(rng, 5, 60), _u(rng, 0, 45), _u(rng, 0, 110))
    else:
        other = Limb(_u(rng, -20, 30), _u(rng, 5, 35), _u(rng, 5, 45), _u(rng, 0, 50))
    pose = Pose(
        _swap(rng, *arms), _swap(rng, stand, other),
        pitch=_u(rng, -6, 10), roll=_u(rng, -12, 12), bend=_u(rng, -14, 22), side=_u(rng, -20, 20),
        turn=_u(rng, -30, 30),
    )  # fmt: skip
    return Action(_head(rng, pose))


def skiing(rng: Rng) -> Action:
    """Ski downhill in a crouch, or across country with a long stride; always skis and poles."""
    if rng.random() < 0.7:
        fold, lean = _u(rng, 20, 75), _u(rng, -14, 14)
        legs = [
            Limb(fold + _u(rng, -6, 6), lean * s + _u(rng, 0, 8), 0, fold * 1.25 + _u(rng, -8, 8), 0.25 * fold)
            for s in (1, -1)
        ]
        arms = [Limb(_u(rng, 15, 60), _u(rng, 10, 45), _u(rng, 0, 35), _u(rng, 30, 95)) for _ in range(2)]
        pose = Pose(
            (arms[0], arms[1]), (legs[0], legs[1]), roll=lean, bend=_u(rng, 12, 30 + 0.4 * fold), side=-0.6 * lean
        )
        return Action(_head(rng, pose, -0.5 * pose.bend), ("skis", "poles"))
    stride = _u(rng, 15, 38)
    steps = _swap(rng, Limb(stride, 3, 5, _u(rng, 20, 45), 8), Limb(-stride, 3, 5, _u(rng, 5, 30), -10))
    ahead, behind = Limb(_u(rng, 45, 80), 8, 10, _u(rng, 20, 60)), Limb(_u(rng, -40, -5), 10, 10, _u(rng, 5, 30))
    swings = (ahead, behind) if steps[0].flex < 0 else (behind, ahead)
    pose = Pose(swings, steps, bend=_u(rng, 10, 40), turn=_u(rng, -10, 10))
    return Action(_head(rng, pose, -0.4 * pose.bend), ("skis", "poles"))


def exercising(rng: Rng) -> Action:
    """Exercise: squat, lunge, jumping jack, push-up, weights overhead, stretch to the side or stand on one leg."""
    kind = int(rng.integers(7))
    props: tuple[str, ...] = ()
    nod = 0.0
    if kind == 0:
        deep, arm = _u(rng, 35, 100), Limb(_u(rng, 60, 100), _u(rng, 0, 20), 0, _u(rng, 0, 30))
        leg = Limb(deep, _u(rng, 5, 25), _u(rng, 5, 25), deep * 1.1, 0.2 * deep)
        pose, nod = Pose((arm, arm), (leg, leg), bend=_u(rng, 10, 40)), -15.0
    elif kind == 1:
        legs = _swap(rng, Limb(_u(rng, 50, 90), 3, 0, _u(rng, 60, 100)), Limb(_u(rng, -30, -5), 3, 0, _u(rng, 30, 85)))
        pose = Pose((_resting_arm(rng), _resting_arm(rng)), legs, bend=_u(rng, -5, 20))
    elif kind == 2:
        arm, leg = (
            Limb(_u(rng, -10, 20), _u(rng, 60, 168), 0, _u(rng, 0, 35)),
            Limb(0, _u(rng, 12, 32), 10, _u(rng, 0, 15)),
        )
        pose = Pose((arm, arm), (leg, leg))
    elif kind == 3:
        arm, leg = (
            Limb(_u(rng, 75, 105), _u(rng, 5, 22), 0, _u(rng, 0, 70)),
            Limb(_u(rng, -8, 8), _u(rng, 0, 6), 0, _u(rng, 0, 8), 10),
        )
        pose = Pose((arm, arm), (leg, leg), pitch=_u(rng, 62, 88), bend=_u(rng, -8, 6))
        return Action(_head(rng, pose, -30), side_on=True)
    elif kind == 4:
        arm, deep = Limb(_u(rng, 10, 30), _u(rng, 110, 165), 0, _u(rng, 5, 70)), _u(rng, 0, 45)
        leg = Limb(deep, _u(rng, 4, 18), 10, deep * 1.1)
        pose, props = Pose((arm, arm), (leg, leg), bend=_u(rng, -6, 12)), ("barbell",)
    elif kind == 5:
        leg, side = Limb(0, _u(rng, 10, 30), 12, _u(rng, 0, 8)), _u(rng, 10, 38)
        pose = Pose((_resting_arm(rng), _raised_arm(rng)), (leg, leg), side=side)
        if rng.random() < 0.5:
            pose = Pose((_raised_arm(rng), _resting_arm(rng)), (leg, leg), side=-side)
    else:
        legs = _swap(rng, Limb(0, 0, 5, 3), Limb(_u(rng, 20, 95), _u(rng, 5, 50), _u(rng, 0, 60), _u(rng, 40, 130)))
        arm = _raised_arm(rng) if rng.random() < 0.5 else Limb(_u(rng, 0, 90), _u(rng, 20, 95), 0, _u(rng, 0, 40))
        pose = Pose((arm, arm), legs)
    return Action(_head(rng, pose, nod), props)


def _ride(rng: Rng, bend: tuple[float, float], rise: float, bar: float) -> Pose:
    """Sit on the bicycle of this module with hands on the bar and feet on the pedals."""
    pose = Pose(bend=_u(rng, *bend), side=_u(rng, -5, 5), turn=_u(rng, -5, 5))
    angle, wide = _u(rng, 0, 2 * np.pi), _u(rng, 0.07, 0.14)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        pedal = CRANK + CRANK_LENGTH * sign * np.array([0.0, np.sin(angle), np.cos(angle)])
        pose.reach[f"{side}_ankle"] = pedal + np.array([0.06 * sign, 0.045 - rise, -0.03])
        pose.reach[f"{side}_wrist"] = HANDLEBAR + np.array([wide * sign, bar - rise, _u(rng, -0.03, 0.01)])
    pose.legs = (Limb(ankle=_u(rng, -25, 5)), Limb(ankle=_u(rng, -25, 5)))
    return _head(rng, pose, -0.6 * pose.bend)


def bicycling(rng: Rng) -> Action:
    """Ride on the road, upright or low over the bar."""
    return Action(_ride(rng, (12, 58), 0.0, _u(rng, -0.02, 0.05)), ("bicycle",))


def mountain_biking(rng: Rng) -> Action:
    """Ride off the road: out of the saddle, knees and elbows bent, the bicycle tipped."""
    pose = _ride(rng, (28, 68), _u(rng, 0.0, 0.07), 0.04)
    pose.pitch, pose.roll = _u(rng, -22, 22), _u(rng, -10, 10)
    turn = _tip(pose)
    pose.reach = {name: turn @ point for name, point in pose.reach.items()}
    return Action(pose, ("mountain bike",))


def _tip(pose: Pose) -> Floats:
    """Return the rotation (3, 3) that tips rider and bicycle together."""
    return rotate_x(pose.pitch) @ rotate_z(pose.roll)


def volleyball(rng: Rng) -> Action:
    """Dig low with straight arms, set overhead with both hands, serve or smash with one arm, or wait crouched."""
    kind = int(rng.integers(4))
    props: tuple[str, ...] = ("ball",)
    fold = _u(rng, 20, 75)
    crouch = tuple(
        Limb(fold + _u(rng, -10, 10), _u(rng, 4, 25), _u(rng, 0, 20), fold * 1.2, 0.2 * fold) for _ in range(2)
    )
    if kind == 0:
        flex, inward = _u(rng, 35, 85), _u(rng, -20, -10)
        pose = Pose((Limb(flex, inward, 0, _u(rng, 0, 10)),) * 2, (crouch[0], crouch[1]), bend=_u(rng, 10, 45))
        nod = -0.5 * pose.bend
    elif kind == 1:
        arm = Limb(_u(rng, 120, 165), _u(rng, -5, 20), _u(rng, -10, 20), _u(rng, 25, 75))
        pose, nod = Pose((arm, arm), _swap(rng, Limb(5, 6, 5, 10), Limb(_u(rng, 0, 25), 6, 5, _u(rng, 5, 40)))), -22.0
    elif kind == 2:
        trail = tuple(Limb(_u(rng, -25, 20), _u(rng, 0, 20), 0, _u(rng, 10, 85), -15) for _ in range(2))
        arms = _swap(rng, Limb(_u(rng, 5, 40), _u(rng, 135, 172), 0, _u(rng, 0, 60)), _free_arm(rng))
        turn, nod = _u(rng, -25, 25), -15.0
        pose = Pose(arms, (trail[0], trail[1]), bend=_u(rng, -18, 15), side=_u(rng, -14, 14), turn=turn)
    else:
        ready = Limb(_u(rng, 20, 60), _u(rng, 10, 35), 10, _u(rng, 40, 90))
        arms = (_free_arm(rng), _free_arm(rng)) if rng.random() < 0.4 else (ready, ready)
        pose, nod, props = Pose(arms, (crouch[0], crouch[1]), bend=_u(rng, 5, 35)), -8.0, ()
    return Action(_head(rng, pose, nod), props)


def basketball(rng: Rng) -> Action:
    """Dribble, shoot, jump to the basket with one knee up, or defend with arms apart."""
    kind = int(rng.integers(4))
    props: tuple[str, ...] = ("ball",)
    fold = _u(rng, 5, 50)
    if kind == 0:
        legs = _swap(rng, Limb(fold, 6, 8, fold * 1.2), Limb(_u(rng, -20, 10), 8, 8, _u(rng, 10, 60)))
        arms = _swap(
            rng,
            Limb(_u(rng, 10, 50), _u(rng, 5, 35), 10, _u(rng, 30, 80)),
            Limb(_u(rng, -20, 40), _u(rng, 15, 50), 10, _u(rng, 40, 100)),
        )
        pose, nod, props = Pose(arms, legs, bend=_u(rng, 5, 35), turn=_u(rng, -15, 15)), -8.0, ("low ball",)
    elif kind == 1:
        legs = (Limb(fold, 5, 5, fold * 1.1), Limb(fold, 5, 5, fold * 1.1))
        guide = Limb(_u(rng, 110, 150), _u(rng, -5, 10), 0, _u(rng, 40, 85))
        shot = Limb(_u(rng, 125, 165), _u(rng, -5, 12), 0, _u(rng, 5, 70))
        pose, nod = Pose(_swap(rng, guide, shot), legs, bend=_u(rng, -8, 8)), -15.0
    elif kind == 2:
        legs = _swap(
            rng, Limb(_u(rng, 45, 100), 4, 5, _u(rng, 60, 115)), Limb(_u(rng, -30, 0), 4, 5, _u(rng, 0, 45), -25)
        )
        arms = _swap(rng, Limb(_u(rng, 20, 60), _u(rng, 140, 172), 0, _u(rng, 0, 40)), _free_arm(rng))
        pose, nod = Pose(arms, legs, roll=_u(rng, -10, 10), bend=_u(rng, -8, 18), side=_u(rng, -10, 10)), -15.0
    else:
        arm = Limb(_u(rng, 0, 45), _u(rng, 45, 120), 0, _u(rng, 10, 70))
        leg = Limb(fold + 20, _u(rng, 12, 30), 15, (fold + 20) * 1.15, 8)
        pose, nod, props = Pose(_swap(rng, arm, _free_arm(rng)), (leg, leg), bend=_u(rng, 5, 30)), -8.0, ()
    return Action(_head(rng, pose, nod), props)
