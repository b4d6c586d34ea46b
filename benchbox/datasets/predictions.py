"""Read predictions that others made: COCO result files; MPII predictions as .mat, .h5 or JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.datasets.hdf5 import read_hdf5
from benchbox.datasets.mat import read_mat
from benchbox.entries import PIXEL_LIMIT
from benchbox.errors import CannotJudge, InvalidInput
from benchbox.mat_header import Shapes
from benchbox.prediction_lists import HINT, preferred, read_lists, read_results

_Axes = Callable[[tuple[int, ...]], tuple[int, ...]]


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
    found = read_results(path, joints)
    known = set(image_ids)
    for index, result in enumerate(found):
        if result["image_id"] not in known:
            raise InvalidInput(f"{path}: result {index}: image_id {result['image_id']} is not in {truth}")
    return found


def read_joint_array(path: Path, *, people: int, joints: int, truth: str = "the ground truth") -> np.ndarray:
    """Read predictions of one data set's people in their order, in the file's own coordinates.

    The array may lie in any order of its axes; a third column (confidence) is left out.

    Args:
        path: .mat (to version 7.2) or .h5 with an array under one of `prediction_lists.ARRAY_KEYS`; .json with such
            an array, a list of K points for everybody, or a list of objects that hold one.
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
    readers = {".mat": _mat, ".h5": _hdf5, ".hdf5": _hdf5, ".json": _json}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise InvalidInput(f"{path}: predictions come as .mat, .h5 or .json")
    axes = partial(_axes, path=path, size=(people, joints), truth=truth)
    array = readers[suffix](path, axes)
    if array.dtype.kind not in "fiu":
        raise InvalidInput(f"{path}: the predictions are not numbers")
    if array.size == 0:
        raise CannotJudge(f"{path}: holds no predictions")
    ordered = array.astype(np.float64).transpose(axes(array.shape))[..., :2]
    wrong = np.argwhere(~(np.abs(ordered) < PIXEL_LIMIT))
    if len(wrong):
        person, joint, _ = wrong[0].tolist()
        value = ordered[person, joint].tolist()
        raise InvalidInput(f"{path}: person {person}, joint {joint} is at {value}, expected finite numbers")
    return ordered


def _axes(shape: tuple[int, ...], path: Path, size: tuple[int, int], truth: str) -> tuple[int, ...]:
    """Tell by their lengths which axes are people, joints and x y; the usual orders first."""
    people, joints = size
    if len(shape) == 3:
        for order in ((0, 1, 2), (2, 1, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 0)):
            n, k, c = (shape[axis] for axis in order)
            if k == joints and c in (2, 3) and n == people:
                return order
        if joints in shape:
            others = sorted(set(shape) - {joints, 2, 3})
            if len(others) == 1:
                raise InvalidInput(f"{path}: predictions of {others[0]} people, but {people} in {truth}")
    raise InvalidInput(f"{path}: an array of {tuple(shape)}, expected ({people}, {joints}, 2)")


def _mat(path: Path, axes: _Axes) -> np.ndarray:
    def look(shapes: Shapes) -> None:
        shape = preferred(shapes, path)
        if shape and 0 not in shape:
            axes(shape)

    return np.asarray(preferred(read_mat(path, HINT, look=look), path))


def _hdf5(path: Path, _: _Axes) -> np.ndarray:
    return np.asarray(preferred(read_hdf5(path, HINT), path))


def _json(path: Path, _: _Axes) -> np.ndarray:
    return np.asarray(read_lists(path))
