"""Read people from MPII annotations in the layout that HRNet uses.

Layout: `<root>/annot/<split>.json`, `<root>/images/`; where they are there also `<root>/annot/gt_<split>.mat` (head
boxes and the joints that scores are made against) and `<root>/annot/activities.json`, an object that gives an image's
{category, activity} by its name. Coordinates in the files are one-based, ours zero-based.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchbox.datasets.mat import array, read_mat
from benchbox.entries import (
    PIXEL_LIMIT,
    file_fingerprint,
    image_folder,
    image_name,
    kind,
    numbers,
    read_json,
    shown,
    writable,
)
from benchbox.errors import InvalidInput
from benchbox.pose.people import Person, head_size
from benchbox.pose.skeleton import MPII16

_JOINTS = len(MPII16.joints)
_NECK, _HEAD_TOP = MPII16.joints.index("upper_neck"), MPII16.joints.index("head_top")
# As gt_valid.mat names the joints, in our order.
_MAT_JOINTS = [
    *("rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor"),
    *("neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri"),
]
_NECK_TO_HEAD_SIZE = 0.75
_PIXELS_PER_SCALE = 200.0
_ROOM = 1.25
_ABSENT = -1.0


def annotation_file(root: Path, split: str) -> Path:
    """Return where the annotations of a split lie below `root`."""
    return Path(root) / "annot" / f"{split}.json"


def annotation_files(root: Path, split: str) -> list[Path]:
    """Return the files that `read_people` reads: the annotations, then those of the other two that are there."""
    more = (_truth_file(root, split), _activity_file(root))
    return [annotation_file(root, split), *(file for file in more if file.is_file())]


def fingerprint(root: Path, split: str) -> str:
    """Return 16 hexadecimal digits that stand for the bytes of `annotation_files`.

    Raises:
        EnvironmentProblem: a file cannot be read.
    """
    return file_fingerprint(annotation_files(root, split), _layout(root, split))


def head_kind(root: Path, split: str) -> str:
    """Tell what a split's head sizes come from: "boxes" of gt_<split>.mat, or "neck", the stand-in without them.

    Scores of the two kinds are not the same number: the name of a protocol has to tell them apart.
    """
    return "boxes" if _truth_file(root, split).is_file() else "neck"


def official_crop(center: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn the centers and scales of the file into those of HRNet's crops.

    The center moves down by 15 pixels per scale and the crop gets a quarter more room, unless center x is -1.

    Args:
        center: (N, 2) float64 x, y in pixels, one-based.
        scale: (N,) float64, the person's size / 200 pixels.

    Returns:
        center (N, 2) float64 in zero-based pixels; scale (N,) float64, the side of the square crop / 200.

    Source: HRNet's MPII data set, `_get_db`.
    """
    there = center[:, 0] != _ABSENT
    down = np.where(there, 15.0 * scale, 0.0)
    moved = center + np.stack([np.zeros_like(down), down], axis=-1)
    return moved - 1.0, scale * np.where(there, _ROOM, 1.0)


def square_box(center: np.ndarray, scale: float) -> tuple[float, float, float, float]:
    """Return the box x, y, width, height in pixels that a square input turns into a crop of this center and scale.

    Args:
        center: (2,) x, y in zero-based pixels, as of `official_crop`.
        scale: side of the crop / 200.
    """
    x, y = center.tolist()
    # A crop gets a quarter more room than the box, except at the mark of an absent one.
    side = _PIXELS_PER_SCALE * scale / (1.0 if np.float32(x) == _ABSENT else _ROOM)
    return x - 0.5 * side, y - 0.5 * side, side, side


def neck_head_sizes(keypoints: np.ndarray) -> np.ndarray:
    """Return head sizes without head boxes: 0.75 x the distance from upper neck to head top.

    Args:
        keypoints: (N, 16, 3) x, y in pixels, visibility.

    Returns:
        (N,) float64 pixels; NaN where one of the two joints is not labelled or both lie in one place.

    Source: MPII draws both joints from the head box, their distance being 0.8 x its diagonal; 0.6 / 0.8 = 0.75. Over
    the 2,958 validation persons the ratio to the official size is 1.000, for 98 % of them within 1 %.
    """
    ends = keypoints[:, [_NECK, _HEAD_TOP]].astype(np.float64)
    length = np.hypot(*(ends[:, 1, :2] - ends[:, 0, :2]).T)
    known = (ends[:, :, 2] > 0).all(axis=1) & (length > 0)
    return np.where(known, _NECK_TO_HEAD_SIZE * length, np.nan)


def read_people(root: Path, split: str) -> list[Person]:
    """Read the people of one split, in the order of the file.

    box: the square around the official center whose crop for a square input is the official one (for other inputs
    the crop grows around it); it may leave the image. area: that of the box. id: the entry's number in the file, from
    0. image_id: the image's number in the order in which the file first names them, from 0. category and activity:
    MPII's, empty where activities.json does not tell.

    keypoints: the JSON's; where gt_<split>.mat is there, its `pos_gt_src`, against which scores are made (the two
    differ in 13 joints of the official validation split). Neither tells hidden from visible: visibility is 2, or 0
    with the coordinates 0 for a joint without label. head_size: 0.6 x the diagonal of the .mat's head box, else see
    `neck_head_sizes`; `head_kind` tells which.

    Args:
        root: folder of the data set.
        split: name of the split, train or valid in HRNet's files.

    Raises:
        EnvironmentProblem: a file or the folder of the images is not there.
        InvalidInput: a file is not what it should be; one line names the file and the entry.

    Source: HRNet's MPII data set, `_get_db` and `evaluate`.
    Differs: the official code takes the JSON's joints to train on validation persons; people of every split have a
    head size where it can be known.
    """
    layout = _layout(root, split)
    folder = image_folder(Path(root) / "images", layout)
    path = annotation_file(root, split)
    return people_of(read_entries(path, layout), path, _truth_file(root, split), _activity_file(root), folder)


def read_entries(path: Path, hint: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return every person's image and entry in HRNet's JSON, of which no more is checked.

    Args: hint: where a missing file belongs.

    Raises:
        EnvironmentProblem: the file is not there.
        InvalidInput: it is not a list, or an entry does not name an image.
    """
    document = read_json(path, hint)
    if not isinstance(document, list):
        raise InvalidInput(f"{path}: expected a list of persons, found {kind(document)}")
    return [(_image(entry, f"{path}: entry {index}"), entry) for index, entry in enumerate(document)]


def people_of(
    entries: list[tuple[Path, dict[str, Any]]], path: Path, truth: Path, activity_file: Path, folder: Path
) -> list[Person]:
    """Make people of entries, and of the files beside them, wherever they lie; see `read_people`.

    Args:
        entries: of `path`; see `read_entries`.
        path: HRNet's JSON.
        truth: the .mat beside it, which may be absent.
        activity_file: activities by image, which may be absent.
        folder: of the images; not looked into.

    Raises:
        InvalidInput: a file is not what it should be; one line names the file and the entry.
    """
    images, document = [image for image, _ in entries], [entry for _, entry in entries]
    center, scale = official_crop(*_places(document, path))
    keypoints = _keypoints(document, path)
    if truth.is_file():
        keypoints, heads = _truth(truth, path, keypoints)
    else:
        heads = neck_head_sizes(keypoints)
    activities = _activities(activity_file)
    order = {name: number for number, name in enumerate(dict.fromkeys(images))}
    people = []
    for index, name in enumerate(images):
        box = square_box(center[index], float(scale[index]))
        category, activity = activities.get(name.as_posix(), ("", ""))
        people.append(
            Person(
                id=index,
                image_id=order[name],
                image=folder / name,
                box=box,
                keypoints=keypoints[index],
                area=box[2] * box[3],
                category=category,
                activity=activity,
                head_size=float(heads[index]),
            )
        )
    return people


def _image(entry: Any, where: str) -> Path:
    if not isinstance(entry, dict):
        raise InvalidInput(f"{where}: expected an object, found {kind(entry)}")
    return image_name(entry.get("image"), where, key="image")


def _places(document: list[dict[str, Any]], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return every person's center (N, 2) and scale (N,) as they stand in the file."""
    center, scale = np.zeros((len(document), 2)), np.zeros(len(document))
    for index, entry in enumerate(document):
        where = f"{path}: entry {index}"
        center[index] = numbers(entry, "center", where, 2)
        scale[index] = numbers(entry, "scale", where, 1)[0]
        if not scale[index] > 0:
            raise InvalidInput(f"{where}: scale is {scale[index]:g}, expected more than 0")
        if not max(np.abs(center[index]).max(), _PIXELS_PER_SCALE * scale[index]) < PIXEL_LIMIT:
            raise InvalidInput(f"{where}: center or scale is far off any image")
    return center, scale


def _keypoints(document: list[dict[str, Any]], path: Path) -> np.ndarray:
    """Return every person's joints (N, 16, 3), zero-based, visibility 2 or 0."""
    keypoints = np.zeros((len(document), _JOINTS, 3))
    for index, entry in enumerate(document):
        where = f"{path}: entry {index}"
        joints = np.array(_joints(entry, where))
        labelled = np.array(numbers(entry, "joints_vis", where, _JOINTS))
        if not np.isin(labelled, (0, 1)).all():
            raise InvalidInput(f"{where}: joints_vis holds something other than 0 and 1")
        keypoints[index] = _labelled(joints, labelled > 0)
    return keypoints


def _labelled(joints: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Join one-based coordinates (..., 2) and labels (...) to keypoints (..., 3), zero-based, 0 without a label."""
    triples: np.ndarray = (
        np.concatenate([joints - 1.0, np.full((*labelled.shape, 1), 2.0)], axis=-1) * labelled[..., None]
    )
    return triples


def _joints(entry: dict[str, Any], where: str) -> list[list[float]]:
    """Return a person's joints x, y as they stand in the file."""
    points = entry.get("joints")
    if not isinstance(points, list) or len(points) != _JOINTS:
        found = f"has {len(points)} points" if isinstance(points, list) else f"is {shown(points)}"
        raise InvalidInput(f"{where}: joints {found}, expected {_JOINTS}")
    names = [f"joints[{joint}]" for joint in range(_JOINTS)]
    pairs = zip(names, points, strict=True)
    return [numbers({name: point}, name, where, 2, limit=PIXEL_LIMIT) for name, point in pairs]


def _truth(file: Path, path: Path, keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoints (N, 16, 3) and head sizes (N,) of the .mat that belongs to the annotations `path`."""
    variables = read_mat(file, "")
    joints = array(variables, "pos_gt_src", file, (_JOINTS, 2, None)).transpose(2, 0, 1)
    missing = array(variables, "jnt_missing", file, (_JOINTS, None)).T != 0
    boxes = array(variables, "headboxes_src", file, (2, 2, None)).transpose(2, 0, 1)
    for name, values in (("pos_gt_src", joints), ("jnt_missing", missing), ("headboxes_src", boxes)):
        if len(values) != len(keypoints):
            raise InvalidInput(f"{file}: {name} holds {len(values)} persons, {path.name} {len(keypoints)}")
    names = [str(name) for cell in np.ravel(variables.get("dataset_joints", [])) for name in np.ravel(cell)]
    if names and names != _MAT_JOINTS:
        raise InvalidInput(f"{file}: dataset_joints is {shown(names)}, expected {', '.join(_MAT_JOINTS)}")
    other = np.flatnonzero((missing == (keypoints[:, :, 2] > 0)).any(axis=1))
    if len(other):
        raise InvalidInput(f"{file}: person {other[0]} has other joints labelled than in {path.name}; another order?")
    heads = head_size(boxes.reshape(-1, 4))
    if not (heads > 0).all():
        raise InvalidInput(f"{file}: headboxes_src of person {np.flatnonzero(~(heads > 0))[0]} has no extent")
    return _labelled(joints, ~missing), heads


def _activities(file: Path) -> dict[str, tuple[str, str]]:
    """Return category and activity by the name of the image."""
    if not file.is_file():
        return {}
    document = read_json(file, "")
    if not isinstance(document, dict):
        raise InvalidInput(f"{file}: expected an object of images, found {kind(document)}")
    activities = {}
    for name, entry in document.items():
        if not isinstance(entry, dict):
            raise InvalidInput(f"{file}: image {shown(name)}: expected an object, found {kind(entry)}")
        # MPII knows no activity of some images; converters write null, or the empty list that MATLAB has there.
        where = f"{file}: image {shown(name)}"
        category, activity = (writable(entry.get(key) or None, where, key=key) for key in ("category", "activity"))
        activities[name] = (category, activity)
    return activities


def _truth_file(root: Path, split: str) -> Path:
    return Path(root) / "annot" / f"gt_{split}.mat"


def _activity_file(root: Path) -> Path:
    return Path(root) / "annot" / "activities.json"


def _layout(root: Path, split: str) -> str:
    """Say where the files of a split belong."""
    return f"expected: {annotation_file(root, split)} and the images in {Path(root)}/images/"
