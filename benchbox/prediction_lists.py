"""Read predictions that stand in lists, as JSON has them: COCO result files, and points of people in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbox.entries import PIXEL_LIMIT, integer, kind, numbers, read_json, shown
from benchbox.errors import CannotJudge, InvalidInput

ARRAY_KEYS = ("preds", "pred", "predictions", "joints", "keypoints")
"""Names under which files hold an array of predictions, in order of preference."""
EXAMPLE = 'e.g. [{"image_id": 1, "category_id": 1, "keypoints": [...], "score": 0.9}]'
HINT = "it holds the predictions"


def read_results(path: Path, joints: int = 17) -> list[dict[str, Any]]:
    """Read a COCO keypoint result file, `.json` or `.json.gz`, in its order, of any images.

    Args:
        path: a JSON list of {image_id, category_id, keypoints (3 K numbers), score}.
        joints: K.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is something else; one line names the file and the entry.
        CannotJudge: it holds no predictions.
    """
    entries = read_json(path, HINT)
    if not isinstance(entries, list):
        raise InvalidInput(f"{path}: expected a list of COCO results, found {kind(entries)}; {EXAMPLE}")
    if not entries:
        raise CannotJudge(f"{path}: holds no predictions")
    return [_result(entry, f"{path}: result {index}", joints) for index, entry in enumerate(entries)]


def read_lists(path: Path) -> list[list[list[float]]]:
    """Read points of people from JSON, under one of `ARRAY_KEYS` or as a list: x, y of each joint, as many for all.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it holds something else; one line names the file and the person.
        CannotJudge: it holds no predictions.
    """
    document = read_json(path, HINT)
    if isinstance(document, dict):
        document = preferred(document, path)
    if not isinstance(document, list):
        raise InvalidInput(f"{path}: expected a list of people, found {kind(document)}")
    if not document:
        raise CannotJudge(f"{path}: holds no predictions")
    people = []
    for index, entry in enumerate(document):
        where = f"{path}: person {index}"
        points = preferred(entry, Path(where)) if isinstance(entry, dict) else entry
        people.append(_points(points, where))
    lengths = {len(points) for points in people}
    if len(lengths) > 1:
        raise InvalidInput(f"{path}: people with {' and '.join(map(str, sorted(lengths)))} joints")
    return people


def preferred(values: Any, path: Path) -> Any:
    """Return the array of predictions among named values.

    Raises: InvalidInput where there is none.
    """
    found = next((key for key in ARRAY_KEYS if key in values), None)
    if found is None:
        names = ", ".join(sorted(str(key) for key in values if not str(key).startswith("__"))) or "nothing"
        raise InvalidInput(f"{path}: no array of predictions: found {names[:200]}; give it the name {ARRAY_KEYS[0]}")
    return values[found]


def _result(entry: Any, where: str, joints: int) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InvalidInput(f"{where}: expected an object, found {kind(entry)}")
    for key in ("image_id", "category_id", "keypoints", "score"):
        if key not in entry:
            hint = "boxes, not keypoints? " if key == "keypoints" and "bbox" in entry else ""
            raise InvalidInput(f"{where}: no {key}; {hint}{EXAMPLE}")
    image = integer(entry, "image_id", where)
    if integer(entry, "category_id", where) != 1:
        raise InvalidInput(f"{where}: category_id is {entry['category_id']}, expected 1 (person)")
    values = numbers(entry, "keypoints", where, 3 * joints, limit=PIXEL_LIMIT)
    score = numbers(entry, "score", where, 1, limit=PIXEL_LIMIT)[0]
    return {"image_id": image, "category_id": 1, "keypoints": values, "score": score}


def _points(points: Any, where: str) -> list[list[float]]:
    if not isinstance(points, list) or not points:
        raise InvalidInput(f"{where}: expected a list of points, found {kind(points)}")
    if not isinstance(points[0], list):  # COCO's flat triples
        if len(points) % 3:
            raise InvalidInput(f"{where}: {len(points)} numbers, expected x, y, confidence of each joint")
        points = [points[place : place + 3] for place in range(0, len(points), 3)]
    return [_point(point, f"joint {joint}", where) for joint, point in enumerate(points)]


def _point(point: Any, name: str, where: str) -> list[float]:
    if not isinstance(point, list) or len(point) not in (2, 3):
        raise InvalidInput(f"{where}: {name} is {shown(point)}, expected [x, y]")
    return numbers({name: point}, name, where, len(point), limit=PIXEL_LIMIT)[:2]
