"""The Parquet files of a job: their schemas, frozen with a version column, and how one is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchbox import contents
from benchbox.errors import InvalidInput
from benchbox.files import refuse_special

VERSION = 3
"""Version 3 of `runs`: new are parts, how many a mini-batch was computed in (more than the study's accumulate where
memory was short), processes, how many shared each mini-batch, validations (JSON: scores after some epochs, the last of
all included), best_epoch, weights, a digest of those whose predictions count, latency_seconds, of predicting one
person, and exclusive, whether the device did nothing else meanwhile. Version 2 of `people`: new are
activity, truth and joint_unit (null in what version 1 wrote); keypoints and joint_errors are doubles, since the last
bit of a float decides on a joint at the threshold."""

RUNS = pa.schema(
    [
        ("version", pa.int16()),
        ("job", pa.string()),
        ("state", pa.string()),
        ("failure", pa.string()),
        ("config", pa.string()),
        ("parameters", pa.int64()),
        ("macs", pa.int64()),
        ("field_gflops", pa.float64()),
        ("epochs", pa.int32()),
        ("parts", pa.int32()),
        ("processes", pa.int32()),
        ("validations", pa.string()),
        ("best_epoch", pa.int32()),
        ("weights", pa.string()),
        ("samples", pa.int64()),
        ("final_loss", pa.float64()),
        ("wall_seconds", pa.float64()),
        ("step_seconds", pa.float64()),
        ("samples_per_second", pa.float64()),
        ("data_wait_share", pa.float64()),
        ("peak_memory_bytes", pa.int64()),
        ("latency_seconds", pa.float64()),
        ("exclusive", pa.bool_()),
        ("device", pa.string()),
        ("threads", pa.int32()),
        ("source", pa.string()),
        ("inputs", pa.string()),
        ("provenance", pa.string()),
        ("finished", pa.string()),
    ]
)
SCORES = pa.schema(
    [
        ("version", pa.int16()),
        ("job", pa.string()),
        ("protocol", pa.string()),
        ("metric", pa.string()),
        ("group", pa.string()),
        ("value", pa.float64()),
        ("n", pa.int64()),
    ]
)
PEOPLE = pa.schema(
    [
        ("version", pa.int16()),
        ("job", pa.string()),
        ("image", pa.string()),
        ("image_id", pa.int64()),
        ("person", pa.int64()),
        ("category", pa.string()),
        ("box", pa.list_(pa.float32())),
        ("box_score", pa.float64()),
        ("area", pa.float64()),
        ("keypoints", pa.list_(pa.float64())),
        ("confidences", pa.list_(pa.float32())),
        ("joint_errors", pa.list_(pa.float64())),
        ("oks", pa.float64()),
        ("activity", pa.string()),
        ("truth", pa.list_(pa.float64())),
        ("joint_unit", pa.float64()),
    ]
)
BENCH = pa.schema(
    [
        ("version", pa.int16()),
        ("network", pa.string()),
        ("model", pa.string()),
        ("joints", pa.int32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("device", pa.string()),
        ("batch", pa.int32()),
        ("precision", pa.string()),
        ("repeats", pa.int32()),
        ("threads", pa.int32()),
        ("parameters", pa.int64()),
        ("macs", pa.int64()),
        *((f"images_per_second{end}", pa.float64()) for end in ("", "_min", "_max")),
        *((f"training_images_per_second{end}", pa.float64()) for end in ("", "_min", "_max")),
        *((f"latency_p{share}", pa.float64()) for share in (50, 90, 99)),
        *((f"single_latency_p{share}", pa.float64()) for share in (50, 90, 99)),
        ("calls", pa.int64()),
        ("single_calls", pa.int64()),
        ("forward_peak_bytes", pa.int64()),
        ("training_peak_bytes", pa.int64()),
        ("matrix_rate", pa.float64()),
        ("matrix_share", pa.float64()),
        ("torch", pa.string()),
        ("source", pa.string()),
        ("provenance", pa.string()),
        ("measured", pa.string()),
    ]
)
"""One measurement of a network's speed: rates in images a second (median, least and most of the repeats), latencies of
a batch and of a single image in seconds, matrix_rate in operations a second."""
SCHEMAS = {"runs": RUNS, "scores": SCORES, "people": PEOPLE, "bench": BENCH}
ANEW = "benchbox run STUDY.toml --stale makes it anew"
JOB_TABLES = ("runs", "scores", "people")
"""The tables that every result of a job has."""
ADDED: dict[int, dict[str, tuple[str, ...]]] = {
    2: {"people": ("activity", "truth", "joint_unit")},
    3: {"runs": ("parts", "processes", "validations", "best_epoch", "weights", "latency_seconds", "exclusive")},
}
"""Columns that came with a version, by table."""
MEASURED_TIMES = (
    "wall_seconds",
    "step_seconds",
    "samples_per_second",
    "data_wait_share",
    "peak_memory_bytes",
    "latency_seconds",
    "exclusive",
    "finished",
)
"""Columns of `runs` that two runs of one job need not share."""
FEW = 100
"""Rows below which a file is not compressed: to unpack its columns one by one takes longer than to read them."""


def write(path: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of one table whole or not at all; every row gets the schema's version.

    Args: name: runs, scores, people or bench. Raises: OSError when the disk refuses.
    """
    write_table(path, table(name, rows))


def table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table of today's version, keys that are missing as nulls."""
    return pa.Table.from_pylist([{"version": VERSION, **row} for row in rows], schema=SCHEMAS[name])


def write_table(path: Path, content: pa.Table) -> None:
    """Write a table whole or not at all.

    Raises: OSError when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        few = content.num_rows < FEW
        pq.write_table(content, temporary, compression="none" if few else "zstd", use_dictionary=not few)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path, name: str) -> pa.Table:
    """Read one table and check its schema's version.

    Raises: ValueError naming the file when it is not this table or of a later version.
    """
    try:
        refuse_special(path)
        # Not read_table, which opens a data set, and from memory: a study has many small files.
        with pq.ParquetFile(pa.BufferReader(path.read_bytes())) as file:
            table = file.read(use_threads=False)
    except pa.ArrowInvalid as problem:
        raise ValueError(f"{path}: not a Parquet file: {str(problem).splitlines()[0]}") from None
    names = table.schema.names
    version = table["version"][0].as_py() if table.num_rows and "version" in names else VERSION
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"{path}: its version is {version}, expected 1 to {VERSION}")
    if version > VERSION:
        raise ValueError(f"{path}: written by a later benchbox (version {version})")
    missing = {column for later in range(version + 1, VERSION + 1) for column in ADDED[later].get(name, ())}
    if names != [column for column in SCHEMAS[name].names if column not in missing]:
        raise ValueError(f"{path}: not a {name} table of version {version}")
    for column in SCHEMAS[name]:
        if column.name in missing:
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    table = table.select(SCHEMAS[name].names) if missing else table
    # A cast of what needs none takes nearly as long as the reading.
    return table if table.schema.equals(SCHEMAS[name]) else table.cast(SCHEMAS[name])


def load(path: Path, name: str, job: str | None = None) -> pa.Table:
    """Read one table of a result; as `read`, but what is wrong with it, or in it, is a user's one line.

    Args: job: whose rows these are, where that is known.

    Raises: InvalidInput; PermissionError.
    """
    try:
        if path.is_symlink():
            raise InvalidInput(f"{path}: is a link; a result stays in its folder: {ANEW}")
        table = read(path, name)
        contents.check(table, name, job)
        return table
    except PermissionError:  # another's file is not a damaged one
        raise
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; the result is damaged: {ANEW}") from None
    except (pa.ArrowException, ValueError, OSError, MemoryError) as problem:
        said = (str(problem).splitlines() or ["not a Parquet file"])[0]
        where = "" if said.startswith(str(path)) else f"{path}: "
        raise InvalidInput(f"{where}{said}; the result is damaged: {ANEW}") from None


def same(one: pa.Table, other: pa.Table) -> bool:
    """Tell whether two tables hold the same; unlike in Arrow's own comparison, a NaN equals a NaN."""
    if not one.schema.equals(other.schema) or one.num_rows != other.num_rows:
        return False
    return all(_same_values(one[name].combine_chunks(), other[name].combine_chunks()) for name in one.column_names)


def _same_values(one: pa.Array, other: pa.Array) -> bool:
    if one.equals(other):
        return True
    if pa.types.is_list(one.type):
        lengths = (one.value_lengths(), other.value_lengths())
        return lengths[0].equals(lengths[1]) and _same_values(one.flatten(), other.flatten())
    if not pa.types.is_floating(one.type) or not one.is_null().equals(other.is_null()):
        return False
    return bool(
        np.array_equal(one.to_numpy(zero_copy_only=False), other.to_numpy(zero_copy_only=False), equal_nan=True)
    )
