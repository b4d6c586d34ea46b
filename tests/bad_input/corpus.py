"""The corpus: every kind of damage to a file, with the exit code and the words of the line it gets. COCO and images."""

from __future__ import annotations

import gzip
from typing import Any, NamedTuple

import cv2

from benchbox.errors import CANNOT_JUDGE, USAGE
from tests.bad_input.good import (
    changed,
    coco_boxes,
    coco_results,
    coco_truth,
    jpeg,
    text,
)


class Bad(NamedTuple):
    """Hold a damaged file, what its line must say beside its name, the exit code; the suffix where it is special."""

    content: bytes
    words: tuple[str, ...]
    code: int = USAGE
    suffix: str = ".json"


_NOT_NUMBERS = {"NaN": b"NaN", "Infinity": b"-Infinity", "1e400": b"1e400", "text": b'"7"', "null": b"null"}
_NOT_NUMBERS |= {"true": b"true", "huge integer": b"1" + b"0" * 400, "list": b"[7]", "object": b"{}"}


def _result(value: Any, key: str) -> bytes:
    return text(changed(coco_results(), value, 1, key))


def raw_json(document: Any, value: bytes, *keys: str | int) -> bytes:
    """Return JSON with raw text at one place: what `json.dumps` cannot write."""
    return text(changed(document, "@", *keys)).replace(b'"@"', value)


_PACKED = gzip.compress(text(coco_results()) * 50, mtime=0)

NOT_JSON = {
    "empty file": Bad(b"", ("not JSON",)),
    "text": Bad(b"AP = 63.2\n", ("not JSON",)),
    "picture": Bad(jpeg(), ("not JSON",)),
    "truncated": Bad(text(coco_results())[:-30], ("not JSON",)),
    "deep nesting": Bad(b"[" * 100_000, ("not JSON",)),
    "a number of 5000 digits": Bad(b"[" + b"9" * 5000 + b"]", ("not JSON",)),
    "gzip cut": Bad(_PACKED[:-40], ("not JSON",), suffix=".json.gz"),
    "gzip with a broken byte": Bad(_PACKED[:60] + b"\xff\xff" + _PACKED[62:], ("not JSON",), suffix=".json.gz"),
    "not packed": Bad(text(coco_results()), ("not JSON",), suffix=".json.gz"),
}
"""What no JSON reader takes, whatever it should hold."""

COCO_RESULTS = NOT_JSON | {
    "nobody": Bad(b"[]", ("holds no predictions",), CANNOT_JUDGE),
    "object": Bad(b"{}", ("found an object",)),
    "null": Bad(b"null", ("found null",)),
    "the ground truth": Bad(text(coco_truth()), ("found an object",)),
    "numbers": Bad(b"[1, 2]", ("result 0", "found a number")),
    "boxes": Bad(text(coco_boxes()), ("result 0", "no keypoints; boxes, not keypoints?")),
    "no score": Bad(_result(..., "score"), ("result 1", "no score")),
    "a dog": Bad(_result(18, "category_id"), ("result 1", "category_id is 18")),
    "16 joints": Bad(_result([1.0] * 48, "keypoints"), ("result 1", "48 numbers, expected 51")),
    "18 joints": Bad(_result([1.0] * 54, "keypoints"), ("result 1", "54 numbers, expected 51")),
    "points": Bad(
        _result([[1, 2, 1]] * 17, "keypoints"), ("result 1", "17 lists, expected 51 numbers, one after the other")
    ),
    "keypoints in a text": Bad(_result("1" * 51, "keypoints"), ("result 1", "keypoints is '1111")),
    "far off": Bad(_result([1e9] * 51, "keypoints"), ("result 1", "keypoints[0] is 1000000000.0")),
    "unknown image": Bad(_result(77, "image_id"), ("result 1", "image_id 77")),
    "negative image": Bad(_result(-1, "image_id"), ("result 1", "image_id is -1")),
    "half an image": Bad(_result(1.0, "image_id"), ("result 1", "image_id is 1.0")),
    "image by name": Bad(_result("1.jpg", "image_id"), ("result 1", "image_id is '1.jpg'")),
    "true as image": Bad(_result(True, "image_id"), ("result 1", "image_id is True")),
    "image beyond 64 bits": Bad(_result(2**63, "image_id"), ("result 1", "image_id is 9223372036854775808")),
    **{
        f"coordinate: {name}": Bad(raw_json(coco_results(), raw, 1, "keypoints", 4), ("result 1", "keypoints[4] is "))
        for name, raw in _NOT_NUMBERS.items()
    },
    **{
        f"score: {name}": Bad(raw_json(coco_results(), raw, 1, "score"), ("result 1", "score is "))
        for name, raw in _NOT_NUMBERS.items()
    },
}


def _person(value: Any, key: str) -> bytes:
    return text(changed(coco_truth(), value, "annotations", 1, key))


def _image(value: Any, key: str) -> bytes:
    return text(changed(coco_truth(), value, "images", 1, key))


_CAPTIONS = [{"id": 1, "image_id": 1, "caption": "a person"}]
COCO_TRUTH = NOT_JSON | {
    "a list": Bad(b"[]", ("found a list",)),
    "results": Bad(text(coco_results()), ("found a list",)),
    "nothing": Bad(b"{}", ("no list of images",)),
    "no annotations": Bad(text({"images": []}), ("no list of annotations",)),
    "instances": Bad(_person(..., "keypoints"), ("annotation 11", "no keypoints", "another task?")),
    "captions": Bad(text({**coco_truth(), "annotations": _CAPTIONS}), ("annotation 1 ", "another task?")),
    "annotation twice": Bad(_person(10, "id"), ("annotation 10", "the id occurs twice")),
    "image twice": Bad(_image(1, "id"), ("image", "1", "the id occurs twice")),
    "image without id": Bad(_image(..., "id"), ("image at place 1", "id is missing")),
    "unknown image": Bad(_person(99, "image_id"), ("annotation 11", "image_id 99")),
    "negative box": Bad(_person([5, 5, -8, 9], "bbox"), ("annotation 11", "negative size, -8 x 9")),
    "NaN box": Bad(_person([5, float("nan"), 8, 9], "bbox"), ("annotation 11", "bbox[1] is nan")),
    "half a box": Bad(_person([5, 5], "bbox"), ("annotation 11", "bbox has 2 numbers")),
    "NaN area": Bad(_person(float("nan"), "area"), ("annotation 11", "area is nan")),
    "text as area": Bad(_person("2400", "area"), ("annotation 11", "area is '2400'")),
    "16 joints": Bad(_person([1, 1, 2] * 16, "keypoints"), ("annotation 11", "48 numbers, expected 51")),
    "nested": Bad(_person([[1]] * 51, "keypoints"), ("annotation 11", "keypoints[0] is [1]")),
    "visibility 3": Bad(_person([1, 1, 3] * 17, "keypoints"), ("annotation 11", "visibility")),
    "not an annotation": Bad(text(changed(coco_truth(), 4, "annotations", 1)), ("annotation at place 1",)),
    **{
        f"coordinate: {name}": Bad(
            raw_json(coco_truth(), raw, "annotations", 1, "keypoints", 3), ("annotation 11", "keypoints[3] is ")
        )
        for name, raw in _NOT_NUMBERS.items()
    },
}
"""What neither `score` nor `run` nor `data check` may take."""

COCO_SCORE_ONLY = {
    "area 0": Bad(_person(0, "area"), ("annotation 11", "area is 0")),
    "negative area": Bad(_person(-3.5, "area"), ("annotation 11", "area is -3.5")),
    "a dog": Bad(_person(18, "category_id"), ("annotation 11", "category_id is 18")),
    "text as crowd": Bad(_person("no", "iscrowd"), ("annotation 11", "iscrowd is 'no'")),
    "no count": Bad(_person(..., "num_keypoints"), ("annotation 11", "num_keypoints is missing")),
    "no annotation": Bad(text({**coco_truth(), "annotations": []}), ("nobody with keypoints",), CANNOT_JUDGE),
    "only crowds": Bad(
        text({**coco_truth(), "annotations": [{**one, "iscrowd": 1} for one in coco_truth()["annotations"]]}),
        ("nobody with keypoints",),
        CANNOT_JUDGE,
    ),
}
"""What a score cannot be made against; the official readers of people leave most of it out."""

COCO_PEOPLE_ONLY = {
    "image elsewhere": Bad(_image("../1.jpg", "file_name"), ("image 2", "leaves the folder")),
    "image at the root": Bad(_image("/etc/passwd", "file_name"), ("image 2", "leaves the folder")),
    "half a character": Bad(_image("\ud800.jpg", "file_name"), ("image 2", "file_name is '\\ud800.jpg'")),
    "a name with a zero": Bad(_image("2\0.jpg", "file_name"), ("image 2", "file_name is '2\\x00.jpg'")),
    "a number as activity": Bad(_person(7, "activity"), ("annotation 11", "activity is 7")),
    "no file name": Bad(_image(..., "file_name"), ("image 2", "no file_name")),
    "image of 0 pixels": Bad(_image(0, "width"), ("image 2", "0 x 96")),
    "NaN height": Bad(_image(float("nan"), "height"), ("image 2", "height is nan")),
}
"""What a score needs not, a crop does."""


def _box(value: Any, key: str) -> bytes:
    return text(changed(coco_boxes(), value, 1, key))


COCO_BOXES = NOT_JSON | {
    "object": Bad(b"{}", ("found an object",)),
    "not a box": Bad(b"[3]", ("entry 0", "found a number")),
    "negative box": Bad(_box([1, 2, 3, -4], "bbox"), ("entry 1", "negative size, 3 x -4")),
    "infinite box": Bad(_box([1, 2, 3, float("inf")], "bbox"), ("entry 1", "bbox[3] is inf")),
    "unknown image": Bad(_box(99, "image_id"), ("entry 1", "image_id 99")),
    "NaN score": Bad(_box(float("nan"), "score"), ("entry 1", "score is nan")),
    "no score": Bad(_box(..., "score"), ("entry 1", "score is missing")),
    "keypoints": Bad(text(coco_results()), ("entry 0", "bbox is missing")),
}


_JPEG = jpeg()
IMAGES = {
    "empty": b"",
    "text": b"not a picture",
    "JSON": text(coco_boxes()),
    "half": _JPEG[: len(_JPEG) // 2],
    "without its last byte": _JPEG[:-1],
    "without its end mark": _JPEG[:-2],
    "without its end mark, but decoded by OpenCV": jpeg((640, 480), cv2.IMWRITE_JPEG_OPTIMIZE, 1)[:-2],
    "header only": _JPEG[:20],
}
