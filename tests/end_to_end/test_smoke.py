"""The whole way, from a study to its table, with real training: fixed kills included."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchbox import store
from benchbox.datasets.synthetic import files
from benchbox.files import read_json, write_json
from tests.end_to_end.quick import QUICK, finish, reached, rows, start, wait_until, workers, write

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    return write(tmp_path)


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


@pytest.mark.studies
def test_two_at_a_time_and_without_a_pack_give_the_same_digits(
    undisturbed: Path, quick: Path, tmp_path: Path, cache: Path
) -> None:
    assert list(cache.glob("packs/*/pixels.bin"))
    code, said = finish(start(quick, tmp_path / "results", cache, "-j", "2", "--no-pack"))
    assert code == 0, said
    assert rows(tmp_path / "results") == rows(undisturbed)


def test_the_records_have_their_frozen_columns(undisturbed: Path) -> None:
    found = rows(undisturbed)
    assert len(found["runs"]) == 2
    assert {(row["device"], row["threads"]) for row in found["runs"]} == {("cpu", 1)}
    assert len(found["people"]) >= 80
    metrics = {(row["protocol"], row["metric"]) for row in found["scores"]}
    assert ("coco-kp/gt-boxes/flip", "AP") in metrics
    assert ("pckh@0.5/coco17/gt-boxes/flip", "PCKh") in metrics
    groups = {row["group"] for row in found["scores"]}
    assert {"all", "joint:left_knee"} <= groups
    assert any(group.startswith("category:") for group in groups)


@pytest.mark.parametrize("victim", [pytest.param("run", marks=pytest.mark.faults), "worker"])
def test_sigkill_at_a_fixed_moment_changes_no_row(
    victim: str, undisturbed: Path, quick: Path, tmp_path: Path, cache: Path
) -> None:
    results = tmp_path / "results"
    process = start(quick, results, cache, "-j", "2")
    wait_until(lambda: reached(results, 2))
    if victim == "run":
        process.kill()
    else:
        for pid in workers(results):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    code, said = finish(start(quick, results, cache, "-j", "2"))
    assert code == 0, said
    assert rows(results) == rows(undisturbed)


def test_sigterm_saves_the_state_and_says_how_to_go_on(
    undisturbed: Path, quick: Path, tmp_path: Path, cache: Path
) -> None:
    results = tmp_path / "results"
    process = start(quick, results, cache, "-j", "1")
    wait_until(lambda: reached(results, 1))
    process.terminate()
    code, said = finish(process)
    assert code == 143
    assert "go on with: benchbox run" in said
    assert re.search(r"^saved    [0-9a-f]{12}  \S.*  epoch \d/\d$", said, re.MULTILINE), said
    assert list(results.glob("jobs/*/attempts/1/checkpoint.pt"))
    code, said = finish(start(quick, results, cache, "-j", "2"))
    assert code == 0, said
    logs = "".join(file.read_text() for file in results.glob("jobs/*/attempts/2/log.txt"))
    assert "goes on from attempt 1" in logs
    assert rows(results) == rows(undisturbed)


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_ctrl_c_or_a_closed_terminal_leaves_no_worker(
    number: int, expected: int, quick: Path, tmp_path: Path, cache: Path
) -> None:
    process = start(quick, tmp_path / "results", cache, "-j", "1")
    wait_until(lambda: bool(workers(tmp_path / "results")))
    process.send_signal(number)
    assert finish(process)[0] == expected
    assert not workers(tmp_path / "results")


@pytest.mark.studies
def test_a_failing_job_does_not_stop_the_others(quick: Path, tmp_path: Path, benchbox: Call) -> None:
    results = tmp_path / "results"
    quick.write_text(
        QUICK.replace('"model.attend"]', '"model.attend", "dataset.train"]').replace(
            "model.attend.stages = [1]", "model.attend.stages = [1]\ndataset.train = 10"
        )
    )
    done = benchbox("run", str(quick), "--results", str(results), "-j", "2")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "1 of 2 jobs done, 1 failed" in done.stderr
    assert "do not fill one batch of 16" in done.stderr
    assert "benchbox logs" in done.stderr


@pytest.mark.studies
def test_a_result_that_could_not_be_made_anew_is_a_failure(
    quick: Path, tmp_path: Path, cache: Path, undisturbed: Path, benchbox: Call
) -> None:
    results = tmp_path / "results"
    shutil.copytree(undisturbed, results)
    for published in results.glob("jobs/*/attempts/*/published.json"):
        write_json(published, (read_json(published) or {}) | {"source": "other"})
    image = sorted(files.prepare(cache, train=160, test=40).glob("coco/val/*.jpg"))[3]
    whole = image.read_bytes()
    try:
        image.write_bytes(whole[:20])
        words = (str(quick), "--results", str(results))
        done = benchbox("run", *words, "--only", "baseline", "--stale")
    finally:
        image.write_bytes(whole)
    assert done.returncode != 0
    assert "0 of 1 job done, 1 failed" in done.stderr
    assert re.search(r"^failed   [0-9a-f]{12}  baseline", done.stderr, re.MULTILINE), done.stderr
    status = benchbox("status", *words).stdout
    assert "making it anew failed: [data]" in " ".join(status.split())
    assert rows(results) == rows(undisturbed)  # what was there is there
    done = benchbox("run", *words, "--only", "baseline", "--stale")
    assert (done.returncode, "1 of 1 job done" in done.stderr) == (0, True), done.stderr


@pytest.mark.studies
def test_an_unreadable_image_is_named(
    quick: Path, tmp_path: Path, cache: Path, undisturbed: Path, benchbox: Call
) -> None:
    image = sorted(files.prepare(cache, train=160, test=40).glob("coco/val/*.jpg"))[3]
    whole = image.read_bytes()
    try:
        image.write_bytes(whole[:20])
        done = benchbox("run", str(quick), "--results", str(tmp_path / "results"), "--only", "baseline")
    finally:
        image.write_bytes(whole)
    assert done.returncode == 1, done.stderr
    assert f"{image}: a truncated image" in done.stderr
    assert "Traceback" not in done.stderr
    mended = benchbox("run", str(quick), "--results", str(tmp_path / "results"), "--only", "baseline")
    assert mended.returncode == 0, mended.stderr


def test_scores_read_back_through_the_store(undisturbed: Path) -> None:
    jobs = [folder.name for folder in (undisturbed / "jobs").iterdir()]
    found = store.read(undisturbed, jobs)
    assert {state.name for state in found.states.values()} == {"done"}
    assert isinstance(found.scores, pd.DataFrame)
    assert set(found.scores["job"]) == set(jobs)
