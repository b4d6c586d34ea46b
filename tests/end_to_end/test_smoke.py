"""The whole way, from a study to its table, with real training: fixed kills included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchbox import store
from benchbox.jobdir import JobDir
from benchbox.records import MEASURED_TIMES, SCHEMAS

Call = Callable[..., subprocess.CompletedProcess[str]]

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


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    file = tmp_path / "quick.toml"
    file.write_text(QUICK, encoding="utf-8")
    return file


def rows(results: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every published table, the measured times aside."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in sorted((results / "jobs").iterdir()):
        result = JobDir(folder).result()
        assert result is not None, f"{folder.name} has no result: {JobDir(folder).state()}"
        for name in SCHEMAS:
            table = pq.read_table(result.table(name))
            kept = [column for column in table.column_names if column not in MEASURED_TIMES]
            found.setdefault(name, []).extend(json.loads(json.dumps(table.select(kept).to_pylist())))
    return found


def start(quick: Path, results: Path, cache: Path, *words: str) -> subprocess.Popen[str]:
    given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}
    command = [sys.executable, "-m", "benchbox", "run", str(quick), "--results", str(results), *words]
    return subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True)


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


def wait_until(true: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "quick.toml").write_text(QUICK, encoding="utf-8")
    process = start(folder / "quick.toml", folder / "results", cache, "-j", "1")
    _, said = process.communicate()
    assert process.returncode == 0, said
    return folder / "results"


def test_the_smoke_study_ends_in_a_table(smoke_results: Path, root: Path, benchbox: Call) -> None:
    study = str(root / "ablations/smoke.toml")
    done = benchbox("table", study, "--json", "--strict", "--results", str(smoke_results))
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    assert [row["state"] for row in table["rows"]] == ["done", "done"]
    for row in table["rows"]:
        scores = {cell["metric"]: cell["measured"] for cell in row["cells"].values()}
        assert 20 < scores["PCKh"] < 95
        assert 0 <= scores["AP"] < scores["AP50"] <= 100


def test_a_second_run_does_nothing(undisturbed: Path, quick: Path, benchbox: Call) -> None:
    done = benchbox("run", str(quick), "--results", str(undisturbed))
    assert done.returncode == 0
    assert "2 done, nothing to do" in done.stderr.splitlines()[0]
    assert [len(list(folder.iterdir())) for folder in undisturbed.glob("jobs/*/attempts")] == [1, 1]


def test_two_at_a_time_give_the_same_digits_as_one(undisturbed: Path, quick: Path, tmp_path: Path, cache: Path) -> None:
    process = start(quick, tmp_path / "results", cache, "-j", "2")
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert rows(tmp_path / "results") == rows(undisturbed)


def test_the_records_have_their_frozen_columns(undisturbed: Path) -> None:
    found = rows(undisturbed)
    assert len(found["runs"]) == 2
    assert len(found["people"]) >= 80
    metrics = {(row["protocol"], row["metric"]) for row in found["scores"]}
    assert ("coco-kp/gt-boxes/flip", "AP") in metrics
    assert ("pckh@0.5/coco17/gt-boxes/flip", "PCKh") in metrics
    groups = {row["group"] for row in found["scores"]}
    assert {"all", "joint:left_knee"} <= groups
    assert any(group.startswith("category:") for group in groups)


@pytest.mark.parametrize("victim", ["run", "worker", "both"])
def test_sigkill_at_a_fixed_moment_changes_no_row(
    victim: str, undisturbed: Path, quick: Path, tmp_path: Path, cache: Path
) -> None:
    results = tmp_path / "results"
    process = start(quick, results, cache, "-j", "2")
    wait_until(
        lambda: any(b'"epoch": 2' in file.read_bytes() for file in results.glob("jobs/*/attempts/*/progress.json"))
    )
    if victim in ("run", "both"):
        process.kill()
    if victim in ("worker", "both"):
        for pid in workers(results):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    again = start(quick, results, cache, "-j", "2")
    _, said = again.communicate()
    assert again.returncode == 0, said
    assert rows(results) == rows(undisturbed)


def test_sigterm_saves_the_state_and_says_how_to_go_on(
    undisturbed: Path, quick: Path, tmp_path: Path, cache: Path
) -> None:
    results = tmp_path / "results"
    process = start(quick, results, cache, "-j", "1")
    wait_until(
        lambda: any(b'"epoch": 1' in file.read_bytes() for file in results.glob("jobs/*/attempts/*/progress.json"))
    )
    process.terminate()
    _, said = process.communicate()
    assert process.returncode == 143
    assert "go on with: benchbox run" in said
    assert list(results.glob("jobs/*/attempts/1/checkpoint.pt"))
    again = start(quick, results, cache, "-j", "2")
    _, said = again.communicate()
    assert again.returncode == 0, said
    logs = "".join(file.read_text() for file in results.glob("jobs/*/attempts/2/log.txt"))
    assert "goes on from attempt 1" in logs
    assert rows(results) == rows(undisturbed)


def test_ctrl_c_is_130(quick: Path, tmp_path: Path, cache: Path) -> None:
    process = start(quick, tmp_path / "results", cache, "-j", "1")
    wait_until(lambda: bool(workers(tmp_path / "results")))
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert not workers(tmp_path / "results")


def test_a_failing_job_does_not_stop_the_others(quick: Path, tmp_path: Path, cache: Path, benchbox: Call) -> None:
    quick.write_text(
        QUICK.replace("epochs = 3", "lr = 10.0, epochs = 3")
        .replace("[scales", "train.lr = 1e-3\n\n[scales")
        .replace('factor = ["model.attend"]', 'factor = ["model.attend", "train.lr"]')
        .replace("width = 16", "width = 16, initial = 'he'")
    )
    results = tmp_path / "results"
    corrupt = next((cache / "synthetic-v1-160-40").rglob("val/*.jpg"))
    whole = corrupt.read_bytes()
    try:
        corrupt.write_bytes(whole[:20])
        done = benchbox("run", str(quick), "--results", str(results), "-j", "2")
    finally:
        corrupt.write_bytes(whole)
    assert done.returncode == 1, done.stderr
    assert corrupt.name in done.stderr
    assert "Traceback" not in done.stderr
    assert "benchbox logs" in done.stderr
    mended = benchbox("run", str(quick), "--results", str(results), "-j", "2", "--retry", "nan")
    assert "failed" not in mended.stderr or "[nan]" in mended.stderr


def test_scores_read_back_through_the_store(undisturbed: Path) -> None:
    jobs = [folder.name for folder in (undisturbed / "jobs").iterdir()]
    found = store.read(undisturbed, jobs)
    assert {state.name for state in found.states.values()} == {"done"}
    assert isinstance(found.scores, pd.DataFrame)
    assert set(found.scores["job"]) == set(jobs)
