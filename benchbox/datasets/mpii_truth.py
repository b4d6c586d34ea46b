"""Read the people that predictions for MPII are judged against, from files wherever they lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbox.datasets import mpii
from benchbox.datasets.hdf5 import read_hdf5
from benchbox.entries import PIXEL_LIMIT
from benchbox.errors import InvalidInput
from benchbox.pose.people import Person

_HINT = "it holds the ground truth"
_ACTIVITIES = ("activities.json", "mpii_activities.json")


@dataclass(frozen=True)
class Truth:
    """Tell how many people a ground truth holds, and give them: reading all that is known of them takes longer."""

    count: int
    people: Callable[[], list[Person]]


def open_truth(file: Path, images: Path) -> Truth:
    """Open ground truth: HRNet's JSON (gt_<name>.mat and activities.json beside it) or pytorch-pose's .h5.

    Args: images: their folder, which need not be there.

    Raises:
        EnvironmentProblem: the file is not there.
        InvalidInput: it is something else; one line names it. `people` raises it too.
    """
    if file.suffix == ".h5":
        people = _from_hdf5(file)
        return Truth(len(people), lambda: people)
    if file.suffix != ".json":
        raise InvalidInput(f"{file}: ground truth of MPII comes as .json (HRNet's) or .h5 (pytorch-pose's)")
    activities = next((name for name in _ACTIVITIES if (file.parent / name).is_file()), _ACTIVITIES[0])
    truth = file.parent / f"gt_{file.stem}.mat"
    entries = mpii.read_entries(file, _HINT)
    return Truth(len(entries), lambda: mpii.people_of(entries, file, truth, file.parent / activities, images))


def head_kind(file: Path) -> str:
    """Tell what head sizes come from, "boxes" or "neck"; see `mpii.head_kind`."""
    return "boxes" if file.suffix == ".h5" or (file.parent / f"gt_{file.stem}.mat").is_file() else "neck"


def _from_hdf5(file: Path) -> list[Person]:
    """Read `part` (N, 16, 2), one-based, 0 where missing, `normalize` (N,) head sizes and `imgname`."""
    arrays = read_hdf5(file, _HINT)
    missing = {"part", "normalize", "imgname"} - arrays.keys()
    if missing:
        raise InvalidInput(f"{file}: no array {sorted(missing)[0]}")
    part = _numbers(arrays["part"], "part", file)
    if part.ndim != 3 or part.shape[1:] != (16, 2):
        raise InvalidInput(f"{file}: part is {part.shape}, expected (N, 16, 2)")
    sizes, names = _numbers(arrays["normalize"], "normalize", file), arrays["imgname"]
    if (wrong := np.flatnonzero(sizes <= 0)).size:
        raise InvalidInput(f"{file}: normalize of person {wrong[0]} is {sizes.flat[wrong[0]]:g}, expected more than 0")
    for key, values in (("normalize", sizes), ("imgname", names)):
        if values.shape != part.shape[:1]:
            raise InvalidInput(f"{file}: {key} is {values.shape}, expected ({len(part)},)")
    if not all(isinstance(name, bytes) for name in names.tolist()):
        raise InvalidInput(f"{file}: imgname does not hold texts")
    labelled = (part != 0).any(axis=2)
    order: dict[str, int] = {}
    people = []
    for index, (points, seen) in enumerate(zip(part - 1, labelled, strict=True)):
        name = names[index].decode("utf-8", "replace").strip("\0")
        keypoints = np.concatenate([points, np.full((16, 1), 2.0)], axis=1) * seen[:, None]
        if not seen.any():
            raise InvalidInput(f"{file}: part of person {index} has no labelled joint")
        low, high = points[seen].min(axis=0), points[seen].max(axis=0)
        (x, y), (width, height) = low.tolist(), (high - low).tolist()
        people.append(
            Person(
                id=index,
                image_id=order.setdefault(name, len(order)),
                image=Path(Path(name).name),
                box=(x, y, width, height),
                keypoints=keypoints,
                area=width * height,
                head_size=float(sizes[index]),
            )
        )
    return people


def _numbers(values: np.ndarray, key: str, file: Path) -> np.ndarray:
    """Return an array as float64, all of it finite and in reach of an image."""
    if values.dtype.kind not in "fiu":
        raise InvalidInput(f"{file}: {key} does not hold numbers")
    numbers = values.astype(np.float64)
    wrong = np.argwhere(~(np.abs(numbers) < PIXEL_LIMIT))
    if len(wrong):
        value = numbers[tuple(wrong[0])]
        raise InvalidInput(f"{file}: {key} of person {wrong[0][:1].sum()} is {value:g}, expected a finite number")
    return numbers
