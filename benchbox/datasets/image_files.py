"""Look at image files one at a time: are they there, whole, and different from each other?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchbox.datasets.image import read_image
from benchbox.entries import UNPACKED_LIMIT
from benchbox.errors import InvalidInput
from benchbox.files import read_plain
from benchbox.image_header import is_truncated


class ImageFile(NamedTuple):
    """Hold what a look at one file told.

    size is (width, height) in pixels, None where it cannot be known; digest is of the bytes, empty where there are
    none; problem is "", "missing image", "unreadable image" or "truncated image".
    """

    path: Path
    size: tuple[int, int] | None
    digest: str
    problem: str


def look_at(path: Path) -> ImageFile:
    """Read and decode one image and forget its pixels.

    Damage in the middle that leaves a format's marks in place is not seen.
    """
    try:
        content = read_plain(path, UNPACKED_LIMIT)
    except FileNotFoundError:
        return ImageFile(path, None, "", "missing image")
    except (OSError, InvalidInput):
        return ImageFile(path, None, "", "unreadable image")
    digest = hashlib.sha256(content).hexdigest()
    if is_truncated(content):
        return ImageFile(path, None, digest, "truncated image")
    try:
        height, width = read_image(path).shape[:2]
    except InvalidInput:
        return ImageFile(path, None, digest, "unreadable image")
    return ImageFile(path, (width, height), digest, "")


def file_problems(files: Iterable[ImageFile]) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of every file with a problem and of every file with the bytes of an earlier one."""
    first: dict[str, Path] = {}
    for file in files:
        if file.problem:
            yield file.problem, str(file.path)
        if file.digest and first.setdefault(file.digest, file.path) != file.path:
            yield "image twice", f"{file.path} has the bytes of {first[file.digest].name}"
