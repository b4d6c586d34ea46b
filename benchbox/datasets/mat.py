"""Read MATLAB files that may be broken, of another version or of another content than expected."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchbox import mat_header
from benchbox.entries import PIXEL_LIMIT, one_line, read_bytes
from benchbox.errors import InvalidInput

UNPACKED_LIMIT = 800_000_000
"""Bytes that a packed file may hold; the whole release of MPII has a tenth of it."""
DEFLATE_RATIO = 1032
"""More than any packed byte can hold: a smaller file needs no look."""
_CHUNK = 1 << 24


def read_mat(
    path: Path, hint: str, *, structs: bool = False, look: Callable[[mat_header.Shapes], object] | None = None
) -> dict[str, Any]:
    """Return the variables of a MATLAB file of version 7 or older by name.

    Args:
        path: of the file.
        hint: where a missing file belongs.
        structs: make structs objects with attributes, arrays of one element that element, and texts plain.
        look: refuses what is wrong by names and shapes alone, where the headers tell them; SciPy takes long to load.

    Raises:
        EnvironmentProblem: the file is not there.
        InvalidInput: it is damaged, no MATLAB file, or one of version 7.3.
    """
    content = read_bytes(path, hint)
    mat_header.refuse_other(content, path)
    if _unpacks_beyond(content, UNPACKED_LIMIT):
        raise InvalidInput(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes")
    told = mat_header.shapes(content) if look else None
    if look and told:
        look(told)
    import scipy.io

    try:
        variables = scipy.io.loadmat(io.BytesIO(content), squeeze_me=structs, struct_as_record=not structs)
    except Exception as problem:  # a damaged file makes scipy raise nearly anything, from zlib.error to MemoryError
        raise InvalidInput(f"{path}: not a whole MATLAB file: {one_line(problem) or type(problem).__name__}") from None
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _unpacks_beyond(content: bytes, limit: int) -> bool:
    """Tell whether the packed elements of a MATLAB file hold more bytes than the limit, without keeping them."""
    if len(content) * DEFLATE_RATIO <= limit:
        return False
    total = 0
    for kind, body in mat_header.elements(content):
        if kind == mat_header.PACKED and total <= limit:
            total += _unpacked_size(body, limit - total)
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
