"""Read MATLAB files that may be broken, of another version or of another content than expected."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.entries import PIXEL_LIMIT, one_line, read_bytes
from benchbox.errors import InvalidInput

_HDF5 = b"\x89HDF\r\n\x1a\n"
UNPACKED_LIMIT = 800_000_000
"""Bytes that a packed file may hold; the whole release of MPII has a tenth of it."""
DEFLATE_RATIO = 1032
"""More than any packed byte can hold: a smaller file needs no look."""
_PACKED = 15
_CHUNK = 1 << 24
_MAT_HEADER = 512  # bytes that MATLAB puts in front of the HDF5 file of its version 7.3


def read_mat(path: Path, hint: str, *, structs: bool = False) -> dict[str, Any]:
    """Return the variables of a MATLAB file of version 7 or older by name.

    Args:
        path: of the file.
        hint: where a missing file belongs.
        structs: make structs objects with attributes, arrays of one element that element, and texts plain.

    Raises:
        EnvironmentProblem: the file is not there.
        InvalidInput: it is damaged, no MATLAB file, or one of version 7.3.
    """
    import scipy.io

    content = read_bytes(path, hint)
    if _HDF5 in (content[: len(_HDF5)], content[_MAT_HEADER : _MAT_HEADER + len(_HDF5)]):
        raise InvalidInput(f"{path}: a MATLAB file of version 7.3 (HDF5); save it with -v7")
    if _unpacks_beyond(content, UNPACKED_LIMIT):
        raise InvalidInput(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes")
    try:
        variables = scipy.io.loadmat(io.BytesIO(content), squeeze_me=structs, struct_as_record=not structs)
    except Exception as problem:  # a damaged file makes scipy raise nearly anything, from zlib.error to MemoryError
        raise InvalidInput(f"{path}: not a whole MATLAB file: {one_line(problem) or type(problem).__name__}") from None
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _unpacks_beyond(content: bytes, limit: int) -> bool:
    """Tell whether the packed elements of a MATLAB file hold more bytes than the limit, without keeping them.

    Source: MathWorks, MAT-File Format, level 5: a header of 128 bytes, then elements, each with a tag of two integers
    of 32 bits: the kind, 15 for one packed by zlib, and the number of bytes.
    """
    if len(content) * DEFLATE_RATIO <= limit:
        return False
    order, place, total = "<" if content[126:128] == b"IM" else ">", 128, 0
    while place + 8 <= len(content) and total <= limit:
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind == _PACKED:
            total += _unpacked_size(content[place + 8 : place + 8 + size], limit - total)
        place += 8 + size
    return total > limit


def _unpacked_size(packed: bytes, limit: int) -> int:
    """Return how many bytes were packed; what is counted ends beyond the limit, or where the bytes are damaged."""
    stream, total = zlib.decompressobj(), 0
    with contextlib.suppress(zlib.error):
        while packed and total <= limit:
            total += len(stream.decompress(packed, _CHUNK))
            packed = stream.unconsumed_tail
    return total


def array(variables: dict[str, Any], name: str, path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return a variable of coordinates as finite float64 numbers of a shape.

    Args:
        variables: of the file.
        name: of the variable.
        path: of the file, for the message.
        shape: sizes; None for any. MATLAB drops a last size of 1, here it is put back.

    Raises:
        InvalidInput: it is missing, no array of numbers, of another shape, or holds what can be no place in an image.
    """
    value = variables.get(name)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        known = ", ".join(sorted(variables)) or "nothing"
        raise InvalidInput(f"{path}: no array of numbers {name}; the file holds {known[:200]}")
    numbers = value.astype(np.float64)
    if numbers.ndim == len(shape) - 1:
        numbers = numbers[..., None]
    sizes = zip(shape, numbers.shape, strict=False)
    if numbers.ndim != len(shape) or any(want not in (None, have) for want, have in sizes):
        expected = " x ".join("N" if size is None else str(size) for size in shape)
        raise InvalidInput(f"{path}: {name} is {' x '.join(map(str, value.shape))}, expected {expected}")
    wrong = np.argwhere(~(np.abs(numbers) < PIXEL_LIMIT))
    if len(wrong):
        value, place = numbers[tuple(wrong[0])], tuple((wrong[0] + 1).tolist())
        raise InvalidInput(f"{path}: {name}{place} is {value:g}, expected a finite number below {PIXEL_LIMIT:g}")
    return numbers
