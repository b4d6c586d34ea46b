"""Crops of images, sampled with as little work as the bits allow."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np


class Part(NamedTuple):
    """Hold a rectangle of an image: (h, w, 3) uint8 from row `top`, column `left` of an image of (height, width)."""

    pixels: np.ndarray
    top: int
    left: int
    height: int
    width: int


class Cropper:
    """Sample crops of one size, one after the other in the same memory (one for each thread).

    Args:
        size: (height, width) of the crops.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._memory = np.empty(0, dtype=np.uint8)
        self._canvas = np.empty((0, 0, 4), dtype=np.uint8)
        self._mirror = np.empty(0, dtype=np.uint8)
        self._warped = np.empty((*size, 4), dtype=np.uint8)

    def crop(
        self,
        image: np.ndarray,
        matrix: np.ndarray,
        *,
        mirrored: bool = False,
        reverse: bool = False,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Sample the crop that `matrix` (image to crop) describes: bilinear, zero outside the image.

        Args:
            image: (H, W, 3) uint8.
            matrix: (2, 3).
            mirrored: sample the mirror image, whose places `matrix` then maps.
            reverse: turn the order of the channels round, as from BGR to RGB.
            out: (height, width, 3) uint8 to write into, a new array when None.

        Returns:
            (height, width, 3) uint8.
        """
        out = np.empty((*self._size, 3), dtype=np.uint8) if out is None else out
        self.crop_part(Part(image, 0, 0, *image.shape[:2]), matrix, mirrored=mirrored, reverse=reverse, out=out)
        return out

    def crop_part(self, part: Part, matrix: np.ndarray, *, mirrored: bool, reverse: bool, out: np.ndarray) -> bool:
        """Sample a crop of which only a part of the image is at hand: to the bit as from the whole image.

        Args: as `crop`'s, `matrix` being of the whole image.

        Returns:
            False where the crop reaches beyond the part, and `out` is left as it was.
        """
        size = part.height, part.width
        rows, columns = _reach(matrix, self._size, size)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            out[:] = 0
            return True
        right, left = columns.stop, columns.start
        if mirrored:
            right, left = part.width - left, part.width - right
        top, bottom, left, right = rows.start - part.top, rows.stop - part.top, left - part.left, right - part.left
        if min(top, left) < 0 or bottom > part.pixels.shape[0] or right > part.pixels.shape[1]:
            return False
        read = part.pixels[top:bottom, left:right]
        if mirrored:
            count = read.size
            if self._mirror.size < count:
                self._mirror = np.empty(count, dtype=np.uint8)
            read = cv2.flip(read, 1, dst=self._mirror[:count].reshape(read.shape))
        # OpenCV samples four channels in less than half the time of three, to the same bits. The canvas has the size of
        # the whole image, since OpenCV rounds places, and those counted from elsewhere would round otherwise. What no
        # pixel of the crop comes from is left as the memory was.
        canvas = self._canvas
        if canvas.shape[:2] != size:
            count = 4 * part.height * part.width
            if self._memory.size < count:
                self._memory = np.empty(count, dtype=np.uint8)
            canvas = self._canvas = self._memory[:count].reshape(*size, 4)
        cv2.cvtColor(read, cv2.COLOR_BGR2BGRA, dst=canvas[rows, columns])
        cv2.warpAffine(canvas, matrix, self._size[::-1], dst=self._warped, flags=cv2.INTER_LINEAR)
        cv2.cvtColor(self._warped, cv2.COLOR_BGRA2RGB if reverse else cv2.COLOR_BGRA2BGR, dst=out)
        return True


def _reach(matrix: np.ndarray, size: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of an image of `shape` that a crop can read, with room for rounded places."""
    (a, b, u), (c, d, v) = matrix.tolist()
    determinant = a * d - b * c
    right, down = size[1] - 1, size[0] - 1
    slices = []
    # The inverse of the linear part: its row for y, its row for x.
    for (across, along), length in (((-c, a), shape[0]), ((d, -b), shape[1])):
        across, along = across / determinant, along / determinant
        first = -across * u - along * v
        low = first + min(across * right, 0.0) + min(along * down, 0.0)
        high = first + max(across * right, 0.0) + max(along * down, 0.0)
        room = 2 + (high - low) / 100
        slices.append(slice(int(max(low - room, 0)), int(min(high + room + 1, length))))
    return slices[0], slices[1]
