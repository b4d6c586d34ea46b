from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from benchbox.datasets import mat
from benchbox.datasets.mat import array, read_mat
from benchbox.errors import EnvironmentProblem, InvalidInput


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "x.mat"
    values = np.random.default_rng(0).normal(size=(14, 3, 50))
    scipy.io.savemat(path, {"joints": values, "note": "text"}, do_compression=True)
    return path, values


def test_an_array_returns_as_written(good):
    path, values = good
    variables = read_mat(path, "")
    assert sorted(variables) == ["joints", "note"]
    np.testing.assert_array_equal(array(variables, "joints", path, (14, 3, None)), values)


def test_a_last_size_of_one_is_put_back(tmp_path):
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"joints": np.ones((14, 3))})
    assert array(read_mat(path, ""), "joints", path, (14, 3, None)).shape == (14, 3, 1)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_one_line(good, share):
    path, _ = good
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InvalidInput) as problem:
        array(read_mat(path, ""), "joints", path, (14, 3, None))
    assert str(path) in str(problem.value)
    assert "\n" not in str(problem.value)


def test_any_broken_byte_is_a_users_mistake_or_other_numbers(good):
    path, _ = good
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(content), 60):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        with contextlib.suppress(InvalidInput):
            array(read_mat(path, ""), "joints", path, (14, 3, None))


@pytest.mark.parametrize("offset", [0, 512])
def test_version_7_3_says_what_to_do(tmp_path, offset):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "x.mat"
    with h5py.File(path, "w", userblock_size=offset) as file:
        file["joints"] = np.zeros((3, 4))
    if offset:
        with path.open("r+b") as block:
            block.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    with pytest.raises(InvalidInput, match=r"x\.mat: .*7\.3.*save it with -v7"):
        read_mat(path, "")


def test_a_missing_file_says_where_it_belongs(tmp_path):
    with pytest.raises(EnvironmentProblem, match="it belongs there"):
        read_mat(tmp_path / "x.mat", "it belongs there")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((3, 14, 5)), "joints is 3 x 14 x 5, expected 14 x 3 x N"),
        (np.zeros((14, 5)), "joints is 14 x 5"),
        (
            np.where(np.arange(42).reshape(14, 3, 1) == 4, np.nan, 0.0),
            r"joints\(2, 2, 1\) is nan, expected",
        ),
        ("text", "no array of numbers joints; the file holds joints"),
    ],
)
def test_wrong_content_is_one_line(tmp_path, value, message):
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"joints": value})
    with pytest.raises(InvalidInput, match=message):
        array(read_mat(path, ""), "joints", path, (14, 3, None))


@pytest.fixture(scope="module")
def gigabyte() -> bytes:
    """Nearly a gigabyte of zeros, packed."""
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(bytes(1 << 24)) for _ in range(52)) + packer.flush()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_unread(
    order: str, gigabyte: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = b"IM" if order == "<" else b"MI"
    file = tmp_path / "bomb.mat"
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", 0x0100) + mark
    file.write_bytes(header + struct.pack(f"{order}II", 15, len(gigabyte)) + gigabyte)
    assert file.stat().st_size < 5_000_000

    def never(*given: object, **options: object) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr("scipy.io.loadmat", never)
    with pytest.raises(InvalidInput, match="unpacks to more than 800,000,000 bytes"):
        read_mat(file, "hint")


def test_packed_elements_are_counted_to_the_byte() -> None:
    values = {"a": np.zeros(100_000), "b": np.zeros(200_000)}
    packed, plain = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(packed, values, do_compression=True)
    scipy.io.savemat(plain, values)
    size = len(plain.getvalue()) - 128  # its header stays as it is
    assert len(packed.getvalue()) * mat.DEFLATE_RATIO > size
    assert not mat._unpacks_beyond(packed.getvalue(), size)
    assert mat._unpacks_beyond(packed.getvalue(), size - 1)
