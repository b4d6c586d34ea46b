"""Read COCO person keypoints: ground truth or detected boxes into people, as the official HRNet code reads them."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.errors import BenchboxError, EnvironmentProblem, InvalidInput
from benchbox.pose.people import Person, head_size

JOINTS = 17
LAYOUT = "expected <root>/annotations/person_keypoints_<split>.json and images in <root>/<split>/"


def annotation_file(root: Path, split: str) -> Path:
    """Return where COCO's own archive puts a split's person keypoints."""
    return root / "annotations" / f"person_keypoints_{split}.json"


def fingerprint(root: Path, split: str) -> str:
    """Return 16 hex digits of the annotation file's SHA-256."""
    return hashlib.sha256(annotation_file(root, split).read_bytes()).hexdigest()[:16]


def read_people(
    root: Path,
    split: str,
    *,
    boxes: str = "ground-truth",
    detections: Path | None = None,
    score_threshold: float = 0.0,
) -> list[Person]:
    """Read the people of a split, in the official order.

    Args:
        boxes: ground-truth (crowds and people without keypoints left out) or detector (whoever `detections` names).
        detections: JSON list of {image_id, category_id, bbox, score}; only persons above `score_threshold` count.
    Raises: EnvironmentProblem when a file is missing, InvalidInput when one is not what it should be.
    """
    file = annotation_file(root, split)
    images, annotations = _ground_truth(file)
    folder = root / split
    if not folder.is_dir():
        raise EnvironmentProblem(f"{folder}: no such folder of images; {LAYOUT}")
    if boxes == "detector":
        return _detected(detections, folder, images, score_threshold)
    by_image: dict[int, list[dict[str, Any]]] = {number: [] for number in images}
    for annotation in annotations:
        by_image[annotation["image_id"]].append(annotation)
    people = [
        _person(annotation, images[number], folder, file)
        for number, members in by_image.items()
        for annotation in members
        if not annotation.get("iscrowd") and any(value > 0 for value in annotation["keypoints"])
    ]
    return [person for person in people if person is not None]


def _ground_truth(file: Path) -> tuple[dict[int, dict[str, Any]], list[dict[str, Any]]]:
    document = _load(file)
    if not isinstance(document, dict) or not {"images", "annotations"} <= document.keys():
        raise InvalidInput(f"{file}: not a COCO annotation file: no images or annotations")
    images: dict[int, dict[str, Any]] = {}
    for image in document["images"]:
        if not isinstance(image, dict) or not {"id", "file_name", "width", "height"} <= image.keys():
            raise InvalidInput(f"{file}: image {_name(image)}: needs id, file_name, width and height")
        if image["id"] in images:
            raise InvalidInput(f"{file}: image {image['id']}: stands twice")
        name = str(image["file_name"])
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InvalidInput(f"{file}: image {image['id']}: file_name leaves the folder of images")
        images[image["id"]] = image
    seen: set[Any] = set()
    for annotation in document["annotations"]:
        problem = _problem(annotation, images)
        if not problem and annotation["id"] in seen:
            problem = "its id stands twice"
        if problem:
            raise InvalidInput(f"{file}: annotation {_name(annotation)}: {problem}")
        seen.add(annotation["id"])
    return images, document["annotations"]


def _problem(annotation: Any, images: dict[int, dict[str, Any]]) -> str:
    if not isinstance(annotation, dict) or not {"id", "image_id", "bbox"} <= annotation.keys():
        return "needs id, image_id and bbox"
    if annotation["image_id"] not in images:
        return f"its image {annotation['image_id']} is not in the file"
    if "keypoints" not in annotation:
        return "has no keypoints; is this another task's file?"
    keypoints = annotation["keypoints"]
    if not isinstance(keypoints, list) or len(keypoints) != 3 * JOINTS:
        size = len(keypoints) if isinstance(keypoints, list) else "none"
        return f"needs {3 * JOINTS} keypoint numbers; got {size}"
    if not _finite(keypoints):
        return "a keypoint is not a finite number"
    return _box_problem(annotation["bbox"])


def _box_problem(box: Any) -> str:
    if not isinstance(box, list) or len(box) != 4 or not _finite(box):
        return f"bbox must be four finite numbers; got {box!r:.60}"
    return "" if min(box[2:]) >= 0 else f"bbox has a negative size: {box}"


def _finite(numbers: list[Any]) -> bool:
    return all(type(number) in (int, float) and math.isfinite(number) for number in numbers)


def _person(annotation: dict[str, Any], image: dict[str, Any], folder: Path, file: Path) -> Person | None:
    x, y, width, height = annotation["bbox"]
    left, top = max(0.0, x), max(0.0, y)
    right = min(image["width"] - 1.0, left + max(0.0, width - 1))
    bottom = min(image["height"] - 1.0, top + max(0.0, height - 1))
    area = annotation.get("area", width * height)
    if not _finite([area]):
        raise InvalidInput(f"{file}: annotation {annotation['id']}: area must be a finite number")
    if area <= 0 or right < left or bottom < top:
        return None
    keypoints = np.array(annotation["keypoints"], np.float32).reshape(JOINTS, 3)
    keypoints[keypoints[:, 2] == 0] = 0
    head = annotation.get("head_box")
    return Person(
        id=int(annotation["id"]),
        image_id=int(image["id"]),
        image=folder / image["file_name"],
        box=(left, top, right - left, bottom - top),
        keypoints=keypoints,
        area=float(area),
        category=str(annotation.get("activity", "")),
        head_size=float(head_size(np.array(head))) if head is not None else math.nan,
    )


def _detected(
    detections: Path | None, folder: Path, images: dict[int, dict[str, Any]], score_threshold: float
) -> list[Person]:
    if detections is None:
        raise InvalidInput("detector boxes need a file of detections")
    found = _load(detections)
    if not isinstance(found, list):
        raise InvalidInput(f"{detections}: not a list of detections")
    people = []
    for number, entry in enumerate(found):
        if not isinstance(entry, dict) or not {"image_id", "category_id", "bbox", "score"} <= entry.keys():
            raise InvalidInput(f"{detections}: entry {number}: needs image_id, category_id, bbox and score")
        problem = _box_problem(entry["bbox"]) or ("" if _finite([entry["score"]]) else "score is not a finite number")
        if not problem and entry["image_id"] not in images:
            problem = f"its image {entry['image_id']} is not in the ground truth"
        if problem:
            raise InvalidInput(f"{detections}: entry {number}: {problem}")
        if entry["category_id"] != 1 or entry["score"] < score_threshold:
            continue
        x, y, width, height = map(float, entry["bbox"])
        image = images[entry["image_id"]]
        people.append(
            Person(
                id=number,
                image_id=int(image["id"]),
                image=folder / image["file_name"],
                box=(x, y, width, height),
                keypoints=np.zeros((JOINTS, 3), np.float32),
                area=width * height,
                score=float(entry["score"]),
            )
        )
    return people


def _load(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise EnvironmentProblem(f"{file}: no such file; {LAYOUT}") from None
    except OSError as problem:
        raise EnvironmentProblem(f"{file}: cannot be read: {problem.strerror}") from None
    except (ValueError, RecursionError) as problem:
        raise _not_json(file, problem) from None


def _not_json(file: Path, problem: Exception) -> BenchboxError:
    return InvalidInput(f"{file}: not JSON: {str(problem)[:100]}")


def _name(entry: Any) -> str:
    return str(entry.get("id", "without id"))[:40] if isinstance(entry, dict) else repr(entry)[:40]
