"""Curves behind results: training by epoch, PCKh and PCK by threshold, AP by OKS."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox.jobdir import Attempt, JobDir
from benchbox.metrics import coco_text
from benchbox.metrics.coco_curve import Curves
from benchbox.metrics.coco_match import THRESHOLDS
from benchbox.metrics.conventions import CONVENTIONS
from benchbox.metrics.pckh import count
from benchbox.metrics.protocol import Protocol, parse

LAST = 50
"""Hundredths of a head or torso that a curve of PCKh or PCK reaches at least."""
OKS = tuple(float(f"{threshold:.2f}") for threshold in THRESHOLDS)
_EPOCH = re.compile(r"epoch (\d+)/\d+ samples \d+ loss (\S+)((?: \w+ -?[\d.]+)*)")


@dataclass(frozen=True)
class Logged:
    """What a training's log tells of an epoch, from 1: the loss, and scores by name at a glance at a few persons."""

    epoch: int
    loss: float
    scores: Mapping[str, float]


def logged(folder: JobDir) -> list[Logged]:
    """Read the epochs of a job from the logs of its attempts up to the one that published, all so far when none did.

    An epoch that was trained twice counts as it was trained last; a log that is missing tells nothing.
    """
    result = folder.result()
    found: dict[int, Logged] = {}
    for number in folder.numbers():
        if result is None or number <= result.number:
            for line in _lines(Attempt(folder, number)):
                read = _EPOCH.match(line)
                if read:
                    found[int(read[1])] = _logged(read)
    return [found[epoch] for epoch in sorted(found)]


def validations(kept: object) -> list[dict[str, float]]:
    """Return the scores after some epochs that a row of `runs` keeps as JSON; none where it keeps none."""
    rows: list[dict[str, float]] = json.loads(kept) if isinstance(kept, str) else []
    return rows


def by_threshold(people: pa.Table, protocol: str, thresholds: Sequence[float]) -> list[float]:
    """Return PCKh or PCK at other thresholds than the protocol's own, otherwise counted as it says.

    Args:
        people: a `people` table.
        thresholds: in head or torso sizes.

    Returns: percent, of all joints that count; NaN where none does.
    """
    convention = CONVENTIONS[parse(protocol).convention]
    errors = np.array(people["joint_errors"].to_pylist(), np.float64).reshape(people.num_rows, -1)
    labelled = np.isfinite(errors)
    return [count(errors, labelled, threshold, convention).mean for threshold in thresholds]


def thresholds_for(protocols: Sequence[str]) -> list[float]:
    """Return hundredths from 0 to 0.5, or to the largest threshold of some protocols, and theirs among them."""
    own = [found for found in (parse(name).threshold for name in protocols) if found is not None]
    last = max([LAST, *(math.ceil(100 * one) for one in own)])
    # k / 100 is the number nearest to the decimal, so that 0.5 and 0.11 here are those of the protocols.
    return sorted({place / 100 for place in range(last + 1)} | set(own))


def family(protocol: str) -> Protocol:
    """Return a protocol without its threshold: what the points of one curve share."""
    return replace(parse(protocol), threshold=None)


def by_oks(told: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return AP over all areas at each of `OKS`, percent, by job; NaN where nobody counts.

    Args: told: what `worker.matches` answers, for the group "all".
    """
    ground = coco_text.Ground(*(tuple(told[name]) for name in ("groups", "persons", "images")))
    found = {}
    for job, rows in told["predictions"].items():
        matches = coco_text.read(ground, rows)["all"]
        precision, _ = Curves(matches, [0])(np.ones((1, len(matches.images))))
        found[job] = (100 * precision[0, 0].mean(axis=1)).tolist()
    return found


def summed_up(seeds: Sequence[Sequence[float]]) -> tuple[list[float], list[float] | None]:
    """Return the mean of several curves over the same x, and their standard deviation (None for one curve)."""
    values = np.array(seeds, np.float64)
    deviation = values.std(axis=0, ddof=1).tolist() if len(seeds) > 1 else None
    return values.mean(axis=0).tolist(), deviation


def _lines(attempt: Attempt) -> list[str]:
    try:
        if not attempt.log.is_file():
            return []
        return attempt.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _logged(read: re.Match[str]) -> Logged:
    words: Any = read[3].split()
    try:
        loss = float(read[2])
    except ValueError:
        loss = math.nan
    return Logged(int(read[1]), loss, {name: float(value) for name, value in zip(words[::2], words[1::2], strict=True)})
