"""Small data sets that are as they should be; the corpus damages them one thing at a time."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import scipy.io

PEOPLE = 5
"""Of MPII."""


def coco_truth() -> dict[str, Any]:
    """Return four images, three persons in two of them: annotations 10, 11, 12."""
    rng = np.random.default_rng(7)
    annotations = []
    for number, image in ((10, 1), (11, 1), (12, 3)):
        keypoints = np.column_stack([rng.integers(5, 90, (17, 2)), np.full(17, 2)])
        annotations.append(
            {
                "id": number,
                "image_id": image,
                "category_id": 1,
                "iscrowd": 0,
                "area": 2400.0,
                "bbox": [5, 5, 85, 85],
                "num_keypoints": 17,
                "keypoints": keypoints.ravel().tolist(),
            }
        )
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 96, "height": 96} for n in range(1, 5)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}


def coco_results() -> list[dict[str, Any]]:
    """Return a prediction for each of the three, some pixels off, and one in an image without people."""
    rng = np.random.default_rng(8)
    results = []
    for index, entry in enumerate([*coco_truth()["annotations"], coco_truth()["annotations"][0] | {"image_id": 2}]):
        keypoints = np.array(entry["keypoints"], float).reshape(17, 3)
        keypoints[:, :2] += rng.normal(0, 3, (17, 2)).round(1)
        values = keypoints.ravel().tolist()
        results.append(
            {"image_id": entry["image_id"], "category_id": 1, "keypoints": values, "score": 0.9 - index / 10}
        )
    return results


def coco_boxes() -> list[dict[str, Any]]:
    """Return a detector's boxes for two of the images."""
    return [{"image_id": n, "category_id": 1, "bbox": [5, 6, 80, 70.5], "score": 0.8} for n in (1, 3)]


def mpii_people() -> list[dict[str, Any]]:
    """Return five persons as HRNet's JSON holds them."""
    joints = mpii_joints()
    return [
        {
            "image": f"00{index}.jpg",
            "center": [50.0, 60.0],
            "scale": 0.5,
            "joints": joints[index].tolist(),
            "joints_vis": [1] * 16,
        }
        for index in range(PEOPLE)
    ]


def mpii_joints() -> np.ndarray:
    """Return their joints (5, 16, 2), one-based."""
    return np.random.default_rng(9).integers(10, 90, (PEOPLE, 16, 2)).astype(float)


def mpii_arrays() -> dict[str, Any]:
    """Return the variables of gt_valid.mat."""
    return {
        "pos_gt_src": mpii_joints().transpose(1, 2, 0),
        "jnt_missing": np.zeros((16, PEOPLE)),
        "headboxes_src": np.array([[10.0, 10.0], [30.0, 40.0]])[:, :, None] + np.zeros(PEOPLE),
    }


def mpii_hdf5() -> dict[str, Any]:
    """Return the arrays of pytorch-pose's valid.h5."""
    names = np.array([f"00{index}.jpg" for index in range(PEOPLE)], dtype="S7")
    return {"part": mpii_joints(), "normalize": np.full(PEOPLE, 20.0), "imgname": names}


def lsp_joints() -> np.ndarray:
    """Return joints of LSP-extended (14, 3, 10000), all labelled."""
    joints = np.ones((14, 3, 10_000))
    joints[:, :2] += np.arange(14)[:, None, None] * np.array([3, 5])[:, None]
    return joints


def mat(**variables: Any) -> bytes:
    """Return a MATLAB file of version 5."""
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=True)
    return file.getvalue()


def hdf5(userblock: int = 0, **arrays: Any) -> bytes:
    """Return an HDF5 file; a value may be a link."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=userblock) as file:
        for name, value in arrays.items():
            file[name] = value
    return buffer.getvalue()


def jpeg(size: tuple[int, int] = (96, 96), *options: int) -> bytes:
    """Return a picture of so many pixels, width and height."""
    noise = np.random.default_rng(3).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    picture = cv2.resize(cv2.GaussianBlur(noise, (7, 7), 2), size)
    return bytes(cv2.imencode(".jpg", picture, options)[1])


def text(document: Any) -> bytes:
    """Return JSON, with NaN and Infinity where there are any."""
    return json.dumps(document).encode()


def changed(document: Any, value: Any, *keys: str | int) -> Any:
    """Return a copy with another value at one place; without the key where the value is `...`."""
    whole = copy.deepcopy(document)
    place = whole
    for key in keys[:-1]:
        place = place[key]
    if value is ...:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return whole


def write_all(root: Path) -> None:
    """Write every data set as a data root holds it: coco, mpii and lspet with a few images."""
    for folder in ("coco/annotations", "coco/val2017", "mpii/annot", "mpii/images", "lspet/images"):
        (root / folder).mkdir(parents=True)
    for number in range(1, 5):
        (root / f"coco/val2017/{number}.jpg").write_bytes(jpeg())
    for index in range(PEOPLE):
        (root / f"mpii/images/00{index}.jpg").write_bytes(jpeg())
    for number in (1, 2, 3):
        (root / f"lspet/images/im0000{number}.jpg").write_bytes(jpeg())
    (root / "coco/annotations/person_keypoints_val2017.json").write_bytes(text(coco_truth()))
    (root / "mpii/annot/valid.json").write_bytes(text(mpii_people()))
    (root / "mpii/annot/gt_valid.mat").write_bytes(mat(**mpii_arrays()))
    (root / "lspet/joints.mat").write_bytes(mat(joints=lsp_joints()))
    (root / "lspet/splits.json").write_bytes(text({"test": [1, 2, 3]}))
