"""What the tables of a job hold beyond their schemas: whose rows, what no row lacks, texts that are read."""

from __future__ import annotations

import math
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError

NEVER_NULL = {
    "runs": ("version", "job", "config", "provenance"),
    "scores": ("version", "job", "protocol", "metric", "group"),
    "people": ("version", "job", "person"),
    "bench": (),
}
"""Columns of which every row has a value."""


class _Config(BaseModel):
    seed: int
    train: dict[str, Any]


class _Provenance(BaseModel):
    commit: str = ""
    dirty: bool | None = None
    python: str = ""
    versions: dict[str, str] = {}
    machine: str = ""
    cpu: str = ""
    device: str = ""


def _with_epoch(one: dict[str, float]) -> dict[str, float]:
    if not math.isfinite(one.get("epoch", math.nan)):
        raise ValueError("has no epoch")
    return one


NUMBERS = {"confidences": 1, "keypoints": 2, "joint_errors": 1, "truth": 3}
"""Numbers that each row of `people` has for a joint; `truth` is null throughout in what version 1 wrote."""
TEXTS: dict[str, TypeAdapter[Any]] = {
    "config": TypeAdapter(_Config),
    "validations": TypeAdapter(list[Annotated[dict[str, float], AfterValidator(_with_epoch)]]),
    "inputs": TypeAdapter(dict[str, str]),
    "provenance": TypeAdapter(_Provenance),
}
"""What the columns of `runs` that are JSON hold, as far as it is read."""
LARGEST_SCORE = 1e9
"""Scores are percents; beyond it sums of squares would overflow."""


def check(table: pa.Table, name: str, job: str | None) -> None:
    """Check what a schema cannot say: whose rows they are, what no row lacks, and what the texts of `runs` hold.

    Raises: ValueError.
    """
    for column in NEVER_NULL[name]:
        if table[column].null_count:
            raise ValueError(f"{column} is missing in a row")
    others = set() if job is None else set(table["job"].unique().to_pylist()) - {job}
    if others:
        raise ValueError(f"holds rows of job {min(others)[:80]}, not only of {job}")
    if name in CHECKS:
        CHECKS[name](table)


def _check_scores(table: pa.Table) -> None:
    largest = pc.max(pc.abs(table["value"])).as_py()
    if largest is not None and largest > LARGEST_SCORE:
        raise ValueError(f"value is {largest:g}, no score")


def _check_run(table: pa.Table) -> None:
    if table.num_rows != 1:
        raise ValueError(f"has {table.num_rows} rows, expected one")
    for column, content in TEXTS.items():
        text = table[column][0].as_py()
        try:
            if text is not None:
                content.validate_json(text)
        except ValidationError as problem:
            (first, *_) = problem.errors(include_input=False)
            place = ".".join(map(str, first["loc"]))[:80]
            raise ValueError(f"{column}: {place}{': ' if place else ''}{first['msg'][:200]}") from None


def _check_people(table: pa.Table) -> None:
    if not table.num_rows:
        return
    lengths = {column: set(pc.list_value_length(table[column]).unique().to_pylist()) for column in NUMBERS}
    joints = next(iter(lengths["confidences"])) or 0
    for column, numbers in NUMBERS.items():
        if lengths[column] != {numbers * joints} and (column, lengths[column]) != ("truth", {None}):
            raise ValueError(f"{column} has not {numbers} for each of {joints} joints in every row")


CHECKS = {"runs": _check_run, "scores": _check_scores, "people": _check_people}
