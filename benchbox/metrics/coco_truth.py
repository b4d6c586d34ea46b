"""Arrays of the ground truth of COCO's keypoint scores, from an annotation document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.entries import box, entry_name, integer, items, keypoints, kind, numbers, read_json, shown
from benchbox.errors import InvalidInput
from benchbox.pose.skeleton import COCO17

PERSON = 1
_JOINTS = len(COCO17.joints)
_EXPECTED = "COCO keypoint annotations"


@dataclass(frozen=True, eq=False)
class Truth:
    """Hold the annotated people of a data set, image by image, inside an image in the order of the file.

    Args:
        images: (I,) int64 ids, ascending; images without people are among them.
        image: (G,) int64 index into `images`, ascending.
        ids: (G,) int64 ids of the annotations.
        keypoints: (G, K, 3) float64 x, y in pixels, visibility; above 0 is labelled.
        areas: (G,) float64 square pixels.
        boxes: (G, 4) float64 x, y, width, height in pixels.
        ignore: (G,) bool, neither found nor missed counts: crowds and people whose `num_keypoints` is 0.
        crowd: (G,) bool, may be found more than once.
    """

    images: np.ndarray
    image: np.ndarray
    ids: np.ndarray
    keypoints: np.ndarray
    areas: np.ndarray
    boxes: np.ndarray
    ignore: np.ndarray
    crowd: np.ndarray


def read_truth(annotation_file: Path, *, joints: int = _JOINTS) -> Truth:
    """Read the people of an annotation file, `.json` or `.json.gz`.

    Args:
        annotation_file: COCO person keypoints.
        joints: K, how many keypoints a person has.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is not what it should be; one line names the file and the entry.

    Source: pycocotools, `COCOeval._prepare` (who is ignored).
    Differs: an annotation of another category than person is refused (pycocotools averages over categories), and so
        is a person who counts and has no area (by pycocotools nearly nothing is like them).
    """
    path = Path(annotation_file)
    return truth_of(read_json(path, f"expected {_EXPECTED}"), path, joints=joints)


def truth_of(document: Any, path: Path, *, joints: int = _JOINTS) -> Truth:
    """Make the arrays of an annotation document that was read from `path`; see `read_truth`.

    Raises:
        InvalidInput: see `read_truth`.
    """
    if not isinstance(document, dict):
        raise InvalidInput(f"{path}: expected an object with images and annotations, found {kind(document)}")
    images = _image_ids(items(document, "images", path, _EXPECTED), path)
    entries = items(document, "annotations", path, _EXPECTED)
    people = [
        _person(entry, f"{path}: annotation {entry_name(entry, index)}", joints) for index, entry in enumerate(entries)
    ]
    columns: list[Sequence[Any]] = list(zip(*people, strict=True)) or [()] * 7
    image_ids, ids = (np.array(column, dtype=np.int64) for column in columns[:2])
    _check_ids(image_ids, ids, images, path)
    image = np.searchsorted(images, image_ids)
    order = np.argsort(image, kind="stable")
    return Truth(
        images=images,
        image=image[order],
        ids=ids[order],
        keypoints=np.array(columns[2], dtype=np.float64).reshape(-1, joints, 3)[order],
        areas=np.array(columns[3], dtype=np.float64)[order],
        boxes=np.array(columns[4], dtype=np.float64).reshape(-1, 4)[order],
        ignore=np.array(columns[5], dtype=bool)[order],
        crowd=np.array(columns[6], dtype=bool)[order],
    )


def _person(entry: Any, where: str, joints: int) -> tuple[int, int, list[float], float, list[float], bool, bool]:
    """Check one annotation; return its image's id, its id, keypoints, area, box, whether ignored, whether a crowd."""
    if not isinstance(entry, dict) or "keypoints" not in entry:
        raise InvalidInput(f"{where} has no keypoints; is this the file of another task?")
    category = integer(entry, "category_id", where)
    if category != PERSON:
        raise InvalidInput(f"{where}: category_id is {category}, expected {PERSON} (person)")
    points, frame = keypoints(entry, where, joints), list(box(entry, where))
    area = numbers(entry, "area", where, 1)[0]
    crowd = entry.get("iscrowd")
    if crowd not in (0, 1):
        raise InvalidInput(f"{where}: iscrowd is {shown(crowd)}, expected 0 or 1")
    ignore = integer(entry, "num_keypoints", where) == 0 or bool(crowd)
    if area < 0 or (area == 0 and not ignore):
        raise InvalidInput(f"{where}: area is {area:g}, expected more than 0: OKS is measured by it")
    return integer(entry, "image_id", where), integer(entry, "id", where), points, area, frame, ignore, bool(crowd)


def _image_ids(entries: list[Any], path: Path) -> np.ndarray:
    """Return the ids of the images, ascending."""
    ids = []
    for index, entry in enumerate(entries):
        where = f"{path}: image at place {index}"
        ids.append(integer(entry if isinstance(entry, dict) else {}, "id", where))
    images, counts = np.unique(np.array(ids, dtype=np.int64), return_counts=True)
    if (counts > 1).any():
        raise InvalidInput(f"{path}: image {images[counts > 1][0]}: the id occurs twice")
    return images


def _check_ids(image_ids: np.ndarray, ids: np.ndarray, images: np.ndarray, path: Path) -> None:
    """Refuse annotations of unknown images and annotations with the same id."""
    stray = np.flatnonzero(~np.isin(image_ids, images))
    if stray.size:
        first = stray[0]
        raise InvalidInput(
            f"{path}: annotation {ids[first]}: image_id {image_ids[first]} is not among the images of the file"
        )
    known, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise InvalidInput(f"{path}: annotation {known[counts > 1][0]}: the id occurs twice")
