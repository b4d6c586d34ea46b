"""Read the arrays of HDF5 files that may be broken."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbox.entries import one_line, read_bytes
from benchbox.errors import InvalidInput

if TYPE_CHECKING:  # loaded once a file is known to be HDF5's
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_BYTES = 800_000_000


def read_hdf5(path: Path, hint: str) -> dict[str, np.ndarray]:
    """Return the arrays at the top of an HDF5 file by name; links and arrays in other files are not followed.

    Once `MAX_BYTES` are reached, arrays are left out: a small file may claim any size.

    Args:
        path: of the file.
        hint: where a missing file belongs.

    Raises:
        EnvironmentProblem: the file is not there.
        InvalidInput: it is damaged or no HDF5 file.
    """
    content = read_bytes(path, hint)
    if not content.startswith(SIGNATURE):
        raise InvalidInput(f"{path}: not an HDF5 file")
    import h5py

    arrays, left = {}, MAX_BYTES
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            for name in file:
                is_hard = isinstance(file.get(name, getlink=True), h5py.HardLink)
                found = file[name] if is_hard else None
                if isinstance(found, h5py.Dataset) and _lies_here(found, left):
                    arrays[str(name)] = np.asarray(found[()])
                    left -= found.nbytes
    except Exception as problem:  # a damaged file raises nearly anything
        raise InvalidInput(f"{path}: not a whole HDF5 file: {one_line(problem)}") from None
    return arrays


def _lies_here(found: h5py.Dataset, most: int) -> bool:
    """Tell whether an array is whole in its own file, and neither it nor a chunk of it larger than so many bytes."""
    if found.shape is None or found.external or found.is_virtual:  # HDF5 crashes on a view of a file not on a disk
        return False
    chunk = math.prod(found.chunks or ()) * found.dtype.itemsize
    return bool(max(found.nbytes, chunk) <= most)
