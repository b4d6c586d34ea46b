"""Small jobs, and how to start them in one process or under torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchbox import records
from benchbox.config import JobConfig, job_id
from benchbox.jobdir import JobDir
from benchbox.lease import process_start
from tests.end_to_end import quick

Started = tuple[JobDir, subprocess.Popen[bytes]]
TASKS = [
    {"epochs": 1, "trains": "pose", "masks": "ones", "lr": 1e-4},
    {"epochs": 1, "trains": "masks", "lr": 1e-3},
    {"epochs": 1, "lr": 1e-5, "batch": 32},
]
NETWORKS: dict[str, dict[str, Any]] = {
    "hrnet": {"name": "hrnet", "width": 16, "shrink": 0.25, "blocks": 1, "modules": [1, 1, 1]},
    "acnn": {"name": "acnn", "stacks": 2, "shrink": 0.0625},
}
RECIPES: dict[str, dict[str, Any]] = {
    "hrnet": {"epochs": 2, "batch": 17, "validate_every": 1},  # 70 persons: two are left for the last mini-batch
    "acnn": {"phases": TASKS, "batch": 34, "optimizer": "rmsprop", "weight_decay": 1e-4},
}

LONGER: dict[str, dict[str, Any]] = {
    "hrnet": {"epochs": 5},
    "acnn": {"phases": [task | {"epochs": 2} for task in TASKS]},
}


def config(name: str, **recipe: Any) -> JobConfig:
    """Return a job of a few steps over 70 persons."""
    dataset = {"name": "synthetic", "layout": "mpii", "train": 60, "test": 40}
    train = {"sigma": 1.0, "sync_batch_norm": True} | RECIPES[name] | recipe
    return JobConfig.model_validate({"dataset": dataset, "model": NETWORKS[name], "train": train})


def start(job: JobConfig, folder: Path, cache: Path, processes: int, **environment: str) -> Started:
    """Start the next attempt at a job in a process group of its own; weights and log go into the folder."""
    place = JobDir.of(folder, job_id(job))
    place.write(job)
    attempt = place.claim()
    assert attempt is not None
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    words = ["run", str(place.path), "--attempt", str(attempt.number), "--cache", str(cache)]
    command = [sys.executable, *(torchrun if processes > 1 else []), "-m", "tests.engines.ranks", str(folder), *words]
    given = {**os.environ, **environment, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    with open(folder / "log.txt", "ab") as log:
        return place, subprocess.Popen(command, env=given, stdout=log, stderr=log, start_new_session=True)


def descendants(pid: int) -> list[int]:
    """Return a process's children and theirs."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid and entry.name.isdigit():
            found += [int(entry.name), *descendants(int(entry.name))]
    return found


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill a process and all below it, at once."""
    below = descendants(process.pid)
    for pid in [*below, process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    quick.wait_until(lambda: not any(process_start(pid) for pid in below), 20)


def weights(folder: Path, rank: int) -> dict[str, torch.Tensor]:
    """Return what a process ended with."""
    found: dict[str, torch.Tensor] = torch.load(folder / f"weights-{rank}.pt", weights_only=True)
    return found


def rows(place: JobDir) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a job's result, the measured times aside."""
    result = place.result()
    assert result is not None, place.state()
    found = {}
    for name in records.JOB_TABLES:
        table = records.read(result.table(name), name)
        found[name] = table.drop_columns([one for one in records.MEASURED_TIMES if one in table.column_names])
    return {name: json.loads(json.dumps(table.to_pylist())) for name, table in found.items()}
