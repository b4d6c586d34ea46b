"""What a MATLAB file's headers tell before a variable is read: its version, and the names and shapes of its arrays.

Source: MathWorks, MAT-File Format, level 5: 128 bytes that end with the order of bytes, then elements, each with a tag
of two integers of 32 bits, the kind and the number of bytes. An array begins with its class, its sizes and its name.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from benchbox.errors import InvalidInput

Shapes = dict[str, tuple[int, ...]]
PACKED = 15
"""Kind of an element that zlib packed; what was packed is an element too."""
_MATRIX, _INT8, _INT32, _UINT32 = 14, 1, 5, 6
_CLASSES, _NUMBERS = range(1, 16), range(6, 16)  # those whose header has sizes; numbers that are not sparse
_MARKS = (b"IM", b"MI")
_START = 128
_BEGIN = 4096  # more bytes than the header of any array takes
_MOST_AXES = 64  # of NumPy
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_AT = 512  # where the HDF5 file of version 7.3 begins


def refuse_other(content: bytes, path: Path) -> None:
    """Refuse what is no MATLAB file of version 4 to 7, such as one of version 7.3, which is an HDF5 file.

    Raises: InvalidInput.
    """
    if _HDF5 in (content[: len(_HDF5)], content[_HDF5_AT : _HDF5_AT + len(_HDF5)]):
        raise InvalidInput(f"{path}: a MATLAB file of version 7.3 (HDF5); save it with -v7")
    is_version_4 = 0 in content[:4]
    if not is_version_4 and content[_START - 2 : _START] not in _MARKS:
        raise InvalidInput(f"{path}: not a whole MATLAB file: it does not begin as one; give one of version 4 to 7")


def elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the kind and the bytes of every element of a file of version 5 to 7, packed as they are."""
    order, place = _order(content), _START
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        yield kind, content[place + 8 : place + 8 + size]
        place += 8 + size


def shapes(content: bytes) -> Shapes | None:
    """Return the shapes of a file's arrays of numbers by name, () for anything else; None where headers do not tell.

    They tell all in files of version 5 to 7 without objects, unless one is damaged.
    """
    found = {}
    try:
        for kind, body in elements(content):
            if kind == PACKED:
                body = zlib.decompressobj().decompress(body, _BEGIN)
                (kind,), body = struct.unpack_from(f"{_order(content)}I", body), body[8:]
            named = _array(body, _order(content)) if kind == _MATRIX else None
            if named is None:
                return None
            found[named[0]] = named[1]
    except (struct.error, zlib.error, ValueError):
        return None
    return found or None


def _array(body: bytes, order: str) -> tuple[str, tuple[int, ...]] | None:
    """Return name and shape at the begin of an array's bytes; None for anything else that stands there."""
    (kind, flags), place = _element(body, 0, order)
    of_class = struct.unpack(f"{order}II", flags)[0] & 0xFF
    if kind != _UINT32 or of_class not in _CLASSES:
        return None
    (kind, sizes), place = _element(body, place, order)
    (last, name), _ = _element(body, place, order)
    if kind != _INT32 or last != _INT8 or len(sizes) > 4 * _MOST_AXES:
        return None
    shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
    return name.decode("latin1"), shape if of_class in _NUMBERS else ()


def _element(body: bytes, place: int, order: str) -> tuple[tuple[int, bytes], int]:
    """Return kind and bytes of the element at a place, and the next one's place; one of up to 4 bytes is tag and all.

    Raises: struct.error or ValueError where it is cut off.
    """
    first, size = struct.unpack_from(f"{order}II", body, place)
    begin, kind, room = place + 8, first, -size % 8
    if first >> 16:
        begin, kind, size = place + 4, first & 0xFFFF, first >> 16
        room = 4 - size
    if room < 0 or begin + size > len(body):
        raise ValueError("cut off")
    return (kind, body[begin : begin + size]), begin + size + room


def _order(content: bytes) -> str:
    return "<" if content[_START - 2 : _START] == _MARKS[0] else ">"
