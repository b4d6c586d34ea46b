"""Read people from MPII's official release, `mpii_human_pose_v1_u12_1.mat`: one struct, RELEASE, for all images.

Coordinates in the file are one-based, ours zero-based.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchbox.datasets.mat import read_mat
from benchbox.datasets.mpii import official_crop, square_box
from benchbox.entries import PIXEL_LIMIT, image_folder, image_name, shown
from benchbox.errors import InvalidInput, nearest
from benchbox.pose.people import Person, head_size
from benchbox.pose.skeleton import MPII16

_JOINTS = len(MPII16.joints)
SPLITS = ("train",)
"""What the file knows: of the images that `img_train` does not mark it withholds the joints."""


class _Image(NamedTuple):
    number: int  # in the file, from 0
    first: int  # number of its first rectangle among all of the file
    name: Path
    rectangles: list[Any]
    category: str
    activity: str


def read_people(
    path: Path, images: Path, *, split: str = "train", names: Collection[str] | None = None
) -> list[Person]:
    """Read the labelled people of the images that `img_train` marks, in the order of the file.

    Left out are persons without `annopoints`, and those without `objpos` or `scale`, who have no crop. HRNet's train
    and valid are both parts of this split: give the names of the images that its JSON files list.

    box and area: as of `benchbox.datasets.mpii`. keypoints: visibility 2, or 1 where `is_visible` is 0; a joint whose
    `is_visible` is missing or empty (the head's two, drawn from its box) counts as visible, one that is not listed is
    0, one listed twice has its last place. head_size: 0.6 x the diagonal of the head box, NaN without one. id: the
    number of the person among all rectangles of the file, image_id: that of the image, both from 0 and the same
    whatever is selected. category and activity: of `act`, empty where it is.

    Args:
        path: of the .mat file.
        images: folder of the images.
        split: train.
        names: of the images to read; all where None.

    Raises:
        EnvironmentProblem: the file or the folder is not there.
        InvalidInput: the file is not what it should be (one line names image and rectangle), or a name is not among
            the images that it marks for training.

    Source: the description of the MPII Human Pose release (version 1, update 12.1).
    """
    if split not in SPLITS:
        raise InvalidInput(
            f'{path}: no split "{split}"{nearest(split, SPLITS)} '
            "(its test images have no joints; HRNet's valid is a choice of names)"
        )
    hint = f"it is MPII's release; the images belong in {images}/"
    variables = read_mat(path, hint, structs=True)
    image_folder(Path(images), hint)
    found = list(_training_images(variables, path))
    known = {image.name.as_posix() for image in found}
    wanted = known if names is None else set(names)
    if wanted - known:
        lacking = sorted(wanted - known)
        raise InvalidInput(f"{path}: {len(lacking)} of the names are no training image, first {shown(lacking[0])}")
    chosen = (image for image in found if image.name.as_posix() in wanted)
    return [person for image in chosen for person in _people(image, Path(images), path)]


def _training_images(variables: dict[str, Any], path: Path) -> Iterator[_Image]:
    """Yield the images that `img_train` marks."""
    release = variables.get("RELEASE")
    if not hasattr(release, "_fieldnames"):
        raise InvalidInput(f"{path}: no struct RELEASE; the file holds {', '.join(sorted(variables)) or 'nothing'}")
    annotations, acts = _structs(release, "annolist"), _structs(release, "act")
    marks = np.ravel(getattr(release, "img_train", np.empty(0)))
    if len(marks) != len(annotations) or len(acts) not in (0, len(annotations)):
        counts = f"{len(annotations)} of annolist, {len(marks)} of img_train, {len(acts)} of act"
        raise InvalidInput(f"{path}: RELEASE does not tell of equally many images: {counts}")
    first = 0
    for number, annotation in enumerate(annotations):
        rectangles = _structs(annotation, "annorect")
        if marks[number] == 1:
            name = getattr(getattr(annotation, "image", None), "name", None)
            yield _Image(
                number=number,
                first=first,
                name=image_name(name, f"{path}: image {number}", key="name"),
                rectangles=rectangles,
                category=_text(acts[number], "cat_name") if acts else "",
                activity=_text(acts[number], "act_name") if acts else "",
            )
        first += len(rectangles)


def _people(image: _Image, folder: Path, path: Path) -> Iterator[Person]:
    """Yield the labelled people of one image."""
    for place, rectangle in enumerate(image.rectangles):
        where = f"{path}: image {image.number} ({image.name}), rectangle {place}"
        points = [point for holder in _structs(rectangle, "annopoints") for point in _structs(holder, "point")]
        places = _structs(rectangle, "objpos")
        scale = _number(rectangle, "scale", where)
        if not points or not places or math.isnan(scale):
            continue
        x, y = _number(places[0], "x", where), _number(places[0], "y", where)
        if math.isnan(x + y):
            continue
        if not scale > 0:
            raise InvalidInput(f"{where}: scale is {scale:g}, expected more than 0")
        center, scales = official_crop(np.array([[x, y]]), np.array([scale]))
        box = square_box(center[0], float(scales[0]))
        corners = np.array([_number(rectangle, corner, where) for corner in ("x1", "y1", "x2", "y2")])
        head = float(head_size(corners))
        yield Person(
            id=image.first + place,
            image_id=image.number,
            image=folder / image.name,
            box=box,
            keypoints=_keypoints(points, where),
            area=box[2] * box[3],
            category=image.category,
            activity=image.activity,
            head_size=head if head > 0 else math.nan,
        )


def _keypoints(points: list[Any], where: str) -> np.ndarray:
    """Return (16, 3) float64 keypoints of the listed points."""
    keypoints = np.zeros((_JOINTS, 3))
    for point in points:
        joint, x, y = (_number(point, name, where) for name in ("id", "x", "y"))
        if joint not in range(_JOINTS):
            raise InvalidInput(f"{where}: a point has the id {joint:g}, expected 0 to {_JOINTS - 1}")
        if math.isnan(x + y):
            raise InvalidInput(f"{where}: joint {joint:g} has no place")
        keypoints[int(joint)] = x - 1.0, y - 1.0, 1.0 if _number(point, "is_visible", where) == 0 else 2.0
    return keypoints


def _structs(struct: Any, field: str) -> list[Any]:
    """Return the structs in a field, which may hold none, one without an array around it, or an array of them."""
    elements = np.ravel(np.array([getattr(struct, field, None)], dtype=object))
    return [element for element in elements if hasattr(element, "_fieldnames")]


def _text(struct: Any, field: str) -> str:
    """Return the text in a field; empty where there is none."""
    value = getattr(struct, field, None)
    return value if isinstance(value, str) else ""


def _number(struct: Any, field: str, where: str) -> float:
    """Return the number in a field, which may be written as a text; NaN where the field is missing or empty."""
    value = np.ravel(getattr(struct, field, np.empty(0)))
    if not value.size:
        return math.nan
    try:
        number = float(value[0]) if value.size == 1 else math.inf
    except (TypeError, ValueError):
        number = math.inf
    if not abs(number) < PIXEL_LIMIT:
        raise InvalidInput(f"{where}: {field} is {shown(getattr(struct, field))}, expected a finite number")
    return number
