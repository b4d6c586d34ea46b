"""What headers of MATLAB files tell, against SciPy's reading of the same files."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from benchbox.mat_header import shapes

KINDS = [np.dtype(name) for name in ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "c16", "?")]
NAMES = some.text("abcdefgXYZ019", min_size=1, max_size=30).map(lambda name: f"v{name}")
NUMBERS = some.sampled_from(KINDS).flatmap(
    lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=5))
)
OTHERS: dict[str, Any] = {
    "text": "by hand",
    "cell": np.array([["a", 1]], dtype=object),
    "struct": {"a": 1, "b": "c"},
    "sparse": scipy.sparse.csc_array(np.eye(7)),
    "long_" + "x" * 26: "",
}


def written(variables: dict[str, Any], *, packed: bool) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=packed)
    return file.getvalue()


def read_by_scipy(content: bytes) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape, _ in scipy.io.whosmat(io.BytesIO(content))}


@given(some.dictionaries(NAMES, NUMBERS, min_size=1, max_size=4), some.booleans())
def test_names_and_shapes_are_scipys(variables: dict[str, np.ndarray], packed: bool) -> None:
    content = written(variables, packed=packed)
    assert shapes(content) == read_by_scipy(content) == {name: value.shape for name, value in variables.items()}


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_no_array_of_numbers_has_a_name_only(packed: bool) -> None:
    content = written(OTHERS | {"preds": np.zeros((3, 16, 2))}, packed=packed)
    assert shapes(content) == dict.fromkeys(OTHERS, ()) | {"preds": (3, 16, 2)}


def test_so_are_those_of_real_files(real_data: Path) -> None:
    files = sorted(real_data.rglob("*.mat"))
    assert len(files) >= 4
    for file in files:
        expected = read_by_scipy(file.read_bytes())
        assert shapes(file.read_bytes()) == expected | dict.fromkeys({"dataset_joints"} & expected.keys(), ())


def test_the_other_order_of_bytes_is_read() -> None:
    flags, sizes = struct.pack(">IIII", 6, 8, 6, 0), struct.pack(">IIIIII", 5, 12, 2, 3, 1, 0)
    name, values = struct.pack(">HH4s", 2, 1, b"ab"), struct.pack(">II6d", 9, 48, *range(6))
    body = flags + sizes + name + values
    content = b"by hand".ljust(124) + struct.pack(">H", 0x0100) + b"MI" + struct.pack(">II", 14, len(body)) + body
    assert shapes(content) == read_by_scipy(content) == {"ab": (2, 3, 1)}


@given(some.data())
def test_what_is_damaged_raises_nothing(data: some.DataObject) -> None:
    content = bytearray(written(OTHERS, packed=data.draw(some.booleans())))
    for place in data.draw(some.lists(some.integers(0, len(content) - 1), max_size=5)):
        content[place] = data.draw(some.integers(0, 255))
    shapes(bytes(content[: data.draw(some.integers(0, len(content)))]))


def test_headers_of_version_4_and_of_other_files_tell_nothing() -> None:
    file = io.BytesIO()
    scipy.io.savemat(file, {"preds": np.zeros((3, 2))}, format="4")
    assert [shapes(content) for content in (file.getvalue(), b"", b"text" * 99)] == [None, None, None]


def test_more_axes_than_numpy_has_are_no_shape() -> None:
    def content(axes: int) -> bytes:
        sizes = struct.pack("<II", 5, 4 * axes) + struct.pack("<i", 1) * axes
        body = (
            struct.pack("<IIII", 6, 8, 6, 0) + sizes + struct.pack("<HH4s", 1, 1, b"a") + struct.pack("<IId", 9, 8, 1)
        )
        return b"by hand".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + struct.pack("<II", 14, len(body)) + body

    assert shapes(content(64)) == {"a": (1,) * 64}
    assert shapes(content(100_000)) is None
