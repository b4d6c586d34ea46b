"""Read people from COCO keypoint annotations, or from a detector's boxes for the same images.

Layout: `<root>/annotations/person_keypoints_<split>.json` and the images in `<root>/<split>/`. Two more keys of an
annotation are used where they are present: `head_box` [x1, y1, x2, y2] in pixels and `activity` (text).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchbox.entries import (
    box,
    entry_name,
    file_fingerprint,
    image_folder,
    image_name,
    integer,
    items,
    keypoints,
    kind,
    numbers,
    read_json,
    writable,
)
from benchbox.errors import InvalidInput, nearest
from benchbox.pose.people import Person, head_size
from benchbox.pose.skeleton import COCO17

PERSON = 1
_JOINTS = len(COCO17.joints)
_EXPECTED = "COCO keypoint annotations"
DETECTIONS = "person_detection_results/COCO_{split}_detections_AP_H_56_person.json"
"""Where the field's own detections of a split lie below the data set's folder."""
LEAST_COVERED = 0.5
"""Share of the images with a detector's boxes below which its file looks like that of other images, or of some."""


# Half of the memory and a third of the time of reading COCO's annotations would be theirs.
_UNREAD = {"segmentation", "coco_url", "flickr_url", "date_captured", "license"}


class Image(NamedTuple):
    """Hold the file of an image and its size in pixels as the annotations tell it."""

    path: Path
    width: float
    height: float


class Document(NamedTuple):
    """Hold an annotation file: its path, its images by number, its entries as they stand, joints of its category.

    `joints` are the names under `categories`, empty where the file tells none.
    """

    path: Path
    images: dict[int, Image]
    annotations: list[Any]
    joints: tuple[str, ...]


def annotation_file(root: Path, split: str) -> Path:
    """Return where the keypoint annotations of a split lie below `root`."""
    return Path(root) / "annotations" / f"person_keypoints_{split}.json"


def fingerprint(root: Path, split: str) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of the annotation file's bytes.

    Raises:
        EnvironmentProblem: the file cannot be read.
    """
    return file_fingerprint([annotation_file(root, split)], _layout(root, split))


def read_people(
    root: Path,
    split: str,
    *,
    boxes: str = "ground-truth",
    detections: Path | None = None,
    score_threshold: float = 0.0,
) -> list[Person]:
    """Read the people of one split, in the official order.

    Ground truth: crowds, people without a labelled joint and boxes without area are left out; boxes are clipped to
    the image. Detector: one person per box of category 1 with a score of at least the threshold, keypoints all zero,
    boxes unchanged, in the order of the file; the id is the entry's number in it.

    Args:
        root: folder of the data set.
        split: name of the split, e.g. `val2017`.
        boxes: where the boxes come from, ground-truth or detector.
        detections: detector's file, a JSON list of {image_id, category_id, bbox [x, y, w, h], score}.
        score_threshold: for detections only.

    Raises:
        EnvironmentProblem: a file or the folder of the images is not there.
        InvalidInput: a file is not what it should be; one line names the file and the entry. A detection in an image
            that the annotations lack is one: boxes of another split would otherwise look like a bad detector.

    Source: HRNet's COCO data set (`_load_coco_keypoint_annotation_kernal`, `_load_coco_person_detection_results`).
    """
    if boxes not in ("detector", "ground-truth"):
        raise InvalidInput(f'boxes = "{boxes}"{nearest(boxes, ("detector", "ground-truth"))}')
    if boxes == "detector" and detections is None:
        raise InvalidInput('boxes = "detector" needs the detector\'s file (detections)')
    document = read_document(root, split)
    if detections is None or boxes == "ground-truth":
        return labelled(document)
    people = detected(document, Path(detections), score_threshold)
    covered = len({person.image_id for person in people})
    if covered < LEAST_COVERED * len(document.images):
        said = "%s: boxes in only %d of the %d images of %s; whoever is in the others counts as missed"
        logging.getLogger(__name__).warning(said, detections, covered, len(document.images), split)
    return people


def read_document(root: Path, split: str) -> Document:
    """Read the annotation file of one split without segmentations; its images are checked, its annotations are not.

    Raises:
        EnvironmentProblem: see `read_people`.
        InvalidInput: see `read_people`.
    """
    path = annotation_file(root, split)
    content = read_json(path, _layout(root, split), pairs_hook=_kept)
    folder = image_folder(Path(root) / split, _layout(root, split))
    if not isinstance(content, dict):
        raise InvalidInput(f"{path}: expected an object with images and annotations, found {kind(content)}")
    images = _images(items(content, "images", path, _EXPECTED), path, folder)
    return Document(path, images, items(content, "annotations", path, _EXPECTED), _joint_names(content))


def labelled(document: Document) -> list[Person]:
    """Return the people of an annotation file, image by image, as `read_people` does for ground truth.

    Raises:
        InvalidInput: an annotation is not what it should be.
    """
    path, images = document.path, document.images
    people: dict[int, list[Person]] = {number: [] for number in images}
    seen: set[int] = set()
    for index, entry in enumerate(document.annotations):
        where = f"{path}: annotation {entry_name(entry, index)}"
        if not isinstance(entry, dict) or "keypoints" not in entry:
            raise InvalidInput(f"{where} has no keypoints; is this the file of another task?")
        number = integer(entry, "id", where)
        if number in seen:
            raise InvalidInput(f"{where}: the id occurs twice")
        seen.add(number)
        image = integer(entry, "image_id", where)
        if image not in images:
            raise InvalidInput(f"{where}: image_id {image} is not among the images of the file")
        if entry.get("iscrowd", 0) or integer(entry, "category_id", where) != PERSON:
            continue
        person = _person(entry, where, number=number, image_id=image, image=images[image])
        if person is not None:
            people[image].append(person)
    return [person for group in people.values() for person in group]


def _person(entry: dict[str, Any], where: str, *, number: int, image_id: int, image: Image) -> Person | None:
    """Turn one annotation into a person, or None where the official reader leaves it out."""
    points = np.array(keypoints(entry, where, _JOINTS), dtype=np.float32).reshape(_JOINTS, 3)
    frame = _clipped(box(entry, where), image.width, image.height)
    area = numbers(entry, "area", where, 1)[0]
    if frame is None or area <= 0 or not (points > 0).any():
        return None
    size = float("nan")
    if "head_box" in entry:
        size = float(head_size(np.array(numbers(entry, "head_box", where, 4))))
    return Person(
        id=number,
        image_id=image_id,
        image=image.path,
        box=frame,
        keypoints=points,
        area=area,
        category=writable(entry.get("activity"), where, key="activity"),
        head_size=size,
    )


def detected(document: Document, path: Path, score_threshold: float = 0.0) -> list[Person]:
    """Return a person per accepted box of a detector's file, as `read_people` does.

    Raises: as `read_people`.
    """
    return list(_detected(read_json(path, "it holds the detector's boxes"), path, document, score_threshold))


def _detected(boxes: Any, path: Path, document: Document, score_threshold: float) -> Iterator[Person]:
    """Yield one person per accepted box of a detector."""
    if not isinstance(boxes, list):
        raise InvalidInput(f"{path}: expected a list of boxes, found {kind(boxes)}")
    nothing = np.zeros((_JOINTS, 3), dtype=np.float32)
    nothing.setflags(write=False)
    for index, entry in enumerate(boxes):
        where = f"{path}: entry {index}"
        if not isinstance(entry, dict):
            raise InvalidInput(f"{where}: expected an object, found {kind(entry)}")
        if integer(entry, "category_id", where) != PERSON:
            continue
        image = integer(entry, "image_id", where)
        if image not in document.images:
            raise InvalidInput(f"{where}: image_id {image} is not among the images of {document.path}")
        x, y, width, height = box(entry, where)
        score = numbers(entry, "score", where, 1)[0]
        if score >= score_threshold:
            yield Person(
                id=index,
                image_id=image,
                image=document.images[image].path,
                box=(x, y, width, height),
                keypoints=nothing,
                area=width * height,
                score=score,
            )


def _kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object without what no reader here uses."""
    return {key: value for key, value in pairs if key not in _UNREAD}


def _joint_names(content: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a person's joints that the file tells."""
    categories = content.get("categories")
    for category in categories if isinstance(categories, list) else []:
        if isinstance(category, dict) and category.get("id") == PERSON and isinstance(category.get("keypoints"), list):
            return tuple(map(str, category["keypoints"]))
    return ()


def _images(entries: list[Any], path: Path, folder: Path) -> dict[int, Image]:
    """Return the images of an annotation file by number, in its order."""
    images: dict[int, Image] = {}
    for index, entry in enumerate(entries):
        where = f"{path}: image {entry_name(entry, index)}"
        if not isinstance(entry, dict):
            raise InvalidInput(f"{where}: no file_name")
        name = image_name(entry.get("file_name"), where, key="file_name")
        number = integer(entry, "id", where)
        if number in images:
            raise InvalidInput(f"{where}: the id occurs twice")
        width, height = (numbers(entry, side, where, 1)[0] for side in ("width", "height"))
        if width < 1 or height < 1:
            raise InvalidInput(f"{where}: a size of {width:g} x {height:g} pixels")
        images[number] = Image(folder / name, width, height)
    return images


def _clipped(
    frame: tuple[float, float, float, float], width: float, height: float
) -> tuple[float, float, float, float] | None:
    """Clip a box to the image as the official reader does; None where nothing is left."""
    x1, y1 = max(0.0, frame[0]), max(0.0, frame[1])
    x2 = min(width - 1, x1 + max(0.0, frame[2] - 1))
    y2 = min(height - 1, y1 + max(0.0, frame[3] - 1))
    return (x1, y1, x2 - x1, y2 - y1) if x2 >= x1 and y2 >= y1 else None


def _layout(root: Path, split: str) -> str:
    """Say where the files of a split belong."""
    return f"expected: {Path(root)}/annotations/person_keypoints_{split}.json and the images in {Path(root) / split}/"
