"""What else goes wrong under a run: a crash in native code, folders taken away or closed, clocks that jump."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchbox.jobdir import JobDir
from tests.end_to_end import quick

pytestmark = pytest.mark.faults

JUMPING = """\
import random, time

_true, _draw = time.time, random.Random()


def _jumping() -> float:
    return _true() + _draw.choice([-86400.0, 0.0, 86400.0])


time.time = _jumping
"""
"""A sitecustomize: the wall clock of every process jumps by a day, back and forth."""


def test_a_segfault_kills_one_worker_and_its_job_is_repeated(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    results = tmp_path / "results"
    process = quick.start(quick.write(tmp_path), results, cache, "-j", "2")
    quick.wait_until(lambda: quick.reached(results, 1))
    victim = quick.workers(results)[0]
    os.kill(victim, signal.SIGSEGV)
    code, said = quick.finish(process)
    assert code == 0, said
    assert "SIGSEGV" in said
    assert "Traceback" not in said
    assert sorted(len(JobDir(folder).numbers()) for folder in (results / "jobs").iterdir()) == [1, 2]
    assert quick.rows(results) == quick.rows(undisturbed)


def test_a_job_folder_deleted_under_its_worker_is_made_again(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    study, results = quick.write(tmp_path), tmp_path / "results"
    process = quick.start(study, results, cache, "-j", "1")
    quick.wait_until(lambda: quick.reached(results, 1))
    (running,) = {file.parents[2] for file in results.glob("jobs/*/attempts/*/progress.json")}
    shutil.rmtree(running)
    code, said = quick.finish(process)
    assert code == 0, said
    (line,) = [line for line in said.splitlines() if line.startswith("again ")]
    assert "its folder was deleted" in line
    assert quick.rows(results) == quick.rows(undisturbed)


def test_a_results_folder_that_becomes_read_only_is_exit_4(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    study, results = quick.write(tmp_path), tmp_path / "results"
    results.mkdir()
    process = quick.start(study, results, cache, "-j", "1")
    quick.wait_until(lambda: quick.reached(results, 1))
    with closed(results):
        code, said = quick.finish(process)
        assert code == 4, said
        assert "Traceback" not in said
        assert "read-only" in said.lower()
        code, said = quick.finish(quick.start(study, results, cache, "-j", "1"))
        assert code == 4, said
        assert len(said.strip().splitlines()) <= 3, said
    code, said = quick.finish(quick.start(study, results, cache, "-j", "1"))
    assert code == 0, said
    assert quick.rows(results) == quick.rows(undisturbed)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Let nobody write below a folder any more; files that are open stay so."""
    if subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True).returncode:
        pytest.skip("mounting needs more rights than this user has")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_clocks_that_jump_change_nothing(
    undisturbed: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock/sitecustomize.py").write_text(JUMPING)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'clock'}:{os.environ.get('PYTHONPATH', '')}")
    study, results = quick.write(tmp_path), tmp_path / "results"
    process = quick.start(study, results, cache, "-j", "2")
    quick.wait_until(lambda: quick.reached(results, 2))
    for pid in quick.workers(results):
        os.kill(pid, signal.SIGKILL)
    both = [process, quick.start(study, results, cache, "-j", "1")]
    for one in both:
        code, said = quick.finish(one)
        assert code == 0, said
    assert quick.rows(results) == quick.rows(undisturbed)
    shown = subprocess.run(
        [*quick.BENCHBOX, "status", str(study), "--results", str(results), "--json"], capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr


def test_a_damaged_result_is_made_anew_when_asked_for(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(undisturbed, results)
    study = quick.write(tmp_path)
    expected = quick.rows(results)
    damaged = sorted(results.glob("jobs/*/attempts/*/people.parquet"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"\0" * 5 + b"PAR1")
    code, said = quick.finish(quick.start(study, results, cache))
    assert (code, "nothing to do" in said) == (0, True)
    code, said = quick.finish(quick.start(study, results, cache, "--stale"))
    assert code == 0, said
    assert f"{damaged.relative_to(tmp_path)}" in said
    assert "is made anew" in said
    found = quick.rows(results)
    assert [row["keypoints"] for row in found["people"]] == [row["keypoints"] for row in expected["people"]]
