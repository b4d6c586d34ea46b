"""The Parquet schemas are frozen, and a file is whole or absent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbox import records

SCORE = {"job": "a", "protocol": "coco-kp/gt-boxes/flip", "metric": "AP", "group": "all", "value": 1.5, "n": 3}


def test_the_schemas_never_change() -> None:
    def digest(*names: str) -> str:
        text = "\n".join(f"{name} {field.name} {field.type}" for name in names for field in records.SCHEMAS[name])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    assert records.VERSION == 3
    assert list(records.SCHEMAS) == ["runs", "scores", "people", "bench"]
    assert digest("runs", "scores", "people") == "f175574a101c19de"
    assert digest("bench") == "d56c4bb0e2966a3f"


FIRST = pa.schema(
    [
        *((name, pa.int16()) for name in ["version"]),
        *((name, pa.string()) for name in ["job", "image"]),
        *((name, pa.int64()) for name in ["image_id", "person"]),
        ("category", pa.string()),
        ("box", pa.list_(pa.float32())),
        *((name, pa.float64()) for name in ["box_score", "area"]),
        *((name, pa.list_(pa.float32())) for name in ["keypoints", "confidences", "joint_errors"]),
        ("oks", pa.float64()),
    ]
)


def test_a_file_of_version_1_is_read_with_nothing_in_the_new_columns(tmp_path: Path) -> None:
    row = {"version": 1, "job": "a", "image_id": 3, "keypoints": [1.0, 2.0], "joint_errors": [0.25], "oks": 0.5}
    pq.write_table(pa.Table.from_pylist([row], schema=FIRST), tmp_path / "people.parquet")
    table = records.read(tmp_path / "people.parquet", "people")
    assert table.schema == records.PEOPLE
    found = table.to_pylist()[0]
    assert (found["oks"], found["keypoints"], found["joint_errors"]) == (0.5, [1.0, 2.0], [0.25])
    assert {found[name] for name in records.ADDED[2]["people"]} == {None}
    pq.write_table(pa.Table.from_pylist([row | {"version": 2}], schema=FIRST), tmp_path / "people.parquet")
    with pytest.raises(ValueError, match="not a people table of version 2"):
        records.read(tmp_path / "people.parquet", "people")


def test_rows_come_back_as_they_went(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    records.write(file, "scores", [SCORE])
    assert records.read(file, "scores").to_pylist() == [{"version": records.VERSION, **SCORE}]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(pa.ArrowInvalid):
        records.write(tmp_path / "scores.parquet", "scores", [SCORE | {"n": "many"}])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "scores.parquet"
    file.write_bytes(content)
    with pytest.raises((ValueError, OSError), match=r"scores\.parquet|Parquet|magic"):
        records.read(file, "scores")


def test_another_table_and_a_later_version_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    records.write(file, "scores", [SCORE])
    with pytest.raises(ValueError, match="not a runs table"):
        records.read(file, "runs")
    table = pa.Table.from_pylist([{"version": records.VERSION + 1, **SCORE}], schema=records.SCORES)
    pq.write_table(table, file)
    with pytest.raises(ValueError, match="later benchbox"):
        records.read(file, "scores")


def test_tables_are_the_same_by_every_value_and_nan_equals_nan() -> None:
    nan = float("nan")
    rows = [{"job": "a", "person": 1, "joint_errors": [0.5, nan]}, {"job": "a", "person": 2, "joint_errors": None}]
    one = records.table("people", rows)
    assert records.same(one, records.table("people", rows))
    for errors in ([0.5, 0.5], [nan, 0.5], [0.5], [0.5, nan, nan], None, [], [0.5, None]):
        assert not records.same(one, records.table("people", [rows[0] | {"joint_errors": errors}, rows[1]])), errors
    assert not records.same(one, records.table("people", [rows[0], rows[1] | {"joint_errors": []}]))
    assert not records.same(one, records.table("people", [rows[0], rows[1] | {"person": 3}]))
    assert not records.same(one, records.table("people", rows[:1]))
