"""One side of a gate: an arm's trainings with all that their scores are made of, from records or from a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchbox.errors import CannotJudge
from benchbox.gates.declaration import FAMILY
from benchbox.gates.persons import Roll
from benchbox.gates.signs import Signs
from benchbox.metrics import coco_text
from benchbox.metrics.protocol import Protocol, parse
from benchbox.stats.ap import ApSample, names_of
from benchbox.stats.sample import People, Sample

ROUNDING = 1e-9
"""Points by which a score may differ from its own recomputation, whose sums have another order."""


@dataclass(frozen=True, eq=False)
class Training:
    """One trained network's judgement.

    Args:
        scores: percent by (protocol, metric, group), as they stand on record; NaN where nobody counts.
        hits: (N, K) of `persons.hits_of` by PCKh or PCK protocol.
        oks: (N,) with the own truth, to three decimals; NaN where it has none.
        predictions: lines of `coco_text.predictions` by COCO protocol.
        memory: bytes at the peak.
        latency: seconds to predict one person; None where the device was not exclusive.
    """

    seed: int
    job: str
    scores: Mapping[tuple[str, str, str], float]
    hits: Mapping[str, np.ndarray]
    oks: np.ndarray
    predictions: Mapping[str, Sequence[str]]
    signs: Signs
    memory: int | None
    latency: float | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """An arm at a scale.

    Args:
        skeleton: name in `SKELETONS`.
        protocols: of its scores, those that its samples can be made of.
        trainings: by rising seed, all of one roll.
        coco: the annotated side, by COCO protocol.
        parameters, macs: of the network.
        device: of all jobs. hardware: its name.
        provenance: of the first job.
        areas: (N,) float64 square pixels of the persons; None where not on record, as in a reference.
        hidden: (N, K) bool, joints that are labelled and not visible; likewise.
    """

    study: str
    scale: str
    arm: str
    skeleton: str
    protocols: tuple[str, ...]
    trainings: tuple[Training, ...]
    roll: Roll
    coco: Mapping[str, coco_text.Ground]
    parameters: int
    macs: int
    device: str
    hardware: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    areas: np.ndarray | None = None
    hidden: np.ndarray | None = None
    kept: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """Return the trainings' seeds."""
        return [training.seed for training in self.trainings]

    def samples(self, protocol: str) -> list[Sample]:
        """Return each training's sample of a protocol; each is checked against the scores on record, once.

        Raises: CannotJudge where they disagree.
        """
        if protocol not in self.kept:
            found = [self._sample(training, protocol) for training in self.trainings]
            for training, sample in zip(self.trainings, found, strict=True):
                check_scores(training, sample, protocol)
            self.kept[protocol] = found
        return self.kept[protocol]

    def _sample(self, training: Training, protocol: str) -> Sample:
        if protocol in training.hits:
            return self.roll.sample(training.hits[protocol], parse(protocol))
        ground = self.coco[protocol]
        matches = coco_text.read(ground, training.predictions[protocol])
        return ApSample(_annotated(ground), matches, names_of(matches))


def check_scores(training: Training, sample: Sample, protocol: str) -> None:
    """Refuse persons that do not give the scores on record.

    Raises: CannotJudge.
    """
    again = sample.replicate(np.ones((1, len(sample.people.images))))[0]
    for (metric, group), value in zip(sample.names, again.tolist(), strict=True):
        stored = training.scores.get((protocol, metric, group))
        if stored is None and np.isnan(value):
            continue
        if stored is None:
            raise CannotJudge(f"seed {training.seed}: {metric} of {group} by {protocol} is not on record")
        if not np.isclose(value, stored, rtol=0, atol=ROUNDING, equal_nan=True):
            raise CannotJudge(
                f"seed {training.seed}: {metric} of {group} is {stored:.6f} on record, but the persons on record give "
                f"{value:.6f}"
            )


def protocol_of(wanted: Protocol | None, metric: str, offered: Sequence[str], whose: str) -> str:
    """Return the one protocol among those offered that gives a metric and is the wanted one, if any.

    Raises: CannotJudge where there is none, or more than one.
    """
    giving = [name for name in offered if parse(name).metric == FAMILY[metric]]
    if not giving:
        raise CannotJudge(f"{metric}: {whose} have no such score (protocols: {', '.join(offered) or 'none'})")
    if wanted is None:
        if len(giving) > 1:
            raise CannotJudge(f"{metric}: {whose} have it by {len(giving)} protocols; say which: {', '.join(giving)}")
        return giving[0]
    for name in giving:
        one = parse(name)
        if wanted == one or (not wanted.prediction and wanted.made_by(one.prediction) == one):
            return name
    raise CannotJudge(f"protocol {wanted}: {whose} are of {', '.join(giving)}")


def _annotated(ground: coco_text.Ground) -> People:
    """Return the annotated persons as samples know them; a digest, as a number, stands for what is known of each."""
    rows = [line.split(" ") for line in ground.persons]
    images = np.array([int(line.split(" ", 1)[0]) for line in ground.images], np.int64)
    names = np.array([f"annotation {number}" for number, _ in rows], dtype=str)
    return People(images, names, np.array([[int(digest, 16)] for _, digest in rows], np.float64).reshape(-1, 1))
