"""Score saved predictions: from `people` records and the ground truth to rows of `scores`, by any protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox.errors import CannotJudge, InvalidInput
from benchbox.metrics import categories, coco_ap, coco_curve, coco_match, coco_truth
from benchbox.metrics.conventions import CONVENTIONS, DEFAULT, Convention
from benchbox.metrics.pckh import Counted, count
from benchbox.metrics.protocol import Protocol, Suppression, other_joints
from benchbox.pose import affine, oks
from benchbox.pose.people import Person
from benchbox.pose.skeleton import Skeleton
from benchbox.worker.people import units_of

VISIBLE_THRESHOLD = 0.2
"""Of the official test configurations: the confidence from which a keypoint counts in rescoring."""

SHOWN = ("AP", "AP50", "PCKh", "PCK")
"""Metrics by which a job is told."""
STANDARD = {"coco17": (0.5,), "mpii16": (0.5, 0.1), "lsp14": (0.2,)}
"""Thresholds of PCKh or PCK that every evaluation reports, by skeleton."""


@dataclass(frozen=True)
class Ground:
    """What a score needs beside the records.

    Args:
        skeleton: of the records.
        prediction: parts of the protocol that say how the predictions were made.
        truth: COCO ground truth; None where the data set has none, and no AP then.
        aspect: width over height of the crops, which decides the area that OKS-NMS uses; None where the scores of the
            records are final, as in a result file of others.
    """

    skeleton: Skeleton
    prediction: tuple[str, ...]
    truth: Path | None = None
    aspect: float | None = None


def standard_protocols(people: pa.Table, ground: Ground) -> list[Protocol]:
    """List the protocols that every evaluation reports: COCO's where there is its ground truth, PCKh or PCK."""
    found = [Protocol("coco-kp", prediction=ground.prediction)] if ground.truth else []
    if np.isfinite(_errors(people)).any():
        _require_convention(ground.skeleton)
        name = DEFAULT[ground.skeleton.name]
        metric = CONVENTIONS[name].metric
        found += [Protocol(metric, at, name, ground.prediction) for at in STANDARD[ground.skeleton.name]]
    return found


def whole(scores: list[dict[str, Any]]) -> dict[str, float]:
    """Return the scores of all persons by metric, of the first protocol that has it."""
    found: dict[str, float] = {}
    for row in scores:
        if row["group"] == "all" and row["metric"] in SHOWN:
            found.setdefault(row["metric"], row["value"])
    return found


def require_scores(people: Sequence[Person], ground: Ground) -> None:
    """Refuse test persons of whom no score could be made, before anything is trained for them.

    Raises: InvalidInput.
    """
    if ground.truth is not None:
        return
    _require_convention(ground.skeleton)
    if not np.isfinite(units_of(people, ground.skeleton)).any():
        raise InvalidInput(
            f"none of the {len(people)} test persons has a size to measure errors by: PCKh needs head sizes, PCK a "
            "labelled left shoulder and right hip"
        )


def _require_convention(skeleton: Skeleton) -> None:
    if skeleton.name not in DEFAULT or skeleton.name not in STANDARD:
        needed = "DEFAULT of benchbox/metrics/conventions.py and in STANDARD of benchbox/worker/score.py"
        raise InvalidInput(f"skeleton {skeleton.name}: nothing scores it; it needs a line in {needed}")


def score_people(people: pa.Table, ground: Ground, protocols: Sequence[Protocol] | None = None) -> list[dict[str, Any]]:
    """Compute scores from records; reads nothing but them and the ground truth's file.

    Args: people: a `people` table. protocols: which; the standard ones when None.

    Raises: CannotJudge where the records cannot give a protocol.
    """
    rows = []
    for protocol in standard_protocols(people, ground) if protocols is None else protocols:
        rows += SCORERS[protocol.metric](people, ground, protocol)
    return rows


def _coco_rows(people: pa.Table, ground: Ground, protocol: Protocol) -> list[dict[str, Any]]:
    truth, predictions = coco_sides(people, ground, protocol)
    assert ground.truth is not None
    whole = coco_ap.score(ground.truth, coco_results(people, ground, protocol.suppression))
    if not whole:
        raise CannotJudge(f"{ground.truth}: nobody with keypoints to score against")
    name = str(protocol)
    rows = [_row(name, metric, "all", value, people.num_rows) for metric, value in whole.items()]
    for group, part in coco_parts(people, truth, ground.skeleton).items():
        matches = coco_match.match(truth, predictions, sigmas=ground.skeleton.sigmas, **part)
        rows += _ap_rows(name, group, matches, _counted(truth, **part))
    return rows


def coco_sides(people: pa.Table, ground: Ground, protocol: Protocol) -> tuple[coco_truth.Truth, coco_match.Predictions]:
    """Return the ground truth and the predictions that COCO's scores match.

    Raises: CannotJudge where there is no ground truth.
    """
    if ground.truth is None:
        raise CannotJudge(f"{protocol}: these predictions have no COCO ground truth")
    results = coco_results(people, ground, protocol.suppression)
    predictions = coco_match.from_results(results, joints=len(ground.skeleton.joints))
    return coco_truth.read_truth(ground.truth), predictions


def coco_parts(people: pa.Table, truth: coco_truth.Truth, skeleton: Skeleton) -> dict[str, dict[str, Any]]:
    """Return by group what `coco_match.match` is to count: each joint alone, each category of persons alone."""
    parts: dict[str, dict[str, Any]] = {
        f"joint:{joint}": {"joints": [index]} for index, joint in enumerate(skeleton.joints)
    }
    named = dict(zip(people["person"].to_pylist(), people["category"].to_pylist(), strict=True))
    of_truth = np.array([named.get(number, "") for number in truth.ids.tolist()])
    for category in sorted(set(of_truth.tolist()) - {""}):
        parts[f"category:{category}"] = {"counted": of_truth == category}
    return parts


def _counted(truth: coco_truth.Truth, joints: Sequence[int] = (), counted: np.ndarray | None = None) -> int:
    return int(counted.sum()) if counted is not None else int((truth.keypoints[:, list(joints), 2] > 0).sum())


def _ap_rows(name: str, group: str, matches: coco_match.Matches, counted: int) -> list[dict[str, Any]]:
    found = coco_curve.scores(matches)
    return [_row(name, metric, group, found[metric], counted) for metric in ("AP", "AP50") if metric in found]


def coco_results(people: pa.Table, ground: Ground, chosen: Suppression) -> list[dict[str, Any]]:
    """Rescore the predictions by their keypoints' confidence and drop doubles, as `chosen` says."""
    if not people.num_rows:
        return []
    keypoints = np.array(people["keypoints"].to_pylist(), np.float64).reshape(people.num_rows, -1, 2)
    confidences = np.array(people["confidences"].to_pylist(), np.float32)
    triples = np.concatenate([keypoints, confidences[..., None]], axis=2)
    image_ids, box_scores = people["image_id"].to_numpy(), people["box_score"].to_numpy()
    if ground.aspect is None:
        if chosen != Suppression():
            raise CannotJudge("the scores of these predictions are final; they cannot be rescored or suppressed anew")
        kept, scores = np.arange(people.num_rows), box_scores
    else:
        _, scale = affine.box_to_center_scale(np.array(people["box"].to_pylist()), aspect_ratio=ground.aspect)
        area = np.prod(scale.astype(np.float64) * 200, axis=1)
        some = np.flatnonzero(box_scores >= chosen.box_score)
        kept, scores = _suppressed(triples[some], box_scores[some], image_ids[some], area[some], ground, chosen)
        kept, scores = some[kept], _spread(scores, some, len(box_scores))
    return [
        {
            "image_id": int(image_ids[index]),
            "category_id": 1,
            "keypoints": triples[index].ravel().astype(float).tolist(),
            "score": float(scores[index]),
        }
        for index in kept
    ]


def _suppressed(
    triples: np.ndarray,
    box_scores: np.ndarray,
    image_ids: np.ndarray,
    area: np.ndarray,
    ground: Ground,
    chosen: Suppression,
) -> tuple[np.ndarray, np.ndarray]:
    return oks.rescore(
        triples.astype(np.float32),  # as the official code has them: a float32 of 0.2 is not above the threshold 0.2
        box_scores,
        image_ids,
        area,
        sigmas=ground.skeleton.sigmas,
        visible_threshold=VISIBLE_THRESHOLD if chosen.rescoring else None,
        oks_threshold=None if chosen.nms == "none" else chosen.threshold,
        soft=chosen.nms == "soft",
    )


def _spread(values: np.ndarray, places: np.ndarray, length: int) -> np.ndarray:
    spread = np.zeros(length)
    spread[places] = values
    return spread


def pck_sides(people: pa.Table, ground: Ground, protocol: Protocol) -> tuple[np.ndarray, Convention]:
    """Return the errors (N, K) that PCKh and PCK count, NaN for joints that do not count, and the convention.

    Raises: InvalidInput for another skeleton's convention; CannotJudge where nobody has a size to measure by.
    """
    convention = CONVENTIONS[protocol.convention]
    if convention.skeleton != ground.skeleton.name:
        raise InvalidInput(other_joints(protocol, ground.skeleton.name))
    errors = _errors(people)
    if not np.isfinite(errors).any():
        raise CannotJudge(f"{protocol}: no person has a size to measure errors by")
    return errors, convention


def _pck_rows(people: pa.Table, ground: Ground, protocol: Protocol) -> list[dict[str, Any]]:
    errors, convention = pck_sides(people, ground, protocol)
    assert protocol.threshold is not None
    part = _Part(errors, np.isfinite(errors), protocol.threshold, convention, str(protocol))
    total = part.count(slice(None))
    rows = [part.row("all", total.mean, int(part.labelled.sum()))]
    for joint, value, counted in zip(ground.skeleton.joints, total.per_joint, total.counts, strict=True):
        rows.append(part.row(f"joint:{joint}", float(value), int(counted)))
    for pair, joints in convention.columns.items():
        rows.append(part.row(f"pair:{pair}", total.columns[pair], int(total.counts[list(joints)].sum())))
    for group, members in pck_groups(people, ground.skeleton).items():
        rows.append(part.row(group, part.count(members).mean, len(members)))
    return rows


@dataclass(frozen=True)
class _Part:
    """The errors of everybody, counted for parts of them."""

    errors: np.ndarray
    labelled: np.ndarray
    threshold: float
    convention: Convention
    name: str

    def count(self, members: Any) -> Counted:
        return count(self.errors[members], self.labelled[members], self.threshold, self.convention)

    def row(self, group: str, value: float, counted: int) -> dict[str, Any]:
        return _row(self.name, {"pckh": "PCKh", "pck": "PCK"}[self.convention.metric], group, value, counted)


def pck_groups(people: pa.Table, skeleton: Skeleton) -> dict[str, list[int]]:
    """Return the persons of each category, and of each of mrn-attention's nine columns, by the name of the group."""
    return categories.groups_of(people["category"].to_pylist(), people["activity"].to_pylist(), skeleton.name)


def _errors(people: pa.Table) -> np.ndarray:
    return np.array(people["joint_errors"].to_pylist(), np.float64).reshape(people.num_rows, -1)


def _row(name: str, metric: str, group: str, value: float, count: int) -> dict[str, Any]:
    return {"protocol": name, "metric": metric, "group": group, "value": float(value), "n": count}


SCORERS: dict[str, Callable[[pa.Table, Ground, Protocol], list[dict[str, Any]]]] = {
    "coco-kp": _coco_rows,
    "pckh": _pck_rows,
    "pck": _pck_rows,
}
