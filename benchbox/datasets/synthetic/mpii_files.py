"""Write the persons as MPII does: HRNet's JSON and ground-truth .mat, the activities, the official RELEASE structure.

Coordinates in these files are one-based, as in MPII's own: one is added to ours here and nowhere else.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchbox.datasets.synthetic.activities import ACTIVITIES
from benchbox.datasets.synthetic.body import Floats
from benchbox.datasets.synthetic.matlab import Cells, Structs, mat_file
from benchbox.datasets.synthetic.scene import Person, Scene

JOINTS = (
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor", "neck", "head", "rwri", "relb", "rsho", "lsho",
    "lelb", "lwri",
)  # fmt: skip
MISSING = -1.0  # coordinate of a joint without label in the JSON; the .mat has 0 there
# HRNet's reader moves the centre down by 15 * scale and widens the scale to 1.25 (its mpii.py); the shift is undone
# here, so that the crop it makes is the person's box with a quarter to spare.
CENTRE_SHIFT = 15.0
PIXELS_PER_SCALE = 200.0
ACT_IDS = {
    label: number for number, label in enumerate((a for kind in ACTIVITIES.values() for a in kind.labels), start=1)
}

POINT = ("x", "y", "id", "is_visible")
RECTANGLE = ("x1", "y1", "x2", "y2", "annopoints", "scale", "objpos")


def image_name(split: str, number: int) -> str:
    """Return an image's file name in MPII's one folder for all splits; number from 1."""
    return f"{1 if split == 'train' else 2}{number:08d}.jpg"


class MpiiFiles:
    """Gathers both splits, image after image, and writes every file of the MPII layout but the images."""

    def __init__(self) -> None:
        self._persons: dict[str, list[tuple[str, Person]]] = {"train": [], "val": []}
        self._activities: dict[str, dict[str, str]] = {}
        self._annotations: list[tuple[Any, ...]] = []
        self._acts: list[tuple[Any, ...]] = []
        self._counts: list[int] = []

    def add(self, split: str, number: int, scene: Scene) -> None:
        """Add image `number` (from 1) of split "train" or "val" with its people."""
        name = image_name(split, number)
        self._persons[split] += [(name, person) for person in scene.people]
        self._activities[name] = {"category": scene.category, "activity": scene.label}
        rectangles = Structs(RECTANGLE, [_rectangle(person) for person in scene.people])
        self._annotations.append((Structs(("name",), [(name,)]), rectangles))
        self._acts.append((scene.category, scene.label, float(ACT_IDS[scene.label])))
        self._counts.append(len(scene.people))

    def write(self, folder: Path) -> None:
        """Write train.json, valid.json, activities.json and the two .mat files into `folder`, MPII's `annot`."""
        for split, name in (("train", "train.json"), ("val", "valid.json")):
            entries = [_entry(image, person) for image, person in self._persons[split]]
            (folder / name).write_text(json.dumps(entries, separators=(",", ":")), encoding="utf-8")
        (folder / "activities.json").write_text(json.dumps(self._activities, indent=0), encoding="utf-8")
        write_mat(folder / "gt_valid.mat", _ground_truth([person for _, person in self._persons["val"]]))

    def write_release(self, path: Path) -> None:
        """Write the official structure, `RELEASE`.

        `img_train` is 1 everywhere: MPII's validation persons, too, come from the images it marks so.
        """
        release = {
            "annolist": Structs(("image", "annorect"), self._annotations),
            "img_train": np.ones((1, len(self._annotations))),
            "version": "benchbox synthetic",
            "single_person": Cells([np.arange(1.0, people + 1.0)[:, None] for people in self._counts]),
            "act": Structs(("cat_name", "act_name", "act_id"), self._acts, column=True),
        }
        path.write_bytes(mat_file(RELEASE=Structs(tuple(release), [tuple(release.values())])))


def _joints(person: Person, missing: float) -> tuple[Floats, NDArray[np.int64]]:
    """Return joints (16, 2), one-based, `missing` where not labelled, and whether each is labelled, (16,)."""
    labelled = (person.keypoints_mpii[:, 2] > 0).astype(np.int64)
    return np.where(labelled[:, None] > 0, np.round(person.keypoints_mpii[:, :2] + 1.0, 2), missing), labelled


def _centre_and_scale(person: Person) -> tuple[list[float], float]:
    """Return the person's place (x, y), one-based, and its size in units of 200 pixels."""
    x, y, w, h = person.box
    scale = max(w, h) / PIXELS_PER_SCALE
    return [round(x + 0.5 * w + 0.5, 2), round(y + 0.5 * h + 0.5 - CENTRE_SHIFT * scale, 2)], round(scale, 4)


def _entry(image: str, person: Person) -> dict[str, Any]:
    """Return one person's entry of HRNet's JSON."""
    joints, labelled = _joints(person, MISSING)
    centre, scale = _centre_and_scale(person)
    return {
        "joints_vis": labelled.tolist(), "joints": joints.tolist(), "image": image, "scale": scale, "center": centre,
    }  # fmt: skip


def _rectangle(person: Person) -> tuple[Any, ...]:
    """Return one person's `annorect`: head rectangle, labelled points, size and place."""
    seen = person.keypoints_mpii[:, 2]
    joints, _ = _joints(person, MISSING)
    points = [(*joints[j].tolist(), float(j), float(seen[j] == 2)) for j in range(len(JOINTS)) if seen[j] > 0]
    centre, scale = _centre_and_scale(person)
    x1, y1, x2, y2 = (round(v + 1.0, 2) for v in person.head_box)
    place = Structs(("x", "y"), [(centre[0], centre[1])])
    return x1, y1, x2, y2, Structs(("point",), [(Structs(POINT, points),)]), scale, place


def _ground_truth(persons: list[Person]) -> dict[str, Any]:
    """Return the content of gt_valid.mat, the persons in the order of valid.json."""
    count = len(persons)
    positions, heads = np.zeros((len(JOINTS), 2, count)), np.zeros((2, 2, count))
    missing = np.zeros((len(JOINTS), count), np.uint8)
    for place, person in enumerate(persons):
        joints, labelled = _joints(person, 0.0)
        positions[:, :, place], missing[:, place] = joints, 1 - labelled
        heads[:, :, place] = np.round(np.reshape(person.head_box, (2, 2)) + 1.0, 2)
    names = np.array(JOINTS, dtype=object)[None, :]
    return {"jnt_missing": missing, "pos_gt_src": positions, "headboxes_src": heads, "dataset_joints": names}


def write_mat(path: Path, content: dict[str, Any]) -> None:
    """Write a MATLAB 5 file whose header does not tell the hour, so that equal content makes equal bytes."""
    import scipy.io

    stream = io.BytesIO()
    scipy.io.savemat(stream, content, do_compression=True)
    header = b"MATLAB 5.0 MAT-file, written by benchbox".ljust(116)
    path.write_bytes(header + stream.getvalue()[116:])
