"""A study whose jobs never trained: made-up persons, predictions with a known error, records as of a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchbox import records
from benchbox.cli import judged, judging
from benchbox.cli.judging import Asked, gate
from benchbox.errors import BenchboxError
from benchbox.gates.declaration import Declaration
from benchbox.gates.measured import Results
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17
from benchbox.spec import read_study
from benchbox.worker.people import person_rows
from benchbox.worker.score import Ground, score_people

PROTOCOL = "pckh@0.5/coco17/gt-boxes/flip"
STUDY = """\
schema = 1
title = "Never trained"
factor = ["model.attend"]
seeds = [0, 1, 2]

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
train.epochs = 2
"""
GATE = {
    "metric": '"PCKh"',
    "arm": '"baseline"',
    "scale": '"tiny"',
    "against": '"reference/made.json"',
    "tolerance": "3.0",
    "seeds": "3",
    "persons": "200",
}
Predict = Callable[[Sequence[Person], int], np.ndarray]


def persons(number: int = 240) -> list[Person]:
    """Return persons, some of them two to an image, with hidden and unlabelled joints."""
    draw = np.random.default_rng(7)
    found = []
    for index in range(number):
        points = np.zeros((17, 3), np.float32)
        points[:, :2] = draw.uniform(20, 108, (17, 2))
        points[:, 2] = draw.choice([0, 1, 2, 2, 2], 17)
        points[:2, 2] = 2
        person = Person(
            id=index,
            image_id=index * 2 // 3,
            image=Path(f"{index * 2 // 3:06d}.jpg"),
            box=(16.0, 16.0, 96.0, 96.0),
            keypoints=points,
            area=float(draw.uniform(500, 12_000)),
            category=("dancing", "running", "sitting")[index % 3],
            head_size=float(draw.uniform(10, 14)),
        )
        found.append(person)
    return found


def near(error: float = 0.3, wrong: float = 0.1) -> Predict:
    """Return a network that is off by `error` head sizes, and anywhere at a share `wrong` of the joints.

    Its errors are mostly the persons' own, the same for every seed.
    """

    def predict(people: Sequence[Person], seed: int) -> np.ndarray:
        shared, own = np.random.default_rng(1), np.random.default_rng([seed, 2])
        truth = np.stack([person.keypoints[:, :2] for person in people]).astype(np.float64)
        sizes = np.array([person.head_size for person in people])[:, None, None]
        moved = error * sizes * (shared.normal(size=truth.shape) + 0.1 * own.normal(size=truth.shape))
        lost = shared.random(truth.shape[:2]) < wrong
        points: np.ndarray = np.where(lost[..., None], shared.uniform(20, 108, truth.shape), truth + moved)
        return points

    return predict


def write(
    folder: Path,
    predict: Predict | None = None,
    *,
    people: Sequence[Person] | None = None,
    arm: str = "baseline",
    scale: str = "tiny",
    seeds: Sequence[int] = (0, 1, 2),
    change: Callable[[dict[str, Any]], None] | None = None,
    measured: Mapping[str, Any] | None = None,
) -> dict[int, str]:
    """Write the study and the results of an arm; return its jobs by seed.

    Args: change: what to do to each row of `people` before it is scored. measured: other values of `runs`.
    """
    study = folder / "study.toml"
    if not study.exists():
        study.write_text(STUDY)
    jobs = {}
    people = persons() if people is None else people
    for one in expand(read_study(study), scale, seeds):
        if one.name == arm:
            jobs[one.seed] = one.job
            rows = person_rows(
                people, COCO17, (predict or near())(people, one.seed), np.ones((len(people), 17), np.float32)
            )
            for row in rows:
                if change:
                    change(row)
            _write_job(folder / "results", one, rows, measured or {})
    return jobs


def _write_job(results: Path, arm: Any, rows: list[dict[str, Any]], measured: Mapping[str, Any]) -> None:
    folder = JobDir.of(results, arm.job)
    folder.write(arm.config)
    attempt = folder.claim()
    assert attempt is not None
    table = pa.Table.from_pylist(
        [{"version": records.VERSION, "job": arm.job, **row} for row in rows], schema=records.PEOPLE
    )
    scores = score_people(table, Ground(COCO17, ("gt-boxes", "flip")))
    records.write_table(attempt.table("people"), table)
    records.write(attempt.table("scores"), "scores", [{"job": arm.job, **row} for row in scores])
    run = {"job": arm.job, "state": "done", "parameters": 1000, "macs": 50_000, "device": "cpu"}
    run |= {"peak_memory_bytes": 2**28, "config": json.dumps(arm.config.model_dump(mode="json"))}
    run |= {"provenance": json.dumps({"commit": "abc", "dirty": False, "python": "3.11", "device": "a made-up device"})}
    run |= {"latency_seconds": 0.004 + 0.0001 * arm.seed, "exclusive": True, **measured}
    records.write(attempt.table("runs"), "runs", [run])
    attempt.publish({}, 1.0)
    attempt.end("done")


def unpublish(folder: Path) -> None:
    """Take all results away."""
    for published in folder.glob("results/jobs/*/attempts/*/published.json"):
        published.unlink()
    for scores in folder.glob("results/jobs/*/attempts/*/scores.parquet"):
        scores.unlink()


def declare(folder: Path, *gates: dict[str, str | None], study: str = "study.toml") -> Path:
    """Write a file of gates, each `GATE` with changes; without any, the usual one."""
    lines = ["schema = 1", f'study = "{study}"']
    for place, change in enumerate(gates or ({},)):
        values = {"name": f'"gate {place}"', **GATE, **change}
        lines += ["", "[[gates]]", *(f"{key} = {value}" for key, value in values.items() if value is not None)]
    file = folder / "gates.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def asked(folder: Path, **change: Any) -> Asked:
    """Return a call's options."""
    usual = Asked(None, False, True, folder / "report", folder / "results", "json")
    return replace(usual, **change)


def results_of(declaration: Declaration, folder: Path) -> Results:
    """Return the results that a file's gates speak of."""
    options = asked(folder)
    return judged.results_of(declaration, judging.looked(declaration, options), options)


def call(folder: Path, **change: Any) -> int:
    """Judge the file of gates in this process; return the exit code as the command line does."""
    try:
        return gate(folder / "gates.toml", asked(folder, **change))
    except BenchboxError as problem:
        return problem.exit_code


def verdicts(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of the last report."""
    rows: list[dict[str, Any]] = json.loads((folder / "report/gate.json").read_text())["rows"]
    return rows


def baseline(folder: Path, *gates: dict[str, str | None]) -> Path:
    """Write results, declare gates and make the results their reference."""
    write(folder)
    declare(folder, *gates)
    assert call(folder, update=True) == 0
    return folder / "reference/made.json"
