"""Arrays of the ground truth of COCO's keypoint scores, from an annotation document."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.pose.skeleton import COCO17

PERSON = 1
_JOINTS = len(COCO17.joints)
_LIMIT = 1e7  # pixels; nothing beyond it can be a place in an image


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
    Differs: an annotation of another category than person is refused (pycocotools averages over categories).
    """
    path = Path(annotation_file)
    document = _json(path)
    images = _image_ids(_list(document, "images", path), path)
    entries = _list(document, "annotations", path)
    people = [_person(entry, _where(path, entry, index), joints) for index, entry in enumerate(entries)]
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
    category = _integer(entry, "category_id", where)
    if category != PERSON:
        raise InvalidInput(f"{where}: category_id is {category}, expected {PERSON} (person)")
    keypoints = _numbers(entry, "keypoints", where, 3 * joints)
    if not {0, 1, 2}.issuperset(keypoints[2::3]):
        raise InvalidInput(f"{where}: keypoints holds a visibility other than 0, 1, 2")
    box = _numbers(entry, "bbox", where, 4)
    if min(box[2:]) < 0:
        raise InvalidInput(f"{where}: bbox has a negative size, {box[2]:g} x {box[3]:g}")
    area = _number(entry.get("area"), f"{where}: area is", _LIMIT**2)
    if area < 0:
        raise InvalidInput(f"{where}: area is negative, {area:g}")
    crowd = entry.get("iscrowd")
    if crowd not in (0, 1):
        raise InvalidInput(f"{where}: iscrowd is {_shown(crowd)}, expected 0 or 1")
    ignore = bool(crowd) or _integer(entry, "num_keypoints", where) == 0
    return _integer(entry, "image_id", where), _integer(entry, "id", where), keypoints, area, box, ignore, bool(crowd)


def _image_ids(entries: list[Any], path: Path) -> np.ndarray:
    """Return the ids of the images, ascending."""
    ids = []
    for index, entry in enumerate(entries):
        where = f"{path}: image at place {index}"
        ids.append(_integer(entry if isinstance(entry, dict) else {}, "id", where))
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


def _numbers(entry: dict[str, Any], key: str, where: str, count: int) -> list[float]:
    """Return the coordinates or lengths under `key`, `count` of them."""
    values = entry.get(key)
    if not isinstance(values, list) or len(values) != count:
        found = f"has {len(values)} numbers" if isinstance(values, list) else f"is {_shown(values)}"
        raise InvalidInput(f"{where}: {key} {found}, expected {count}")
    return [_number(value, f"{where}: {key} holds", _LIMIT) for value in values]


def _number(value: Any, what: str, limit: float) -> float:
    """Refuse a value that is no number or not nearer to 0 than the limit."""
    if type(value) not in (int, float) or not abs(value) < limit:  # true for NaN as well
        raise InvalidInput(f"{what} {_shown(value)}, expected a finite number below {limit:g}")
    return float(value)


def _integer(entry: dict[str, Any], key: str, where: str) -> int:
    """Return the whole number under `key`, not negative."""
    value = entry.get(key)
    if type(value) is not int or not 0 <= value < 2**53:  # pycocotools keeps ids as float64
        raise InvalidInput(f"{where}: {key} is {_shown(value)}, expected a whole number from 0")
    return value


def _list(document: Any, key: str, path: Path) -> list[Any]:
    """Return the list under `key` of a document."""
    values = document.get(key) if isinstance(document, dict) else None
    if not isinstance(values, list):
        raise InvalidInput(f"{path}: no list of {key}; expected COCO keypoint annotations")
    return values


def _json(path: Path) -> Any:
    """Read a JSON file, compressed where its name ends in .gz."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise EnvironmentProblem(f"no file {path}; expected COCO keypoint annotations") from None
    except OSError as problem:
        raise EnvironmentProblem(f"cannot read {path}: {problem.strerror}") from None
    try:
        return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
        raise InvalidInput(f"{path}: not gzip: {problem}") from None
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"{path}: not JSON: {' '.join(str(problem).split())}") from None


def _where(path: Path, entry: Any, index: int) -> str:
    """Name an annotation by its id, or by its place where it has none."""
    number = entry.get("id") if isinstance(entry, dict) else None
    return f"{path}: annotation {number if isinstance(number, int) else f'at place {index}'}"


def _shown(value: Any) -> str:
    """Show a wrong value on one short line."""
    text = " ".join(repr(value).split())
    return "missing" if value is None else text if len(text) <= 60 else text[:57] + "..."
