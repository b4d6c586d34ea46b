"""Samples of COCO's keypoint scores: match records, by image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbox.metrics.coco_curve import bootstrap
from benchbox.metrics.coco_match import Matches
from benchbox.metrics.coco_truth import Truth
from benchbox.stats.sample import People, Sample, Score

WHOLE = ("AP", "AP50", "AP75", "APM", "APL", "AR")
PART = ("AP", "AP50")


@dataclass(frozen=True, eq=False)
class ApSample:
    """Hold the matches that each group's scores are computed from.

    Args:
        people: the annotated persons, in I images.
        matches: by group, of the same I images.
        names: scores of these groups; see `names_of`.
    """

    people: People
    matches: Mapping[str, Matches]
    names: tuple[Score, ...]
    resamples: int = 1000

    @property
    def persons(self) -> int:
        """See `Sample`; crowds and persons without a labelled joint do not count."""
        return max(int(matches.positives[:, 0].sum()) for matches in self.matches.values())

    @property
    def counted(self) -> np.ndarray:
        """See `Sample`."""
        return np.concatenate([matches.positives for matches in self.matches.values()], axis=1)

    def only(self, names: Sequence[Score]) -> ApSample:
        """See `Sample`."""
        groups = dict.fromkeys(group for _, group in names)
        return replace(self, names=tuple(names), matches={group: self.matches[group] for group in groups})

    def replicate(self, weights: np.ndarray) -> np.ndarray:
        """See `Sample`."""
        found = {
            group: bootstrap(matches, weights, [metric for metric, of in self.names if of == group])
            for group, matches in self.matches.items()
        }
        return np.stack([found[group][metric] for metric, group in self.names], axis=1)

    def joined(self, other: Sample) -> ApSample:
        """See `Sample`."""
        assert isinstance(other, ApSample)
        matches = {group: _joined(one, other.matches[group]) for group, one in self.matches.items()}
        return replace(self, matches=matches)


def names_of(groups: Iterable[str]) -> tuple[Score, ...]:
    """Return the scores of groups: of "all" those of `WHOLE`, of another those of `PART`."""
    return tuple((metric, group) for group in groups for metric in (WHOLE if group == "all" else PART))


def people_of(truth: Truth) -> People:
    """Return the persons of a COCO ground truth, crowds and ignored ones included."""
    facts = [truth.keypoints.reshape(len(truth.ids), -1), truth.areas[:, None], truth.boxes]
    flags = np.stack([truth.ignore, truth.crowd, truth.image], axis=1).astype(np.float64)
    names = np.array([f"annotation {number}" for number in truth.ids.tolist()], dtype=str)
    return People(truth.images, names, np.concatenate([*facts, flags], axis=1))


def _joined(one: Matches, other: Matches) -> Matches:
    """Put the predictions of two sets about the same images in one order; the second's images follow the first's."""
    images = len(one.images)
    scores = np.concatenate([one.scores, other.scores])
    home = np.concatenate([one.image, other.image])
    # Within an image both keep their order: it decides between equal scores.
    order = np.lexsort((home, -scores))
    image = np.concatenate([one.image, other.image + images])

    def both(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name), getattr(other, name)])

    return Matches(
        images=np.arange(2 * images),
        positives=both("positives"),
        image=image[order],
        scores=scores[order],
        **{name: both(name)[order] for name in ("prediction", "matched", "ignored", "person", "oks")},
    )
