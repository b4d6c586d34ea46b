"""Tables of a result that are whole and of the right types, but hold what no job wrote: one line, from every reader."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbox import records, store
from benchbox.errors import InvalidInput
from benchbox.jobdir import JobDir
from tests.gates import made

DEEP = "[" * 100_000
CONFIG = {"seed": 0, "train": {}}
WRONG: list[tuple[str, str, Any, str]] = [
    ("runs", "version", -1, "its version is -1"),
    ("runs", "version", 99, "a later benchbox"),
    ("runs", "job", None, "job is missing in a row"),
    ("runs", "job", "\x1b[31m", "holds rows of job"),
    ("runs", "config", None, "config is missing in a row"),
    ("runs", "config", "", "config: Invalid JSON"),
    ("runs", "config", "[]", "config: Input should be"),
    ("runs", "config", "{}", "config: seed: Field required"),
    ("runs", "config", json.dumps(CONFIG | {"train": 5}), "config: train: Input should be"),
    ("runs", "config", json.dumps(CONFIG | {"seed": "x"}), "config: seed: Input should be"),
    ("runs", "config", DEEP, "config: Invalid JSON: recursion limit"),
    ("runs", "provenance", None, "provenance is missing in a row"),
    ("runs", "provenance", '{"commit": 5}', "provenance: commit: Input should be"),
    ("runs", "provenance", '{"versions": {"torch": []}}', "provenance: versions.torch: Input should be"),
    ("runs", "inputs", '{"a": 1}', "inputs: a: Input should be"),
    ("runs", "validations", "{}", "validations: Input should be"),
    ("runs", "validations", '[{"AP": 1}]', "validations: 0: Value error, has no epoch"),
    ("runs", "validations", '[{"epoch": 1e400}]', "validations: 0: Value error, has no epoch"),
    ("scores", "protocol", None, "protocol is missing in a row"),
    ("scores", "job", "0" * 12, "holds rows of job 000000000000, not only of"),
    ("scores", "value", -1e308, "value is 1e+308"),
    ("scores", "value", math.inf, "value is inf"),
    ("people", "person", None, "person is missing in a row"),
    ("people", "joint_errors", None, "joint_errors has not 1 for each of 17 joints"),
    ("people", "confidences", [], "keypoints has not 2 for each of 0 joints"),
    ("people", "keypoints", [1.0] * 35, "keypoints has not 2 for each of 17 joints"),
    ("people", "job", "0" * 12, "holds rows of job"),
]


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    """A job with a result."""
    made.write(tmp_path, people=made.persons(4), seeds=(0,))
    (path,) = (tmp_path / "results/jobs").iterdir()
    return JobDir(path)


def read(job: JobDir, name: str) -> None:
    results = job.path.parents[1]
    store.people(results, job.id) if name == "people" else store.read(results, [job.id])


@pytest.mark.parametrize(("name", "column", "value", "said"), WRONG)
def test_what_no_job_wrote_is_damage(name: str, column: str, value: Any, said: str, job: JobDir) -> None:
    read(job, name)
    file = job.attempts / "1" / f"{name}.parquet"
    table = pq.read_table(file)
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    pq.write_table(table.set_column(place, field, pa.array([value] * table.num_rows, field.type)), file)
    with pytest.raises(InvalidInput) as refused:
        read(job, name)
    line = str(refused.value)
    assert said in line
    assert str(file) in line
    assert "benchbox run STUDY.toml --stale makes it anew" in line
    assert len(line.replace(str(file), "")) < 300


@pytest.mark.parametrize("rows", [0, 2])
def test_a_run_is_one_row(rows: int, job: JobDir) -> None:
    file = job.attempts / "1/runs.parquet"
    table = pq.read_table(file)
    records.write_table(file, pa.concat_tables([table.slice(0, 0), *[table] * rows]))
    with pytest.raises(InvalidInput, match=f"has {rows} rows, expected one"):
        read(job, "runs")


def test_a_text_that_a_version_lacks_is_none(job: JobDir) -> None:
    assert pq.read_table(job.attempts / "1/runs.parquet")["validations"].to_pylist() == [None]
    assert len(store.read(job.path.parents[1], [job.id]).runs) == 1
