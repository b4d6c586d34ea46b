"""The pack: what training crops can reach of their images, decoded once and mapped into memory by every job.

A pack holds pixels at the size they have in the image, so a sample from it is the sample from the image to the bit: no
result depends on a pack. It serves one split of a data set and one aspect ratio of the input.

    <cache>/packs/<key>/pixels.bin    uint8: the rows of every region, one region after the other, BGR
    <cache>/packs/<key>/index.npy     int64 (N, 8): a row of `COLUMNS` for every person
    <cache>/packs/<key>/meta.json     schema, key, counts, bytes and the digest of the index

The key is a digest of all that decides the content: changed data are another pack.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import math
import mmap
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.files import read_json
from benchbox.pose.affine import PIXELS_PER_SCALE
from benchbox.pose.crop import Part
from benchbox.pose.people import Person

log = logging.getLogger(__name__)

SCHEMA = 1
COLUMNS = ("offset", "top", "left", "height", "width", "image_height", "image_width", "crc")
"""Of the index: bytes into pixels.bin, the region's place and the image's size in pixels, the region's CRC-32."""
LARGEST_SCALE = 1.35
"""Scale factor of a crop up to which any rotation of it lies in its region."""

Region = tuple[int, int, int, int]
"""top, left, height, width of a part of an image in pixels; nothing where height or width is 0."""


class Pack:
    """The parts of the images of N people, mapped from a file.

    A region is checked when it is first used. A damaged one is not given away, and the pack is given up: the next job
    builds it anew.
    """

    def __init__(self, folder: Path, index: np.ndarray) -> None:
        self.folder = folder
        self._index = index
        self._sound: dict[int, bool] = {}
        self._pixels = np.empty(0, dtype=np.uint8)
        with open(folder / "pixels.bin", "rb") as file:
            if os.fstat(file.fileno()).st_size:
                self._pixels = np.frombuffer(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._index)

    def part(self, index: int) -> Part | None:
        """Return what the pack holds of a person's image; None where that is nothing, or damaged."""
        offset, top, left, height, width, image_height, image_width, crc = self._index[index].tolist()
        if height == 0:
            return None
        flat = self._pixels[offset : offset + 3 * height * width]
        sound = self._sound.get(offset)
        if sound is None:
            sound = self._sound[offset] = zlib.crc32(flat.data) == crc
            if not sound:
                log.warning("%s: damaged; its images are read instead, and the next job builds it anew", self.folder)
                with contextlib.suppress(OSError):
                    (self.folder / "meta.json").unlink()
        return Part(flat.reshape(height, width, 3), top, left, image_height, image_width) if sound else None


def pack_key(people: Sequence[Person], input_size: tuple[int, int]) -> str:
    """Return the name of the pack of some people, 16 hex digits.

    It is a digest of their ids and boxes, of their images' names, sizes and times of change, and of the ratio of
    `input_size` (height, width); nothing else decides what a pack holds.
    """
    ratio = math.gcd(*input_size)
    total = hashlib.sha256(repr((SCHEMA, LARGEST_SCALE, [side // ratio for side in input_size])).encode())
    stamps: dict[Path, tuple[int, int]] = {}
    for person in people:
        if person.image not in stamps:
            stamps[person.image] = _stamp(person.image)
        total.update(repr((person.id, person.box, *person.image.parts[-2:], stamps[person.image])).encode())
    return total.hexdigest()[:16]


def _stamp(image: Path) -> tuple[int, int]:
    """Return a file's size and time of change; nothing for one that is missing, which its reader will tell."""
    try:
        status = image.stat()
    except OSError:
        return (0, 0)
    return status.st_size, status.st_mtime_ns


def open_pack(folder: Path, people: int) -> Pack | None:
    """Map a pack that is whole; None where it is missing or not what its meta.json says.

    Args:
        folder: named after the pack's key.
        people: their number.
    """
    meta = read_json(folder / "meta.json", {"schema", "key", "people", "bytes", "index"})
    if meta is None or (meta["schema"], meta["key"], meta["people"]) != (SCHEMA, folder.name, people):
        return None
    try:
        content = (folder / "index.npy").read_bytes()
        if digest_of(content) != meta["index"] or (folder / "pixels.bin").stat().st_size != meta["bytes"]:
            return None
        index = np.load(io.BytesIO(content), allow_pickle=False)
        return Pack(folder, index)
    except (OSError, ValueError):
        return None


def describe(folder: Path, index: np.ndarray, size: int) -> dict[str, Any]:
    """Write the index of a new pack and return what its meta.json is to say but the key.

    Args:
        folder: of the pack.
        index: (N, 8) int64, see `COLUMNS`.
        size: bytes of pixels.bin.
    """
    content = io.BytesIO()
    np.save(content, index, allow_pickle=False)
    (folder / "index.npy").write_bytes(content.getvalue())
    return {"schema": SCHEMA, "people": len(index), "bytes": size, "index": digest_of(content.getvalue())}


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def reached(center: np.ndarray, scale: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the regions that training crops can reach, whatever their rotation, up to a scale of `LARGEST_SCALE`.

    Args:
        center: (N, 2) x, y of the people's frames in pixels.
        scale: (N, 2) their (width, height) / 200.
        sizes: (N, 2) height, width of their images.

    Returns:
        (N, 4) int64 top, left, height, width.
    """
    radius = LARGEST_SCALE * PIXELS_PER_SCALE / 2 * np.hypot(*scale.astype(np.float64).T)
    # What a crop reads is taken a hundredth of its extent and two pixels larger, since OpenCV rounds places.
    room = (1.02 * radius + 5)[:, None]
    middle = center[:, ::-1].astype(np.float64)
    first = np.clip(np.floor(middle - room), 0, sizes).astype(np.int64)
    last = np.clip(np.ceil(middle + room), 0, sizes).astype(np.int64)
    return np.concatenate([first, last - first], axis=1)


def merged(regions: Sequence[Region]) -> list[Region]:
    """Return for each of an image's regions the one to store: the rectangle around all of them where that is smaller.

    People who stand together would else have the same pixels stored for each of them.
    """
    top, left = min(region[0] for region in regions), min(region[1] for region in regions)
    bottom, right = max(region[0] + region[2] for region in regions), max(region[1] + region[3] for region in regions)
    around = (top, left, bottom - top, right - left)
    if around[2] * around[3] <= sum(height * width for _, _, height, width in set(regions)):
        return [around] * len(regions)
    return list(regions)
