"""A study of two arms that trains in seconds, and how to run, kill and compare it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchbox.jobdir import JobDir
from benchbox.records import JOB_TABLES, MEASURED_TIMES

QUICK = """\
schema = 1
title = "Two arms in seconds"
factor = ["model.attend"]

[base]
dataset = { name = "synthetic", train = 160, test = 40, input = [64, 64] }
model = { name = "hrnet", width = 16, shrink = 0.25, blocks = 1, modules = [1, 1, 1], attention = "am" }
train = { epochs = 3, batch = 16, sigma = 1.0 }

[[variants]]
name = "baseline"
reference = true

[[variants]]
name = "stage 1"
model.attend.stages = [1]

[scales.tiny]
"""
BENCHBOX = (sys.executable, "-m", "benchbox")


def write(folder: Path) -> Path:
    """Write the study into a folder."""
    file = folder / "quick.toml"
    file.write_text(QUICK, encoding="utf-8")
    return file


def start(study: Path, results: Path, cache: Path, *words: str) -> subprocess.Popen[str]:
    """Start `benchbox run`, without a GPU."""
    given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}
    command = [*BENCHBOX, "run", str(study), "--results", str(results), *words]
    return subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for it; return its exit code and what it said."""
    _, said = process.communicate()
    return process.returncode, said


def rows(results: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every published table, the measured times aside."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in sorted((results / "jobs").iterdir()):
        result = JobDir(folder).result()
        assert result is not None, f"{folder.name} has no result: {JobDir(folder).state()}"
        for name in JOB_TABLES:
            table = pq.read_table(result.table(name))
            kept = [column for column in table.column_names if column not in MEASURED_TIMES]
            found.setdefault(name, []).extend(json.loads(json.dumps(table.select(kept).to_pylist())))
    return found


def workers(results: Path) -> list[int]:
    """Return the process ids of the workers that the claims name and that live."""
    found = []
    for claim in results.glob("jobs/*/attempts/*/claim.json"):
        try:
            pid = int(json.loads(claim.read_text())["pid"])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        if b"benchbox.worker" in command:
            found.append(pid)
    return found


def reached(results: Path, epoch: int) -> bool:
    """Tell whether some job trains in an epoch (from 1) or in a later one."""
    files = results.glob("jobs/*/attempts/*/progress.json")
    return any(json.loads(file.read_bytes()).get("epoch", 0) >= epoch for file in files)


def wait_until(true: Callable[[], bool], seconds: float = 120, *, pause: float = 0.02) -> None:
    """Wait for something; fail when it never happens."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(pause)
