"""Read predictions that others made together with the ground truth that they are for; nothing is scored yet.

What scores is loaded only once a file was read: one with wrong content is answered sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.catalogue import CATALOGUE
from benchbox.datasets import lsp, mpii_truth
from benchbox.datasets.predictions import read_coco_results, read_joint_array
from benchbox.errors import EnvironmentProblem, InvalidInput, nearest
from benchbox.metrics import coco_truth
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17, LSP14, MPII16, Skeleton

MOSTLY = 0.9
"""Share of people in which two joints of one place look like a filler."""


@dataclass(frozen=True)
class Case:
    """Predictions to judge: their file, the data set as NAME or NAME:SPLIT, where it lies, and what is one-based."""

    predictions: Path
    dataset: str
    truth: Path | None
    data: Path | None
    origin: int


@dataclass(frozen=True)
class Others:
    """Predictions, their skeleton, the ground truth's file, how heads are measured, what to tell.

    Args:
        points: (N, K, 2) x, y. confidences: (N, K).
        people: N whom they are for; none of COCO, of which `results` are the N entries of the file.
    """

    case: Case
    points: np.ndarray
    confidences: np.ndarray
    people: Sequence[Person]
    results: Sequence[Mapping[str, Any]]
    skeleton: Skeleton
    truth: Path
    heads: str
    notes: list[str]


def read_others(case: Case) -> Others:
    """Read predictions and their ground truth.

    Raises: InvalidInput for a file that is not what it should be, CannotJudge for one without predictions,
        EnvironmentProblem without ground truth.
    """
    name, _, split = case.dataset.partition(":")
    if name not in READERS:
        raise InvalidInput(f"--dataset {case.dataset}: unknown data set {name}{nearest(name, READERS)}")
    return READERS[name](case, split)


def _coco(case: Case, split: str) -> Others:
    truth = _truth(case, CATALOGUE["coco"].split_file.format(split or "val2017"))
    known = coco_truth.read_truth(truth)
    results = read_coco_results(case.predictions, known.images.tolist(), truth=_named(truth))
    triples = np.array([result["keypoints"] for result in results], np.float64).reshape(len(results), -1, 3)

    peopled = set(known.images[known.image[~known.ignore]].tolist())
    covered = len(peopled & {result["image_id"] for result in results})
    notes = [f"{len(results)} predictions for {covered} of the {len(peopled)} images with people"]
    places = {(result["image_id"], points.tobytes()) for result, points in zip(results, triples, strict=True)}
    if again := len(results) - len(places):
        notes.append(f"{again} predictions stand again in the same image with the same numbers; AP counts each")
    return Others(case, triples[:, :, :2], triples[:, :, 2], [], results, COCO17, truth, "boxes", notes)


def _mpii(case: Case, split: str) -> Others:
    truth = _truth(case, CATALOGUE["mpii"].split_file.format(split or "valid"))
    folder = truth.parent if case.truth else truth.parent.parent
    known = mpii_truth.open_truth(truth, folder / "images")
    return _per_person(case, known, MPII16, truth, mpii_truth.head_kind(truth))


def _lsp(case: Case, split: str) -> Others:
    truth = _truth(case, f"{case.dataset.partition(':')[0]}/joints.mat")
    people = lsp.read_people(truth.parent, split or "test")
    return _per_person(case, mpii_truth.Truth(len(people), lambda: people), LSP14, truth, "boxes")


def _per_person(case: Case, known: mpii_truth.Truth, skeleton: Skeleton, truth: Path, heads: str) -> Others:
    size = {"people": known.count, "joints": len(skeleton.joints)}
    array = read_joint_array(case.predictions, **size, truth=_named(truth)) - case.origin
    notes = [f"coordinates taken as {'one' if case.origin else 'zero'}-based (--origin)"]
    alike = _never_predicted(array)
    if alike.any():
        names = ", ".join(joint for joint, same in zip(skeleton.joints, alike, strict=True) if same)
        notes.append(f"looks as if never predicted, but counts where the protocol counts it: {names}")
    confidences = np.ones(array.shape[:2], np.float32)
    return Others(case, array, confidences, known.people(), [], skeleton, truth, heads, notes)


def _never_predicted(array: np.ndarray) -> np.ndarray:
    """Tell the joints (K,) that have one place for all people, or nearly always that of another joint."""
    fixed = np.ptp(array, axis=0).max(axis=1) == 0
    same = (array[:, :, None] == array[:, None, :]).all(axis=3).mean(axis=0) > MOSTLY
    np.fill_diagonal(same, False)
    known: np.ndarray = fixed | same.any(axis=1)
    return known


def _truth(case: Case, name: str) -> Path:
    """Return the ground truth's file: the one that was given, else the one of that name below the data root."""
    if case.truth:
        return case.truth
    if case.data is None:
        raise EnvironmentProblem(f"BENCHBOX_DATA is not set; point it at the folder that holds {name}, or give --truth")
    file = case.data / name
    if not file.is_file():
        splits = [one.name for one in file.parent.glob(f"*{file.suffix}") if one.name != "activities.json"]
        other = "--dataset NAME:SPLIT or --truth FILE names another"
        raise EnvironmentProblem(f"no file {file} ({other}){nearest(file.name, splits)}")
    return file


def _named(truth: Path) -> str:
    return f"{truth} (--dataset NAME:SPLIT or --truth FILE names another ground truth)"


READERS: dict[str, Callable[[Case, str], Others]] = {"coco": _coco, "mpii": _mpii, "lsp": _lsp, "lspet": _lsp}
