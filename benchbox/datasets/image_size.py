"""The size of an image, from its header where that tells it."""

from __future__ import annotations

from pathlib import Path

from benchbox.datasets.image import read_image
from benchbox.errors import InvalidInput
from benchbox.image_header import header_size


def image_size(path: Path) -> tuple[int, int] | None:
    """Return (height, width) in pixels of an image as `read_image` gives it; None where there is none."""
    try:
        size = header_size(path)
    except (OSError, InvalidInput):
        return None
    if size is not None:
        return size
    try:
        height, width = read_image(path).shape[:2]
    except InvalidInput:
        return None
    return height, width
