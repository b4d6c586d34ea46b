"""How long tables take, after the imports: 100,000 rows of scores, and jobs of 1,000,000 persons by category."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchbox import records
from benchbox.cli import tables
from benchbox.config import JobConfig
from benchbox.jobdir import JobDir
from benchbox.plan import Arm, expand
from benchbox.spec import read_study

STUDY = """\
schema = 1
title = "Many arms"
factor = ["train.lr"]

[base]
dataset = { name = "synthetic" }
model = { name = "hrnet", shrink = 0.25, blocks = 1, modules = [1, 1, 1] }

[axes]
"train.lr" = [LIST]

[reference]
"train.lr" = 0.001
"""
GROUPS = ["all", *(f"category:{number}" for number in range(9)), *(f"joint:{number}" for number in range(17))]


def study(folder: Path, arms: int) -> tuple[Path, list[Arm]]:
    rates = ", ".join(f"{0.001 * (1 + number):.3f}" for number in range(arms))
    file = folder / f"study_{arms}.toml"
    file.write_text(STUDY.replace("LIST", rates), encoding="utf-8")
    return file, expand(read_study(file), "paper")


def finish(results: Path, config: JobConfig, job: str, score_rows: int, people: int) -> None:
    """Write a finished job with so many rows."""
    folder = JobDir.of(results, job)
    folder.write(config)
    attempt = folder.claim()
    assert attempt is not None
    many = -(-score_rows // len(GROUPS))
    protocols = ["coco-kp/gt-boxes/flip", *(f"coco-kp/gt-boxes/flip/nms-0.{number:03}" for number in range(1, many))]
    places = [(protocol, group) for protocol in protocols for group in GROUPS][:score_rows]
    rows = [
        {"job": job, "protocol": protocol, "metric": "AP", "group": group, "value": 50 + (len(group) % 7), "n": 9}
        for protocol, group in places
    ]
    records.write(attempt.table("runs"), "runs", [{"job": job, "state": "done", "config": config.model_dump_json()}])
    records.write(attempt.table("scores"), "scores", rows)
    persons = np.arange(people)
    columns = {
        name: pa.nulls(people, kind) for name, kind in zip(records.PEOPLE.names, records.PEOPLE.types, strict=True)
    }
    columns |= {"version": pa.array(np.full(people, records.VERSION, np.int16)), "person": pa.array(persons)}
    columns["category"] = pa.array([f"category {number % 9}" for number in range(people)])
    records.write_table(attempt.table("people"), pa.table(columns, schema=records.PEOPLE))
    attempt.end("done")
    attempt.publish({}, 1.0)


def timed(file: Path, results: Path, shown: tables.Shown) -> float:
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        tables.table(file, None, "paper", False, shown, results, "csv")
    return time.perf_counter() - began


def measure(arms: int, score_rows: int, people: int, by: str | None) -> float:
    """Return the seconds of a table over so many rows of each arm, its networks counted before."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, found = study(folder, arms)
        for arm in found:
            finish(folder / "results", arm.config, arm.job, score_rows, people)
        shown = tables.Shown(by, ["coco-kp/gt-boxes/flip"], False, [])
        timed(file, folder / "results", shown)
        return min(timed(file, folder / "results", shown) for _ in range(3))


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "160")
    print(f"table over 100 jobs x 1,000 rows of scores: {measure(100, 1000, 0, None):.2f} s (at most 1)")
    print(f"table over 4 jobs x 25,000 rows of scores: {measure(4, 25000, 0, None):.2f} s (at most 1)")
    print(f"table by category, 10 jobs x 100,000 persons: {measure(10, 500, 100_000, 'category'):.2f} s (at most 3)")
