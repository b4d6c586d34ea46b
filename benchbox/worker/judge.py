"""Judge predictions that others made, by the same records and scores as a job's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox import records
from benchbox.digest import file_digest
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.metrics.protocol import Protocol, parse
from benchbox.pose.skeleton import COCO17, SKELETONS
from benchbox.saved import Saved, replaced
from benchbox.worker.others import Others
from benchbox.worker.people import person_rows
from benchbox.worker.score import Ground, score_people, whole
from benchbox.worker.suspicion import Change, same, suspicions

GIVEN = ("given",)


def judge(others: Others, asked: Sequence[str], save: str, results: Path) -> dict[str, Any]:
    """Score predictions and return the rows, as a JSON object; keep them under a name where one is given.

    Args: asked: protocols; the standard ones when empty.

    Raises: InvalidInput for protocols that are not of these joints; CannotJudge where nothing can be scored.
    """
    case, protocols = others.case, [parse(text) for text in asked]
    prediction = _declared(protocols, others.heads)
    label = save or case.predictions.stem
    people = _table(_records(others, others.points), label)
    ground = Ground(others.skeleton, prediction, others.truth if others.skeleton is COCO17 else None)
    wanted = [protocol.made_by(prediction) for protocol in protocols] or None
    rows = score_people(people, ground, wanted)

    def scored(change: Change) -> dict[str, float]:
        if change is same:
            return whole(rows)
        moved = _table(_records(others, change(others.points)), label)
        return whole(score_people(moved, ground, [parse(rows[0]["protocol"])]))

    notes = [*others.notes, *suspicions(others.points, others.skeleton, scored)]
    if save:
        record = {
            "predictions": case.predictions.name,
            "predictions_digest": file_digest(case.predictions),
            "dataset": case.dataset,
            "truth": str(others.truth.resolve()),
            "truth_digest": file_digest(others.truth),
            "prediction": list(prediction),
            "skeleton": others.skeleton.name,
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


def _records(others: Others, points: np.ndarray) -> list[dict[str, Any]]:
    """Return the rows of `people`, but for the job, with such points (N, K, 2)."""
    if others.people:
        return person_rows(others.people, others.skeleton, points, others.confidences)
    numbered = enumerate(zip(others.results, points, others.confidences, strict=True))
    return [_found(index, *one) for index, one in numbered]


def _found(index: int, result: Mapping[str, Any], points: np.ndarray, confidences: np.ndarray) -> dict[str, Any]:
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


def _table(rows: list[dict[str, Any]], name: str) -> pa.Table:
    full = [{"version": records.VERSION, "job": name} | row for row in rows]
    return pa.Table.from_pylist(full, schema=records.PEOPLE)
