"""`doctor --resume`: does a training that is killed and resumed end with the same bits on this machine?"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchbox import store
from benchbox.cli import folders
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.config import JobConfig, job_id
from benchbox.console import note
from benchbox.errors import CANNOT_JUDGE, FAILED, OK, EnvironmentProblem
from benchbox.jobdir import Attempt, JobDir

POSE = {"epochs": 2, "trains": "pose", "masks": "ones", "lr": 1e-3}
TASKS = [POSE, {"epochs": 1, "trains": "masks", "lr": 1e-3}, {"epochs": 1, "lr": 1e-4}]
DATASET = {"name": "synthetic", "layout": "mpii", "train": 320, "test": 40, "input": [64, 64]}
JOBS: dict[str, dict[str, Any]] = {
    "plain": {
        "dataset": DATASET,
        "model": {"name": "hrnet", "shrink": 0.25, "blocks": 1, "modules": [1, 1, 1], "attention": "am"},
        "train": {"epochs": 4, "batch": 16, "sigma": 1.0},
    },
    "tasked": {
        "dataset": DATASET,
        "model": {"name": "acnn", "stacks": 2, "shrink": 0.125},
        "train": {"batch": 16, "sigma": 1.0, "optimizer": "rmsprop", "phases": TASKS, "validate_every": 1},
        "evaluate": {"weights": "best"},
    },
}
"""Small trainings of both kinds, on embedded data."""
VERDICTS = {
    True: "A training that is killed ends here with the bits of one that is not.",
    False: "A training that is killed does not end here with the bits of one that is not.",
}
COLUMNS = [
    Column("training", "Training"),
    Column("kills", "Kills", right=True),
    Column("weights", "Weights"),
    Column("people", "Predictions"),
    Column("scores", "Scores"),
]


@dataclass(frozen=True)
class Ended:
    """How a job ended: weights, predictions and scores in one spelling each, how long it trained, how often it died."""

    found: dict[str, str]
    seconds: float
    kills: int


def resume(kills: int, seed: int, format: str) -> int:
    """Train twice, once undisturbed and once killed at random moments, and compare bit for bit."""
    draw, rows = random.Random(seed), []
    for name, values in JOBS.items():
        config = JobConfig.model_validate(values)
        with tempfile.TemporaryDirectory(prefix="benchbox-doctor-") as place:
            note(f"{name}: trains undisturbed")
            whole = train(config, Path(place) / "whole", [])
            note(f"{name}: trains again, to be killed {kills} times")
            moments = [draw.uniform(0, whole.seconds / kills) for _ in range(kills)]
            broken = train(config, Path(place) / "broken", moments)
        same = {key: "equal" if broken.found[key] == text else "different" for key, text in whole.found.items()}
        rows.append({"training": name, "kills": broken.kills, **same})
    sound = all(set(row.values()).isdisjoint({"different"}) for row in rows)
    judged = all(row["kills"] for row in rows)
    verdict = VERDICTS[sound] if judged or not sound else "Some training ended before a kill hit it; give more --kills."
    emit(format, "Kill and resume", COLUMNS, rows, {"schema": 1, "kind": "doctor-resume", "sound": sound}, [verdict])
    return FAILED if not sound else OK if judged else CANNOT_JUDGE


def train(config: JobConfig, results: Path, moments: list[float]) -> Ended:
    """Do a job, killing its worker so many seconds after it began to train, once for each of the moments."""
    folder = JobDir.of(results, job_id(config))
    folder.write(config)
    waiting, killed = list(moments), 0
    while True:
        attempt = folder.claim()
        assert attempt is not None, "nobody else works in this folder"
        with open(attempt.log, "ab") as log:
            process = _worker(folder, attempt.number, log)
        if waiting and _dies(process, attempt, waiting.pop(0)):
            killed += 1
            continue
        code = process.wait()
        if code or folder.result() is None:
            last = (attempt.log.read_text(errors="replace").strip().splitlines() or ["nothing in its log"])[-1]
            raise EnvironmentProblem(f"the worker failed ({code}): {last}")
        done = store.read(results, [folder.id])
        (run,) = done.runs.to_dict("records")
        people = store.people(results, folder.id)
        found = {"weights": run["weights"], "people": repr(people.to_pylist()), "scores": done.scores.to_json()}
        return Ended(found, run["samples"] / run["samples_per_second"], killed)


def _dies(process: subprocess.Popen[bytes], attempt: Attempt, moment: float) -> bool:
    """Kill a worker so many seconds after its first step; tell whether it was still training."""
    while process.poll() is None and b'"train"' not in _content(attempt.progress):
        time.sleep(0.01)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=moment)
    if process.poll() is not None or b'"train"' not in _content(attempt.progress):
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _worker(folder: JobDir, number: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "benchbox.worker", "run", str(folder.path), "--attempt", str(number)]
    words += ["--cache", str(folders.cache_root())]
    given = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")}
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=given, start_new_session=True
    )
