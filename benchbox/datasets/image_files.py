"""Look at image files one at a time: are they there, whole, and different from each other?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchbox.datasets.topdown import read_image
from benchbox.errors import InvalidInput

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_END = 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


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

    A truncated file is one that ends before its format's end mark; OpenCV decodes it all the same, with grey where
    the rest should be. Damage in the middle that leaves the marks in place is not seen.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ImageFile(path, None, "", "missing image")
    except OSError:
        return ImageFile(path, None, "", "unreadable image")
    digest = hashlib.sha256(content).hexdigest()
    if is_truncated(content):
        return ImageFile(path, None, digest, "truncated image")
    try:
        height, width = read_image(path).shape[:2]
    except InvalidInput:
        return ImageFile(path, None, digest, "unreadable image")
    return ImageFile(path, (width, height), digest, "")


def is_truncated(content: bytes) -> bool:
    """Tell whether a JPEG or PNG ends before its end mark; other formats are not judged.

    Source: ITU-T T.81, annex B (JPEG's markers); the PNG specification, chapter 5.
    """
    if content.startswith(_JPEG):
        return not _reaches_end(content)
    return content.startswith(_PNG) and b"IEND" not in content[-64:]


def file_problems(files: Iterable[ImageFile]) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of every file with a problem and of every file with the bytes of an earlier one."""
    first: dict[str, Path] = {}
    for file in files:
        if file.problem:
            yield file.problem, str(file.path)
        if file.digest and first.setdefault(file.digest, file.path) != file.path:
            yield "image twice", f"{file.path} has the bytes of {first[file.digest].name}"


def _reaches_end(content: bytes) -> bool:
    """Walk the segments of a JPEG to its end mark; thumbnails inside a segment have end marks of their own."""
    place = len(_JPEG)
    while True:
        # To the next marker: in a scan 0xFF is data where a zero follows it.
        place = content.find(b"\xff", place)
        if place < 0 or place + 1 >= len(content):
            return False
        marker = content[place + 1]
        if marker == _END:
            return True
        if marker == 0xFF:  # fill
            place += 1
        elif marker == 0 or marker in _WITHOUT_LENGTH:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
