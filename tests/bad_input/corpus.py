"""The corpus: every kind of damage to every kind of file, with the exit code and the words of the line it gets."""

from __future__ import annotations

import gzip
import io
from typing import Any, NamedTuple

import cv2
import h5py
import numpy as np

from benchbox.errors import CANNOT_JUDGE, USAGE
from tests.bad_input.good import (
    PEOPLE,
    changed,
    coco_boxes,
    coco_results,
    coco_truth,
    hdf5,
    jpeg,
    lsp_joints,
    mat,
    mpii_arrays,
    mpii_hdf5,
    mpii_joints,
    mpii_people,
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


def _raw(document: Any, value: bytes, *keys: str | int) -> bytes:
    """Return JSON with raw text at one place: what `json.dumps` cannot write."""
    return text(changed(document, "@", *keys)).replace(b'"@"', value)


_PACKED = gzip.compress(text(coco_results()) * 50)

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
    "points": Bad(_result([[1, 2, 1]] * 17, "keypoints"), ("result 1", "17 numbers, expected 51")),
    "keypoints in a text": Bad(_result("1" * 51, "keypoints"), ("result 1", "keypoints is '1111")),
    "far off": Bad(_result([1e9] * 51, "keypoints"), ("result 1", "keypoints[0] is 1000000000.0")),
    "unknown image": Bad(_result(77, "image_id"), ("result 1", "image_id 77")),
    "negative image": Bad(_result(-1, "image_id"), ("result 1", "image_id is -1")),
    "half an image": Bad(_result(1.0, "image_id"), ("result 1", "image_id is 1.0")),
    "image by name": Bad(_result("1.jpg", "image_id"), ("result 1", "image_id is '1.jpg'")),
    "true as image": Bad(_result(True, "image_id"), ("result 1", "image_id is True")),
    "image beyond 64 bits": Bad(_result(2**63, "image_id"), ("result 1", "image_id is 9223372036854775808")),
    **{
        f"coordinate: {name}": Bad(_raw(coco_results(), raw, 1, "keypoints", 4), ("result 1", "keypoints[4] is "))
        for name, raw in _NOT_NUMBERS.items()
    },
    **{
        f"score: {name}": Bad(_raw(coco_results(), raw, 1, "score"), ("result 1", "score is "))
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
            _raw(coco_truth(), raw, "annotations", 1, "keypoints", 3), ("annotation 11", "keypoints[3] is ")
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


def _h5_external() -> bytes:
    """Return an array whose numbers lie in another file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("preds", (PEOPLE, 16, 2), "f8", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
    return buffer.getvalue()


def _h5_virtual() -> bytes:
    """Return an array that is a view of one in another file."""
    buffer = io.BytesIO()
    layout = h5py.VirtualLayout((PEOPLE, 16, 2), "f8")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "preds", (PEOPLE, 16, 2))
    with h5py.File(buffer, "w") as file:
        file.create_virtual_dataset("preds", layout)
    return buffer.getvalue()


def _h5_bomb() -> bytes:
    """Return 8 TB in a few kilobytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("preds", (10**12,), "f8", chunks=(1000,), compression="gzip")
    return buffer.getvalue()


def _cells(*values: Any) -> np.ndarray:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells


_WHOLE = mat(preds=mpii_joints())
_WHOLE_H5 = hdf5(preds=mpii_joints())
_LISTS = mpii_joints().tolist()
_NONE = "no array of predictions"
MPII_PREDICTIONS = {name: bad for name, bad in NOT_JSON.items() if bad.suffix == ".json"} | {
    "7.3": Bad(hdf5(512, preds=mpii_joints()), ("version 7.3", "-v7"), suffix=".mat"),
    "mat cut": Bad(_WHOLE[:-30], ("not a whole MATLAB file",), suffix=".mat"),
    "mat of 0 bytes": Bad(b"", ("not a whole MATLAB file",), suffix=".mat"),
    "mat is JSON": Bad(text([1]), ("not a whole MATLAB file",), suffix=".mat"),
    "mat without preds": Bad(mat(x=mpii_joints()), (_NONE, "found x"), suffix=".mat"),
    "mat of texts": Bad(mat(preds="joints"), ("not numbers",), suffix=".mat"),
    "mat of cells": Bad(mat(preds=_cells(1, "a")), ("not numbers",), suffix=".mat"),
    "mat of structs": Bad(mat(preds={"a": 1}), ("not numbers",), suffix=".mat"),
    "mat of complex numbers": Bad(mat(preds=mpii_joints() * 1j), ("not numbers",), suffix=".mat"),
    "mat of nobody": Bad(mat(preds=np.zeros((0, 16, 2))), ("holds no predictions",), CANNOT_JUDGE, ".mat"),
    "others' people": Bad(mat(preds=np.ones((9, 16, 2))), ("predictions of 9 people",), suffix=".mat"),
    "15 joints": Bad(mat(preds=np.ones((PEOPLE, 15, 2))), ("(5, 15, 2)", "expected (5, 16, 2)"), suffix=".mat"),
    "a table": Bad(mat(preds=np.ones((PEOPLE, 32))), ("expected (5, 16, 2)",), suffix=".mat"),
    "NaN": Bad(mat(preds=np.full((PEOPLE, 16, 2), np.nan)), ("person 0, joint 0",), suffix=".mat"),
    "infinity": Bad(mat(preds=np.full((PEOPLE, 16, 2), -np.inf)), ("person 0, joint 0",), suffix=".mat"),
    "h5 cut": Bad(_WHOLE_H5[:-500], ("not a whole HDF5 file",), suffix=".h5"),
    "h5 is JSON": Bad(text([1]), ("not an HDF5 file",), suffix=".h5"),
    "h5 with a link into another file": Bad(
        hdf5(preds=h5py.ExternalLink("/tmp/other.h5", "/preds")), (_NONE,), suffix=".h5"
    ),
    "h5 with a soft link": Bad(hdf5(preds=h5py.SoftLink("/preds")), (_NONE,), suffix=".h5"),
    "h5 with numbers elsewhere": Bad(_h5_external(), (_NONE,), suffix=".h5"),
    "h5 with a view elsewhere": Bad(_h5_virtual(), (_NONE,), suffix=".h5"),
    "h5 of 8 TB": Bad(_h5_bomb(), (_NONE,), suffix=".h5"),
    "h5 without values": Bad(hdf5(preds=h5py.Empty("f8")), (_NONE,), suffix=".h5"),
    "h5 of texts": Bad(hdf5(preds=np.array([b"ab"])), ("not numbers",), suffix=".h5"),
    "h5 with a group": Bad(hdf5(**{"preds/a": 1}), (_NONE,), suffix=".h5"),
    "list of nobody": Bad(b"[]", ("holds no predictions",), CANNOT_JUDGE),
    "no array": Bad(b"{}", (_NONE, "found nothing")),
    "ragged": Bad(text([*_LISTS[1:], _LISTS[0][:15]]), ("15 and 16 joints",)),
    "flat and ragged": Bad(text([[1.0] * 47] * PEOPLE), ("person 0", "47 numbers")),
    "text as a coordinate": Bad(text(changed(_LISTS, "7", 1, 2, 0)), ("person 1", "joint 2[0] is '7'")),
    "NaN as a coordinate": Bad(text(changed(_LISTS, float("nan"), 1, 2, 0)), ("person 1", "joint 2[0] is nan")),
    "a huge integer": Bad(_raw(_LISTS, b"1" + b"0" * 400, 1, 2, 0), ("person 1", "joint 2[0] is 1000")),
    "far off": Bad(text(changed(_LISTS, 1e9, 1, 2, 0)), ("person 1", "joint 2[0] is 1000000000.0")),
    "someone is a number": Bad(text([3] * PEOPLE), ("person 0", "a list of points")),
    "a spreadsheet": Bad(b"1,2,3\n", (".mat, .h5 or .json",), suffix=".csv"),
}


def _entry(value: Any, *keys: str | int) -> bytes:
    return text(changed(mpii_people(), value, 1, *keys))


MPII_PEOPLE = {name: bad for name, bad in NOT_JSON.items() if bad.suffix == ".json"} | {
    "an object": Bad(b"{}", ("found an object",)),
    "not a person": Bad(text(changed(mpii_people(), 3, 1)), ("entry 1", "found a number")),
    "COCO's annotations": Bad(text(coco_truth()["annotations"]), ("entry 0", "no image")),
    "no joints": Bad(_entry(..., "joints"), ("entry 1", "joints is")),
    "15 joints": Bad(_entry([[1, 2]] * 15, "joints"), ("entry 1", "joints has 15 points, expected 16")),
    "ragged": Bad(_entry([1, 2, 3], "joints", 4), ("entry 1", "joints[4] has 3 numbers")),
    "NaN": Bad(_entry(float("nan"), "joints", 4, 0), ("entry 1", "joints[4][0] is nan")),
    "null": Bad(_entry(None, "joints", 4, 0), ("entry 1", "joints")),
    "text": Bad(_entry("9", "joints", 4, 0), ("entry 1", "joints[4][0] is '9'")),
    "true": Bad(_entry(True, "joints", 4, 0), ("entry 1", "joints[4][0] is True")),
    "object": Bad(_entry({}, "joints", 4, 0), ("entry 1", "joints")),
    "visibility 2": Bad(_entry(2, "joints_vis", 4), ("entry 1", "joints_vis")),
    "scale 0": Bad(_entry(0, "scale"), ("entry 1", "scale is 0")),
    "no scale": Bad(_entry(..., "scale"), ("entry 1", "scale is missing")),
    "infinite center": Bad(_entry(float("inf"), "center", 0), ("entry 1", "center[0] is inf")),
    "image elsewhere": Bad(_entry("/etc/passwd", "image"), ("entry 1", "leaves the folder")),
    "image is a number": Bad(_entry(5, "image"), ("entry 1", "no image")),
}


def _arrays(**change: Any) -> bytes:
    return mat(**{name: value for name, value in (mpii_arrays() | change).items() if value is not None})


MPII_MAT = {
    "0 bytes": Bad(b"", ("not a whole MATLAB file",)),
    "cut": Bad(_arrays()[:-40], ("not a whole MATLAB file",)),
    "7.3": Bad(hdf5(512, pos_gt_src=1), ("version 7.3", "-v7")),
    "no joints": Bad(_arrays(pos_gt_src=None), ("no array of numbers pos_gt_src",)),
    "joints of text": Bad(_arrays(pos_gt_src="a"), ("no array of numbers pos_gt_src",)),
    "joints of cells": Bad(_arrays(pos_gt_src=_cells(1, "a")), ("no array of numbers pos_gt_src",)),
    "turned": Bad(_arrays(pos_gt_src=mpii_joints()), ("pos_gt_src is 5 x 16 x 2, expected 16 x 2 x N",)),
    "four persons": Bad(_arrays(jnt_missing=np.zeros((16, 4))), ("jnt_missing holds 4 persons", "5")),
    "NaN": Bad(_arrays(pos_gt_src=np.full((16, 2, PEOPLE), np.nan)), ("pos_gt_src(1, 1, 1)", "finite")),
    "far off": Bad(_arrays(pos_gt_src=np.full((16, 2, PEOPLE), 1e9)), ("pos_gt_src(1, 1, 1)", "1e+09")),
    "head without extent": Bad(_arrays(headboxes_src=np.ones((2, 2, PEOPLE))), ("person 0", "no extent")),
    "no heads": Bad(_arrays(headboxes_src=None), ("no array of numbers headboxes_src",)),
    "another order": Bad(_arrays(jnt_missing=np.eye(16, PEOPLE)), ("person 0", "another order?")),
}

ACTIVITIES = {
    "not JSON": Bad(b"{", ("not JSON",)),
    "a list": Bad(b"[]", ("found a list",)),
    "a text": Bad(text({"000.jpg": "walking"}), ("000.jpg", "found a text")),
    "half a character": Bad(text({"000.jpg": {"activity": "\ud800"}}), ("000.jpg", "activity is '\\ud800'")),
    "a number": Bad(text({"000.jpg": {"category": 7}}), ("000.jpg", "category is 7")),
}


def _h5(**change: Any) -> bytes:
    return hdf5(**{name: value for name, value in (mpii_hdf5() | change).items() if value is not None})


MPII_HDF5 = {
    "0 bytes": Bad(b"", ("not an HDF5 file",)),
    "cut": Bad(_h5()[:-500], ("not a whole HDF5 file",)),
    "no joints": Bad(_h5(part=None), ("no array part",)),
    "15 joints": Bad(_h5(part=np.ones((PEOPLE, 15, 2))), ("part is (5, 15, 2)",)),
    "joints of text": Bad(_h5(part=np.full((PEOPLE, 16, 2), b"a")), ("part", "numbers")),
    "NaN": Bad(_h5(part=np.full((PEOPLE, 16, 2), np.nan)), ("part", "person 0")),
    "four names": Bad(_h5(imgname=np.array([b"a"] * 4)), ("imgname",)),
    "names of numbers": Bad(_h5(imgname=np.arange(PEOPLE)), ("imgname",)),
    "heads of text": Bad(_h5(normalize=np.full(PEOPLE, b"a")), ("normalize",)),
    "a table of heads": Bad(_h5(normalize=np.ones((PEOPLE, 2))), ("normalize",)),
    "head of size 0": Bad(_h5(normalize=np.zeros(PEOPLE)), ("normalize", "person 0")),
    "NaN head": Bad(_h5(normalize=np.full(PEOPLE, np.nan)), ("normalize", "person 0")),
}

LSP = {
    "0 bytes": Bad(b"", ("not a whole MATLAB file",)),
    "cut": Bad(mat(joints=lsp_joints())[:-40], ("not a whole MATLAB file",)),
    "7.3": Bad(hdf5(512, joints=1), ("version 7.3", "-v7")),
    "no joints": Bad(mat(x=1), ("no array of numbers joints", "x")),
    "16 joints": Bad(mat(joints=np.ones((16, 3, 10_000))), ("joints is 16 x 3 x 10000",)),
    "some people": Bad(mat(joints=np.ones((14, 3, 50))), ("joints is 14 x 3 x 50",)),
    "NaN": Bad(mat(joints=lsp_joints() * np.nan), ("joints(1, 1, 1)", "finite")),
    "far off": Bad(mat(joints=lsp_joints() * [[1e9], [1], [1]]), ("joints(1, 1, 1) is 1e+09",)),
    "visibility": Bad(mat(joints=lsp_joints() * 3), ("image 1", "visibility")),
    "cells": Bad(mat(joints=_cells(1, "a")), ("joints",)),
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
