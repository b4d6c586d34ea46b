"""Costs of a side: parameters and multiply-adds are exact; memory and latency, of one person, are measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from benchbox.errors import CannotJudge
from benchbox.gates.rule import Gain
from benchbox.gates.sides import Side

UNITS = {"parameters": "parameters", "macs": "multiply-adds", "latency": "ms", "memory": "MiB"}


def values_of(side: Side, metric: str) -> list[float]:
    """Return a cost of a side: one exact number, or a measurement for each training.

    Raises: CannotJudge where it was not measured, or not so that it could be judged.
    """
    if metric == "latency":
        timed = [training.latency for training in side.trainings]
        if any(one is None or not one > 0 for one in timed):
            raise CannotJudge(
                f'latency: arm "{side.arm}" has a job whose device was not exclusive, so it shows the load too; '
                "on a CPU, run with -j 1 and nothing beside it"
            )
        return [1000 * one for one in timed if one is not None]
    if metric == "memory":
        found = [training.memory for training in side.trainings]
        if any(one is None or one <= 0 for one in found):
            raise CannotJudge(f'memory: arm "{side.arm}" has a job without it')
        return [one / 2**20 for one in found if one is not None]
    exact = {"parameters": side.parameters, "macs": side.macs}[metric]
    if exact <= 0:
        raise CannotJudge(f'{metric}: arm "{side.arm}" has none on record')
    return [float(exact)]


def check_device(metric: str, before: Side, now: Side) -> None:
    """Refuse a measurement of another kind of device.

    Raises: CannotJudge.
    """
    if metric == "memory" and before.device != now.device:
        raise CannotJudge(f"memory: measured on {now.device}, the reference on {before.device}")
    if metric == "latency" and (not now.hardware or before.hardware != now.hardware):
        raise CannotJudge(f'latency: measured on "{now.hardware}", the reference on "{before.hardware}"')


def gain(before: Sequence[float], now: Sequence[float], confidence: float) -> Gain:
    """Return how much less a side costs, with Welch's interval where both have several measurements.

    Source: Welch 1947, The generalization of Student's problem.
    """
    value = float(np.mean(before) - np.mean(now))
    half = 0.0
    if len(before) > 1 and len(now) > 1:
        parts = [np.var(side, ddof=1) / len(side) for side in (before, now)]
        total = sum(parts)
        spread = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (before, now), strict=True))
        if total > 0:
            half = float(stdtrit(total**2 / spread, (1 + confidence) / 2)) * math.sqrt(total)
    return Gain(value, value - half, value + half, equal=list(before) == list(now))
