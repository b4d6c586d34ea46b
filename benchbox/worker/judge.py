"""Judge predictions that others made, by the same records and scores as a job's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox import records
from benchbox.datasets import lsp, mpii_truth
from benchbox.datasets.predictions import read_coco_results, read_joint_array
from benchbox.digest import file_digest
from benchbox.errors import EnvironmentProblem, InvalidInput, nearest
from benchbox.metrics import coco_truth
from benchbox.metrics.protocol import Protocol, parse
from benchbox.options.datasets import CocoOptions, LspOptions, MpiiOptions
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17, LSP14, MPII16, SKELETONS, Skeleton
from benchbox.saved import Saved, replaced
from benchbox.worker.people import person_rows
from benchbox.worker.score import Ground, score_people
from benchbox.worker.suspicion import Change, same, suspicions, whole_set

GIVEN = ("given",)
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
class Judged:
    """Predictions as records, their skeleton, the ground truth's file, how heads are measured, what to tell.

    Args: points: (N, K, 2) x, y. read: returns the records of other coordinates for the same persons.
    """

    points: np.ndarray
    read: Callable[[np.ndarray], list[dict[str, Any]]]
    skeleton: Skeleton
    truth: Path
    heads: str
    notes: list[str]


def judge(case: Case, asked: Sequence[str], save: str, results: Path) -> dict[str, Any]:
    """Score predictions and return the rows, as a JSON object; keep them under a name where one is given.

    Args: asked: protocols; the standard ones when empty.

    Raises: InvalidInput for a file that is not what it should be; CannotJudge where nothing can be scored.
    """
    name, _, split = case.dataset.partition(":")
    if name not in JUDGES:
        raise InvalidInput(f"--dataset {case.dataset}: unknown data set {name}{nearest(name, JUDGES)}")
    judged = JUDGES[name](case, split)
    protocols = [parse(text) for text in asked]
    prediction = _declared(protocols, judged.heads)
    label = save or case.predictions.stem
    people = _table(judged.read(judged.points), label)
    ground = Ground(judged.skeleton, prediction, judged.truth if judged.skeleton is COCO17 else None)
    wanted = [protocol.made_by(prediction) for protocol in protocols] or None
    rows = score_people(people, ground, wanted)

    def scored(change: Change) -> dict[str, float]:
        if change is same:
            return whole_set(rows)
        moved = _table(judged.read(change(judged.points)), label)
        return whole_set(score_people(moved, ground, [parse(rows[0]["protocol"])]))

    notes = [*judged.notes, *suspicions(judged.points, judged.skeleton, scored)]
    if save:
        record = {
            "predictions": case.predictions.name,
            "predictions_digest": file_digest(case.predictions),
            "dataset": case.dataset,
            "truth": str(judged.truth.resolve()),
            "truth_digest": file_digest(judged.truth),
            "prediction": list(prediction),
            "skeleton": judged.skeleton.name,
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with replaced(results, save, record) as folder:
            records.write(folder.table("people"), "people", people.to_pylist())
            records.write(folder.table("scores"), "scores", [{"job": save} | row for row in rows])
    return {"rows": rows, "notes": notes, "protocol": "/".join(prediction)}


def ground_of_saved(saved: Saved) -> Ground:
    """Return what saved predictions are scored against.

    Raises: EnvironmentProblem where the ground truth has gone or changed.
    """
    record = saved.read()
    truth, skeleton = Path(record["truth"]), SKELETONS[record["skeleton"]]
    if skeleton is COCO17 and (not truth.is_file() or file_digest(truth) != record["truth_digest"]):
        raise EnvironmentProblem(f"{saved.name}: its ground truth {truth} is gone or has changed; score it again")
    return Ground(skeleton, tuple(record["prediction"]), truth if skeleton is COCO17 else None)


def _declared(protocols: Sequence[Protocol], heads: str) -> tuple[str, ...]:
    """Return how the predictions were made, as the asked protocols say, or "given" where they do not say it."""
    said = {protocol.prediction for protocol in protocols if protocol.prediction}
    if len(said) > 1:
        raise InvalidInput("--protocol: the protocols disagree on how the predictions were made")
    return said.pop() if said else GIVEN + (() if heads == "boxes" else (f"{heads}-heads",))


def _table(rows: list[dict[str, Any]], name: str) -> pa.Table:
    full = [{"version": records.VERSION, "job": name} | row for row in rows]
    return pa.Table.from_pylist(full, schema=records.PEOPLE)


def _coco(case: Case, split: str) -> Judged:
    truth = _truth(case, CocoOptions(name="coco").files(split or "val2017")[0])
    known = coco_truth.read_truth(truth)
    results = read_coco_results(case.predictions, known.images.tolist(), truth=_named(truth))
    triples = np.array([result["keypoints"] for result in results], np.float64).reshape(len(results), -1, 3)

    def read(points: np.ndarray) -> list[dict[str, Any]]:
        return [_found(index, one, points[index], triples[index, :, 2]) for index, one in enumerate(results)]

    peopled = set(known.images[known.image[~known.ignore]].tolist())
    covered = len(peopled & {result["image_id"] for result in results})
    notes = [f"{len(results)} predictions for {covered} of the {len(peopled)} images with people"]
    return Judged(triples[:, :, :2], read, COCO17, truth, "boxes", notes)


def _found(index: int, result: dict[str, Any], points: np.ndarray, confidences: np.ndarray) -> dict[str, Any]:
    """Return the record of somebody found in an image, of whom nothing else is known."""
    return {
        "image": "",
        "image_id": result["image_id"],
        "person": index,
        "category": "",
        "activity": "",
        "box": [0.0] * 4,
        "box_score": result["score"],
        "area": 0.0,
        "keypoints": points.ravel(),
        "confidences": confidences,
        "joint_errors": np.full(len(points), np.nan),
        "truth": np.zeros(3 * len(points)),
    }


def _mpii(case: Case, split: str) -> Judged:
    truth = _truth(case, MpiiOptions(name="mpii").files(split or "valid")[0])
    folder = truth.parent if case.truth else truth.parent.parent
    people = mpii_truth.read_people(truth, folder / "images")
    return _per_person(case, people, MPII16, truth, mpii_truth.head_kind(truth))


def _lsp(case: Case, split: str) -> Judged:
    name = case.dataset.partition(":")[0]
    truth = _truth(case, LspOptions(name=name).files(split)[0])  # type: ignore[arg-type]
    return _per_person(case, lsp.read_people(truth.parent, split or "test"), LSP14, truth, "boxes")


def _per_person(case: Case, people: list[Person], skeleton: Skeleton, truth: Path, heads: str) -> Judged:
    size = {"people": len(people), "joints": len(skeleton.joints)}
    array = read_joint_array(case.predictions, **size, truth=_named(truth)) - case.origin
    notes = [f"coordinates taken as {'one' if case.origin else 'zero'}-based (--origin)"]
    alike = _never_predicted(array)
    if alike.any():
        names = ", ".join(joint for joint, same in zip(skeleton.joints, alike, strict=True) if same)
        notes.append(f"looks as if never predicted, but counts where the protocol counts it: {names}")
    confidences = np.ones(array.shape[:2], np.float32)

    def read(points: np.ndarray) -> list[dict[str, Any]]:
        return person_rows(people, skeleton, points, confidences)

    return Judged(array, read, skeleton, truth, heads, notes)


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


JUDGES: dict[str, Callable[[Case, str], Judged]] = {"coco": _coco, "mpii": _mpii, "lsp": _lsp, "lspet": _lsp}
