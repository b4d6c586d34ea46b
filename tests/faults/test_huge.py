"""Small files that claim to be huge, and texts of ten million characters: one short line, in bounded memory."""

from __future__ import annotations

import gzip
import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbox import records
from benchbox.jobdir import JobDir
from tests.bad_input import good
from tests.gates import made

pytestmark = pytest.mark.faults
MEMORY = 3_000_000_000
LONG = "x" * 10_000_000
STUDY = """\
schema = 1
title = "T"
factor = ["evaluate.flip_test"]
base.dataset.name = "synthetic"
[[variants]]
name = "plain"
reference = true
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write good data sets."""
    root = tmp_path_factory.mktemp("huge") / "data"
    good.write_all(root)
    return root


def told(data: Path, *words: str) -> str:
    """Call the command line with little memory; assert exit code 2 and one short line, and return it."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    given = {**os.environ, "BENCHBOX_DATA": str(data), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    given |= {"BENCHBOX_CACHE": str(data.parent / "cache"), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchbox", *words]
    done = subprocess.run(
        command, cwd=data.parent, env=given, capture_output=True, text=True, timeout=60, preexec_fn=bound
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-2000:]
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 500
    return done.stderr


STUDIES = {
    "title": STUDY.replace('"T"', f'"{LONG}"'),
    "title just small enough": STUDY.replace('"T"', f'"{LONG[:900_000]}"'),
    "arm": STUDY.replace("plain", LONG[:900_000]),
    "key": STUDY + f"{LONG[:900_000]} = 1\n",
    "key in a table": STUDY.replace("base.dataset.name", f"base.dataset.{LONG[:900_000]}"),
    "key in an inline table": STUDY + f'model = {{ "{LONG[:900_000]}" = 1 }}\n',
    "key twice": STUDY + f"{LONG[:400_000]} = 1\n{LONG[:400_000]} = 2\n",
    "value": STUDY.replace('"synthetic"', f'"{LONG[:900_000]}"'),
    "scale": STUDY + f"[scales.{LONG[:900_000]}]\n",
    "comment": STUDY + "#" + LONG,
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_with_a_long_text(name: str, data: Path) -> None:
    (data.parent / "study.toml").write_text(STUDIES[name], encoding="utf-8")
    assert "study.toml" in told(data, "plan", "study.toml")


def person(**values: Any) -> bytes:
    return good.text([{**good.coco_results()[0], **values}])


def deep_parquet() -> pa.Table:
    kind: pa.DataType = pa.int8()
    for _ in range(200):
        kind = pa.list_(kind)
    return pa.table({"a": pa.nulls(3, kind)})


def mat_cells(kind: int) -> bytes:
    """Return a MATLAB file whose one variable claims 2e9 elements: 1 cells, 2 structs without fields, 6 numbers."""

    def element(code: int, content: bytes) -> bytes:
        return struct.pack("<II", code, len(content)) + content + b"\0" * (-len(content) % 8)

    inside = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack("<ii", 2_000_000_000, 1))
    inside += element(1, b"preds\0\0\0")
    inside += element(5, struct.pack("<i", 8)) + element(1, b"") if kind == 2 else element(9, b"\0" * 16)
    return b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + element(14, inside)


def hdf5_tera(file: Path) -> None:
    with h5py.File(file, "w") as made_up:
        made_up.create_dataset("preds", (10**12, 16, 2), dtype="f8", chunks=(1, 16, 2))


PREDICTIONS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "text as number": ("a.json", "coco", lambda file: file.write_bytes(person(score=LONG))),
    "text as image": ("a.json", "coco", lambda file: file.write_bytes(person(image_id=LONG))),
    "text as category": ("a.json", "coco", lambda file: file.write_bytes(person(category_id=LONG))),
    "text as keypoints": ("a.json", "coco", lambda file: file.write_bytes(person(keypoints=LONG))),
    "text alone": ("a.json", "mpii", lambda file: file.write_bytes(json.dumps(LONG).encode())),
    "long key": ("a.json", "mpii", lambda file: file.write_bytes(json.dumps({LONG: 1}).encode())),
    "packed spaces": ("a.json.gz", "coco", lambda file: file.write_bytes(gzip.compress(b" " * 100_000_000, 1) * 15)),
    "packed objects": ("a.json.gz", "coco", lambda file: file.write_bytes(packed_objects())),
    "terabytes": ("a.h5", "mpii", hdf5_tera),
    "cells": ("a.mat", "mpii", lambda file: file.write_bytes(mat_cells(1))),
    "structs": ("a.mat", "mpii", lambda file: file.write_bytes(mat_cells(2))),
    "numbers": ("a.mat", "mpii", lambda file: file.write_bytes(mat_cells(6))),
    "larger than any": ("a.json", "coco", lambda file: os.truncate(os.open(file, os.O_CREAT | os.O_RDWR), 2**40)),
}


def packed_objects() -> bytes:
    """Return 15 million small objects, which take 200 bytes each once they are read, in a file of a megabyte."""
    return gzip.compress(b"[") + gzip.compress(b'{"a":0},' * 1_000_000, 1) * 15 + gzip.compress(b"{}]")


@pytest.mark.parametrize("name", PREDICTIONS)
def test_predictions_that_claim_to_be_huge(name: str, data: Path) -> None:
    place, dataset, write = PREDICTIONS[name]
    file = data.parent / place
    file.unlink(missing_ok=True)
    write(file)
    assert place in told(data, "score", place, "--dataset", dataset)


def claim_rows(content: bytes, rows: int) -> bytes:
    """Return a Parquet file whose metadata claim more rows: its count is a zigzag varint that thrift keeps twice."""
    old, new = b"\x16\x06", b"\x16" + varint(2 * rows)
    at = content.rindex(old)
    footer = content[:-8]
    size = struct.unpack("<I", content[-8:-4])[0]
    start = len(content) - 8 - size
    changed = footer[start:].replace(old, new)
    assert at > start
    return footer[:start] + changed + struct.pack("<I", len(changed)) + b"PAR1"


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize("kind", ["rows", "nesting", "text"])
def test_a_table_that_claims_to_be_huge(kind: str, tmp_path: Path) -> None:
    made.write(tmp_path, people=made.persons(4), seeds=(0,))
    (path,) = (tmp_path / "results/jobs").iterdir()
    file = JobDir(path).attempts / "1/scores.parquet"
    if kind == "nesting":
        pq.write_table(deep_parquet(), file)
    elif kind == "text":
        pq.write_table(pa.table({LONG: [1]}), file)
    else:
        pq.write_table(records.read(file, "scores").slice(0, 3), file, compression="none")
        file.write_bytes(claim_rows(file.read_bytes(), 3_000_000_000))
    said = told(tmp_path / "data", "table", str(tmp_path / "study.toml"), "--scale", "tiny")
    assert "scores.parquet" in said
