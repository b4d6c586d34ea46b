"""What became worse: which joints, categories, sizes and persons, and whether it looks like a known mistake."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from benchbox.gates.sides import Side
from benchbox.gates.signs import CELL, Mean, mean
from benchbox.gates.verdict import Diagnosis, Moved, Worst
from benchbox.metrics.coco_match import AREAS
from benchbox.metrics.conventions import CONVENTIONS
from benchbox.metrics.protocol import Protocol, parse
from benchbox.stats.compare import compare
from benchbox.stats.sample import Sample

KINDS = ("joint", "category", "activity", "size", "visibility")
WORST = 5
ERRORS = 4
"""Standard errors from which an offset or a rate is no chance."""
LEAST_PIXELS = 0.1
LEAST_OF_SPREAD = 0.25
"""Share of the joints' scatter from which an offset costs points."""
LEAST_SWAPPED = 1.0
"""Percent points from which more exchanged joints are worth a word."""


def diagnose(before: Side, now: Side, protocol: str, confidence: float) -> Diagnosis:
    """Tell what differs between two sides of the same persons."""
    groups = (
        _of_joints(before, now, protocol, confidence)
        if parse(protocol).convention
        else _on_record(before, now, protocol)
    )
    moved = tuple(_most(groups))
    worst = tuple(_worst(before, now, protocol))
    signs = [mean([training.signs for training in side.trainings]) for side in (before, now)]
    offset = (signs[1].dx - signs[0].dx, signs[1].dy - signs[0].dy)
    paired = sum(training.signs.paired for training in now.trainings) / len(now.trainings)
    said = [_of_swaps(signs[0], signs[1], paired), _of_offset(offset, signs)]
    said += ["fell most, in points: " + "; ".join(map(str, moved))] if moved else []
    said += ["persons that lost most: " + "; ".join(map(str, worst))] if worst else []
    return Diagnosis(moved, worst, tuple(filter(None, said)), (signs[0].swapped, signs[1].swapped), offset)


def _of_joints(before: Side, now: Side, protocol: str, confidence: float) -> list[Moved]:
    """Compare all groups of a PCKh or PCK score, those by size and visibility among them, on the same persons."""
    found = []
    for group, one, other in _parts(before, now, protocol):
        names = [name for name in one[0].names if (name[1] == "all") == bool(group)]
        sides = [[sample.only(names) for sample in side] for side in (one, other)]
        if not np.nansum(sides[0][0].counted):
            continue
        for (_, name), result in compare(*sides, confidence=confidence).items():
            found.append(Moved(group or name, result.a, result.b, result.low, result.high))
    return found


def _parts(before: Side, now: Side, protocol: str) -> Iterator[tuple[str, list[Sample], list[Sample]]]:
    yield "", before.samples(protocol), now.samples(protocol)
    read = parse(protocol)
    for group, mask in _masks(now):
        sides: list[list[Sample]] = []
        for side in (before, now):
            hits = [np.where(mask, training.hits[protocol], -1) for training in side.trainings]
            sides.append([before.roll.sample(one, read) for one in hits])
        yield group, sides[0], sides[1]


def _masks(now: Side) -> Iterator[tuple[str, np.ndarray]]:
    """Return which joints (N, K) count in the groups by size and by visibility."""
    if now.areas is None or now.hidden is None:
        return
    least, most = AREAS["medium"]
    sizes = {
        "small": now.areas < least,
        "medium": (now.areas >= least) & (now.areas <= most),
        "large": now.areas > most,
    }
    for name, persons in sizes.items():
        yield f"size:{name}", np.broadcast_to(persons[:, None], now.hidden.shape)
    yield "visibility:hidden", now.hidden
    yield "visibility:visible", ~now.hidden


def _on_record(before: Side, now: Side, protocol: str) -> list[Moved]:
    """Compare the AP of joints, categories and sizes as they stand on record; there are no intervals."""
    names = {
        ("AP", group): group for _, metric, group in before.trainings[0].scores if metric == "AP" and group != "all"
    }
    names |= {("APM", "all"): "size:medium", ("APL", "all"): "size:large"}
    found = []
    for (metric, group), shown in names.items():
        values = [
            float(np.mean([training.scores.get((protocol, metric, group), math.nan) for training in side.trainings]))
            for side in (before, now)
        ]
        if not any(map(math.isnan, values)):
            found.append(Moved(shown, *values))
    return found


def _most(groups: Sequence[Moved]) -> Iterator[Moved]:
    """Return of each kind the group that fell most, if any fell."""
    for kind in KINDS:
        of_kind = [one for one in groups if one.group.startswith(f"{kind}:") and one.change < 0]
        if of_kind:
            yield min(of_kind, key=lambda one: one.change)


def _worst(before: Side, now: Side, protocol: str) -> list[Worst]:
    """Return the persons that lost most joints, or OKS."""
    values = [_by_person(side, protocol) for side in (before, now)]
    loss = values[0] - values[1]
    order = np.argsort(-np.where(np.isnan(loss), -math.inf, loss), kind="stable")[:WORST]
    roll = now.roll
    return [
        Worst(str(roll.image[one]), int(roll.person[one]), float(values[0][one]), float(values[1][one]))
        for one in order.tolist()
        if loss[one] > 0
    ]


def _by_person(side: Side, protocol: str) -> np.ndarray:
    """Return (N,) percent of the joints found, or OKS times 100, means over the trainings; NaN where nothing counts."""
    read: Protocol = parse(protocol)
    if not read.convention:
        oks: np.ndarray = 100 * np.mean([training.oks for training in side.trainings], axis=0)
        return oks
    hits = np.delete(
        np.stack([one.hits[protocol] for one in side.trainings]), CONVENTIONS[read.convention].leave_out, axis=2
    )
    counted = (hits[0] >= 0).sum(axis=1)
    right = (hits == 1).sum(axis=2).mean(axis=0)
    share: np.ndarray = 100 * np.divide(right, counted, out=np.full(len(right), np.nan), where=counted > 0)
    return share


def _of_swaps(before: Mean, now: Mean, paired: float) -> str:
    if math.isnan(before.swapped) or math.isnan(now.swapped):
        return ""
    rise, share = now.swapped - before.swapped, max(before.swapped, 100 / max(paired, 1)) / 100
    error = 100 * math.sqrt(2 * share * (1 - share) / max(paired, 1))
    if rise <= max(LEAST_SWAPPED, ERRORS * error):
        return ""
    rates = f"{now.swapped:.1f} % of the joints lie at the mirrored joint's place, {before.swapped:.1f} %"
    return f"left and right look exchanged: {rates} in the reference"


def _of_offset(offset: tuple[float, float], signs: Sequence[Mean]) -> str:
    """Say that all joints moved, where they lie close enough to the truth for that to mean anything."""
    error, spread = math.hypot(*(one.error for one in signs)), max(one.spread for one in signs)
    least = max(LEAST_PIXELS, ERRORS * error, LEAST_OF_SPREAD * spread)
    dx, dy = offset
    # of what is not found to a heatmap cell the median lies anywhere
    if not (spread <= CELL and max(abs(dx), abs(dy)) > least):
        return ""
    cells = f"({dx / CELL:+.2f}, {dy / CELL:+.2f}) heatmap cells"
    return f"all joints moved by ({dx:+.2f}, {dy:+.2f}) pixels of the input, {cells} against the reference"
