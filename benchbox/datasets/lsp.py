"""Read people from Leeds Sports Pose (LSP) or its extended training set (LSP-extended): one person per image.

Layout: `<root>/joints.mat` and `<root>/images/`. The shape of `joints` tells which of the two it is: 3 x 14 x 2000 with
im0001.jpg ... for LSP, 14 x 3 x 10000 with im00001.jpg ... for LSP-extended. Where `<root>/splits.json` is there, an
object {split: [numbers of images, from 1]}, it tells the splits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchbox.datasets.mat import array, read_mat
from benchbox.entries import file_fingerprint, image_folder, kind, read_json, shown
from benchbox.errors import EnvironmentProblem, InvalidInput, nearest
from benchbox.pose.people import Person
from benchbox.pose.skeleton import LSP14

_JOINTS = len(LSP14.joints)
_LSP, _EXTENDED = (3, _JOINTS, 2000), (_JOINTS, 3, 10_000)
_SPLITS = {"train": range(1, 1001), "test": range(1001, 2001)}
_EXTENDED_SPLITS = {"train": range(1, 10_001)}
MARGIN = 0.1
"""Share of the longer side by which a box is wider than its joints on every side."""


class Annotations(NamedTuple):
    """Hold one split: the numbers of its images, their files, and keypoints (N, 14, 3) float64, zero-based."""

    numbers: list[int]
    images: list[Path]
    keypoints: np.ndarray


def annotation_files(root: Path) -> list[Path]:
    """Return the files that `read_people` reads: joints.mat, and splits.json where it is there."""
    splits = _splits_file(root)
    return [Path(root) / "joints.mat", *([splits] if splits.is_file() else [])]


def fingerprint(root: Path) -> str:
    """Return 16 hexadecimal digits that stand for the bytes of `annotation_files`.

    Raises:
        EnvironmentProblem: a file cannot be read.
    """
    return file_fingerprint(annotation_files(root), _layout(root))


def read_people(root: Path, split: str) -> list[Person]:
    """Read the people of one split in the order of the images' numbers in it; images that are not there do not count.

    keypoints: in LSP all 14 joints are labelled and the third row is 1 for a hidden joint (visibility 1, else 2). In
    LSP-extended it is 1 for a labelled one (visibility 2); a joint without label (visibility 0, coordinates 0) has
    coordinates <= 0 in the file, which the whole of the official file bears out. Coordinates are taken as MATLAB's,
    one-based, and made zero-based; the descriptions of the data do not say so.

    box: the extent of the labelled joints and `MARGIN` of its longer side more on every side; not clipped, as the
    size of the image is not told. area: that of the box. id and image_id: the number of the image. Persons whose
    labelled joints have no extent are left out. Neither category nor head size is told.

    Args:
        root: folder of the data set.
        split: of splits.json; else train (1-1000) or test (1001-2000) for LSP, train (all) for LSP-extended.

    Raises:
        EnvironmentProblem: joints.mat, the folder of the images, or every image of the split is not there.
        InvalidInput: a file is not what it should be, or the split is unknown; one line names file and entry.

    Source: S. Johnson and M. Everingham, BMVC 2010 (LSP) and CVPR 2011 (LSP-extended), and the README of the latter.
    """
    annotations = read_annotations(root, split)
    there = [entry for entry in zip(*annotations, strict=True) if entry[1].is_file()]
    if not there:
        raise EnvironmentProblem(f"no image of {split} in {Path(root) / 'images'}; {_layout(root)}")
    people = []
    for number, image, keypoints in there:
        box = _box(keypoints)
        if box is not None:
            points = keypoints.astype(np.float32)
            people.append(
                Person(id=number, image_id=number, image=image, box=box, keypoints=points, area=box[2] * box[3])
            )
    return people


def read_annotations(root: Path, split: str) -> Annotations:
    """Read what the files tell about one split, whether the images are there or not.

    Args:
        root: folder of the data set.
        split: see `read_people`.

    Raises:
        EnvironmentProblem: joints.mat or the folder of the images is not there.
        InvalidInput: see `read_people`.
    """
    path = Path(root) / "joints.mat"
    variables = read_mat(path, _layout(root))
    folder = image_folder(Path(root) / "images", _layout(root))
    shape = getattr(variables.get("joints"), "shape", None)
    extended = shape == _EXTENDED
    if shape not in (_LSP, _EXTENDED, None):
        found = " x ".join(map(str, shape))
        raise InvalidInput(f"{path}: joints is {found}, expected 3 x 14 x 2000 (LSP) or 14 x 3 x 10000 (LSP-extended)")
    joints = array(variables, "joints", path, _EXTENDED if extended else _LSP)
    joints = joints.transpose(2, 0, 1) if extended else joints.transpose(2, 1, 0)
    marks = joints[:, :, 2]
    if not np.isin(marks, (0, 1)).all():
        image = int(np.argwhere(~np.isin(marks, (0, 1)))[0, 0]) + 1
        raise InvalidInput(f"{path}: image {image} has a visibility other than 0 and 1")
    visibility = 2 * marks if extended else 2 - marks
    keypoints = np.concatenate([joints[:, :, :2] - 1.0, visibility[:, :, None]], axis=-1)
    keypoints *= visibility[:, :, None] > 0
    numbers = _numbers(root, split, extended=extended, count=len(keypoints))
    digits = 5 if extended else 4
    images = [folder / f"im{number:0{digits}d}.jpg" for number in numbers]
    return Annotations(numbers, images, keypoints[np.array(numbers, dtype=np.int64) - 1])


def _numbers(root: Path, split: str, *, extended: bool, count: int) -> list[int]:
    """Return the numbers of a split's images."""
    path = _splits_file(root)
    splits: dict[str, Any] = dict(_EXTENDED_SPLITS if extended else _SPLITS)
    if path.is_file():
        document = read_json(path, "")
        if not isinstance(document, dict):
            raise InvalidInput(f"{path}: expected an object of splits, found {kind(document)}")
        splits = {name: values for name, values in document.items() if isinstance(values, list)}
    if split not in splits:
        raise InvalidInput(f'{root}: no split "{split}"{nearest(split, splits)}')
    numbers = list(splits[split])
    for index, number in enumerate(numbers):
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= count:
            raise InvalidInput(
                f"{path}: {split}, entry {index} is {shown(number)}, expected a number from 1 to {count}"
            )
    if len(set(numbers)) != len(numbers):
        twice = next(number for index, number in enumerate(numbers) if number in numbers[:index])
        raise InvalidInput(f"{path}: {split} holds {twice} twice")
    return numbers


def _box(keypoints: np.ndarray) -> tuple[float, float, float, float] | None:
    """Return the box x, y, width, height around the labelled joints (14, 3), or None where they have no extent."""
    points = keypoints[keypoints[:, 2] > 0, :2]
    if not len(points) or not np.ptp(points, axis=0).any():
        return None
    size = np.ptp(points, axis=0)
    room = MARGIN * size.max()
    x, y = points.min(axis=0) - room
    width, height = size + 2 * room
    return float(x), float(y), float(width), float(height)


def _splits_file(root: Path) -> Path:
    return Path(root) / "splits.json"


def _layout(root: Path) -> str:
    """Say where the files belong."""
    return f"expected: {Path(root)}/joints.mat and the images in {Path(root)}/images/"
