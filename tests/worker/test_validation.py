"""The best and the last epoch: both recorded, and whose predictions count is what the study says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchbox import records
from benchbox.config import JobConfig, job_id
from benchbox.jobdir import JobDir
from benchbox.worker import run
from benchbox.worker.evaluate import best_epoch, is_best

SPOILT = [{"epochs": 2, "lr": 3e-3}, {"epochs": 1, "lr": 10.0}]


def job(weights: str, phases: list[dict[str, Any]], every: int = 1) -> JobConfig:
    return JobConfig.model_validate(
        {
            "dataset": {"name": "synthetic", "layout": "mpii", "train": 160, "test": 20},
            "model": {"name": "hrnet", "shrink": 0.125, "blocks": 1, "modules": [1, 1, 1]},
            "train": {"batch": 16, "sigma": 1.0, "phases": phases, "validate_every": every},
            "evaluate": {"weights": weights},
        }
    )


@pytest.fixture
def done(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Do a job in this process; return its tables as rows."""
    monkeypatch.setattr(run, "listen", lambda: lambda: False)

    def go(config: JobConfig) -> dict[str, list[dict[str, Any]]]:
        folder = JobDir(tmp_path / "jobs" / job_id(config))
        folder.write(config)
        attempt = folder.claim()
        assert attempt is not None
        run.run_attempt(attempt, None, cache)
        assert not list(attempt.path.glob("*.pt"))
        return {name: records.read(attempt.table(name), name).to_pylist() for name in records.JOB_TABLES}

    return go


def predicted(tables: dict[str, list[dict[str, Any]]]) -> list[Any]:
    return [person["keypoints"] for person in tables["people"]]


@pytest.mark.studies
def test_best_and_last_are_recorded_and_the_declared_ones_count(done: Any) -> None:
    last, best, short = done(job("last", SPOILT)), done(job("best", SPOILT)), done(job("last", SPOILT[:1], every=0))
    for tables in (last, best):
        (row,) = tables["runs"]
        validations = json.loads(row["validations"])
        assert [one["epoch"] for one in validations] == [1, 2, 3]
        assert row["best_epoch"] == 2
        assert validations[1]["PCKh"] > max(validations[0]["PCKh"], validations[2]["PCKh"])
    assert json.loads(last["runs"][0]["validations"]) == json.loads(best["runs"][0]["validations"])
    # what counts as best is what a training that ends there predicts, to the bit
    assert predicted(best) == predicted(short) != predicted(last)
    protocols = [{row["protocol"] for row in tables["scores"]} for tables in (last, best, short)]
    assert protocols[0] == protocols[2]
    assert protocols[1] == {f"{name}/best" for name in protocols[0]}
    assert [(one["metric"], one["value"]) for one in best["scores"]] == [
        (one["metric"], one["value"]) for one in short["scores"]
    ]


def test_the_best_is_the_first_of_equals_by_the_first_metric_there_is() -> None:
    found = [{"epoch": 1, "AP": 2.0, "PCKh": 9.0}, {"epoch": 2, "AP": 3.0, "PCKh": 1.0}, {"epoch": 3, "AP": 3.0}]
    assert best_epoch(found) == 2
    assert [is_best(found[:count]) for count in (1, 2, 3)] == [True, True, False]
    assert best_epoch([{"epoch": 5, "PCKh": 9.0}, {"epoch": 6, "PCKh": 10.0}]) == 6
    assert best_epoch([]) is None
