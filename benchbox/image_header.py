"""What the bytes of an image tell without decoding it: its size, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from benchbox.files import refuse_special

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # the markers SOF of ITU-T T.81, table B.1
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_SCAN_OR_END = {0xDA, 0xD9}
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_END = 0xD9
JPEG_END = bytes([0xFF, _END])
_MOST = 512  # bytes in which every binary format that OpenCV reads has a zero
_TEXTS = (b"P", b"#?")  # Netpbm's images and Radiance's may begin with text


def header_size(path: Path) -> tuple[int, int] | None:
    """Return (height, width) in pixels that a PNG or JPEG states; None where it states none or is another file.

    Source: ITU-T T.81, annex B (JPEG); the PNG specification, section 11.2.2.

    Raises: InvalidInput for what is no plain file; OSError where it cannot be read.
    """
    refuse_special(path)
    with open(path, "rb") as file:
        start = file.read(24)
        if start.startswith(_JPEG):
            file.seek(2)
            size = _jpeg_size(file)
        elif start.startswith(_PNG) and start[12:16] == b"IHDR":
            size = int.from_bytes(start[20:24], "big"), int.from_bytes(start[16:20], "big")
        else:
            size = None
    return size if size is not None and min(size) > 0 else None


def is_text(path: Path) -> bool:
    """Tell whether a file begins as no image does.

    Raises: InvalidInput for what is no plain file; OSError where it cannot be read.
    """
    refuse_special(path)
    with open(path, "rb") as file:
        start = file.read(_MOST)
    return b"\0" not in start and not start.startswith(_TEXTS)


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
        elif marker == 0 or marker in _STANDALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    """Walk the segments of a JPEG to its frame; thumbnails inside a segment have frames of their own."""
    while True:
        head = file.read(2)
        while len(head) == 2 and head == b"\xff\xff":  # fill
            head = head[1:] + file.read(1)
        if len(head) < 2 or head[0] != 0xFF or head[1] in _SCAN_OR_END:
            return None
        if head[1] in _STANDALONE:
            continue
        body = file.read(7)
        if len(body) < 7:
            return None
        if head[1] in _FRAMES:
            return int.from_bytes(body[3:5], "big"), int.from_bytes(body[5:7], "big")
        file.seek(int.from_bytes(body[:2], "big") - 7, 1)
