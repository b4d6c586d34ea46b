"""The part of the corpus for MPII and LSP: .mat, .h5 and JSON."""

from __future__ import annotations

import io
from typing import Any

import h5py
import numpy as np

from benchbox.errors import CANNOT_JUDGE
from tests.bad_input.corpus import NOT_JSON, Bad, raw_json
from tests.bad_input.good import (
    PEOPLE,
    changed,
    coco_truth,
    hdf5,
    lsp_joints,
    mat,
    mpii_arrays,
    mpii_hdf5,
    mpii_joints,
    mpii_people,
    text,
)


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
    "a huge integer": Bad(raw_json(_LISTS, b"1" + b"0" * 400, 1, 2, 0), ("person 1", "joint 2[0] is 1000")),
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
