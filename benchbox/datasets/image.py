"""Read an image file, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import cv2
import numpy as np

from benchbox.errors import InvalidInput

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_END = 0xD9
_JPEG_END = bytes([0xFF, _END])
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def is_turned(path: Path) -> bool:
    """Tell whether a readable image's EXIF data ask for another orientation than that of its pixels."""
    content = np.frombuffer(_content(path), dtype=np.uint8)
    flags = (cv2.IMREAD_COLOR, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    shown, stored = (np.asarray(cv2.imdecode(content, flag)) for flag in flags)
    return not np.array_equal(shown, stored)


def read_image(path: Path) -> np.ndarray:
    """Read an image as (H, W, 3) uint8 in BGR, its stored orientation kept as the annotations mean it.

    Raises:
        InvalidInput: the file is not there, no image, or a JPEG or PNG that ends before its end mark; OpenCV decodes
            some of those, with grey where the rest should be.
    """
    try:
        content = _content(path)
    except OSError as problem:
        raise InvalidInput(f"{path}: cannot read the image: {problem.strerror}") from None
    if not content.endswith(_JPEG_END) and is_truncated(content):  # nearly every JPEG needs no more than this look
        raise InvalidInput(f"{path}: a truncated image: it ends before its end mark")
    try:
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    if image is None:
        raise InvalidInput(f"{path}: not an image that OpenCV can read, or one of too many pixels")
    decoded: np.ndarray = image
    return decoded


def _content(path: Path) -> bytes:
    """Read a file by three calls of the system: cv2.imread warns of a missing one, Python's own files take longer."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # which a pipe without a writer would wait for
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidInput(f"{path}: not an image, nor any other plain file")
        size = status.st_size
        content = os.read(file, size + 1)
        while len(content) < size and (more := os.read(file, size + 1 - len(content))):
            content += more
        return content
    finally:
        os.close(file)


def is_truncated(content: bytes) -> bool:
    """Tell whether a JPEG or PNG ends before its end mark; other formats are not judged.

    Source: ITU-T T.81, annex B (JPEG's markers); the PNG specification, chapter 5.
    """
    if content.startswith(_JPEG):
        return not _reaches_end(content)
    return content.startswith(_PNG) and b"IEND" not in content


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
