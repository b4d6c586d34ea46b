"""Read predictions that others made: COCO result files; MPII predictions as .mat, .h5 or JSON."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.datasets.hdf5 import read_hdf5
from benchbox.datasets.mat import read_mat
from benchbox.entries import PIXEL_LIMIT, integer, kind, numbers, read_json, shown
from benchbox.errors import CannotJudge, InvalidInput

ARRAY_KEYS = ("preds", "pred", "predictions", "joints", "keypoints")
"""Names under which files hold an array of predictions, in order of preference."""


def read_coco_results(
    path: Path, image_ids: Collection[int], *, joints: int = 17, truth: str = "the ground truth"
) -> list[dict[str, Any]]:
    """Read a COCO keypoint result file, `.json` or `.json.gz`, in its order.

    Args:
        path: a JSON list of {image_id, category_id, keypoints (3 K numbers), score}.
        image_ids: images of the ground truth.
        joints: K.
        truth: what messages call the ground truth.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is something else; one line names the file and the entry.
        CannotJudge: it holds no predictions.
    """
    entries = _json(path)
    if not isinstance(entries, list):
        raise InvalidInput(f"{path}: expected a list of COCO results, found {kind(entries)}")
    if not entries:
        raise CannotJudge(f"{path}: holds no predictions")
    known = set(image_ids)
    found = [_result(entry, f"{path}: result {index}", joints) for index, entry in enumerate(entries)]
    for index, result in enumerate(found):
        if result["image_id"] not in known:
            raise InvalidInput(f"{path}: result {index}: image_id {result['image_id']} is not in {truth}")
    return found


def _result(entry: Any, where: str, joints: int) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InvalidInput(f"{where}: expected an object, found {kind(entry)}")
    for key in ("image_id", "category_id", "keypoints", "score"):
        if key not in entry:
            hint = "; boxes, not keypoints?" if key == "keypoints" and "bbox" in entry else ""
            raise InvalidInput(f"{where}: no {key}{hint}")
    image = integer(entry, "image_id", where)
    if integer(entry, "category_id", where) != 1:
        raise InvalidInput(f"{where}: category_id is {entry['category_id']}, expected 1 (person)")
    values = numbers(entry, "keypoints", where, 3 * joints, limit=PIXEL_LIMIT)
    score = numbers(entry, "score", where, 1, limit=PIXEL_LIMIT)[0]
    return {"image_id": image, "category_id": 1, "keypoints": values, "score": score}


def read_joint_array(path: Path, *, people: int, joints: int, truth: str = "the ground truth") -> np.ndarray:
    """Read predictions of one data set's people in their order, in the file's own coordinates.

    The array may lie in any order of its axes; a third column (confidence) is left out.

    Args:
        path: .mat (to version 7.2) or .h5 with an array under one of `ARRAY_KEYS`; .json with such an array, a list
            of K points for everybody, or a list of objects that hold one.
        people: N of the ground truth.
        joints: K.
        truth: what messages call the ground truth.

    Returns:
        (N, K, 2) float64.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it holds something else, or another number of people; one line names the file.
        CannotJudge: it holds no predictions.
    """
    readers = {".mat": _mat, ".h5": _hdf5, ".hdf5": _hdf5, ".json": _joint_lists}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise InvalidInput(f"{path}: predictions come as .mat, .h5 or .json")
    array = np.asarray(readers[suffix](path))
    if array.dtype.kind not in "fiu":
        raise InvalidInput(f"{path}: the predictions are not numbers")
    if array.size == 0:
        raise CannotJudge(f"{path}: holds no predictions")
    ordered = _in_order(array.astype(np.float64), path, (people, joints), truth)
    wrong = np.argwhere(~(np.abs(ordered) < PIXEL_LIMIT))
    if len(wrong):
        person, joint, _ = wrong[0].tolist()
        value = ordered[person, joint].tolist()
        raise InvalidInput(f"{path}: person {person}, joint {joint} is at {value}, expected finite numbers")
    return ordered


def _in_order(array: np.ndarray, path: Path, size: tuple[int, int], truth: str) -> np.ndarray:
    """Bring an array to (people, joints, x y) by the lengths of its axes; the usual orders first."""
    shape, (people, joints) = tuple(array.shape), size
    if array.ndim == 3:
        for order in ((0, 1, 2), (2, 1, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 0)):
            n, k, c = (shape[axis] for axis in order)
            if k == joints and c in (2, 3) and n == people:
                return array.transpose(order)[..., :2]
        if joints in shape:
            others = sorted(set(shape) - {joints, 2, 3})
            if len(others) == 1:
                raise InvalidInput(f"{path}: predictions of {others[0]} people, but {people} in {truth}")
    raise InvalidInput(f"{path}: an array of {shape}, expected ({people}, {joints}, 2)")


def _mat(path: Path) -> np.ndarray:
    return np.asarray(_preferred(read_mat(path, "it holds the predictions"), path))


def _hdf5(path: Path) -> np.ndarray:
    return np.asarray(_preferred(read_hdf5(path, "it holds the predictions"), path))


def _joint_lists(path: Path) -> np.ndarray:
    document = _json(path)
    if isinstance(document, dict):
        document = _preferred(document, path)
    if not isinstance(document, list):
        raise InvalidInput(f"{path}: expected a list of people, found {kind(document)}")
    people = []
    for index, entry in enumerate(document):
        where = f"{path}: person {index}"
        points = _preferred(entry, Path(where)) if isinstance(entry, dict) else entry
        people.append(_points(points, where))
    lengths = {len(points) for points in people}
    if len(lengths) > 1:
        raise InvalidInput(f"{path}: people with {' and '.join(map(str, sorted(lengths)))} joints")
    return np.array(people, dtype=np.float64)


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


def _preferred(values: Any, path: Path) -> Any:
    found = next((key for key in ARRAY_KEYS if key in values), None)
    if found is None:
        names = ", ".join(sorted(str(key) for key in values if not str(key).startswith("__"))) or "nothing"
        raise InvalidInput(f"{path}: no array of predictions ({' or '.join(ARRAY_KEYS[:3])}); found {names[:200]}")
    return values[found]


def _json(path: Path) -> Any:
    return read_json(path, "it holds the predictions")
