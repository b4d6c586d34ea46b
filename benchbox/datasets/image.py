"""Read an image file, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import cv2
import numpy as np

from benchbox.errors import InvalidInput
from benchbox.image_header import JPEG_END, is_truncated


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
    if not content.endswith(JPEG_END) and is_truncated(content):  # nearly every JPEG needs no more than this look
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
