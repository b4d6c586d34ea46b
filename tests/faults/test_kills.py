"""Kills at random moments and full disks: nothing lost, nothing doubled, nothing half-written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end import quick

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seed", range(10))
def test_sigkill_at_random_moments_changes_no_row(seed: int, undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    draw = random.Random(seed)
    study, results = quick.write(tmp_path), tmp_path / "results"
    for _ in range(5):  # of all seeds together fifty kills
        process = quick.start(study, results, cache, "-j", "2")
        time.sleep(draw.uniform(0.3, 9.0))
        victims = draw.choice(["run", "worker", "both"])
        if victims in ("worker", "both"):
            for pid in quick.workers(results):
                os.kill(pid, signal.SIGKILL)
        if victims in ("run", "both"):
            process.kill()
        quick.finish(process)
    code, said = quick.finish(quick.start(study, results, cache, "-j", "2"))
    assert code == 0, said
    assert quick.rows(results) == quick.rows(undisturbed)
    leftovers = [file for file in results.rglob("*") if file.name.endswith(".pt") or file.name.startswith(".claim")]
    assert not [file for file in leftovers if file.suffix == ".pt"]


def test_a_full_disk_is_exit_4_and_goes_on_after_room_is_made(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    study, small = quick.write(tmp_path), tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs more rights than this user has")
    try:
        filler = small / "filler"
        filler.write_bytes(b"x" * 600_000)
        code, said = quick.finish(quick.start(study, small / "results", cache, "-j", "1"))
        assert code == 4, said
        assert "no space left on device" in said
        assert "Traceback" not in said
        assert not list((small / "results").rglob("*.tmp"))
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        code, said = quick.finish(quick.start(study, small / "results", cache, "-j", "1"))
        assert code == 0, said
        assert quick.rows(small / "results") == quick.rows(undisturbed)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_runs_at_once_share_the_work(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    study, results = quick.write(tmp_path), tmp_path / "results"
    both = [quick.start(study, results, cache, "-j", "1") for _ in range(2)]
    ends = [quick.finish(process) for process in both]
    assert [code for code, _ in ends] == [0, 0], ends
    assert [len(list(folder.iterdir())) for folder in results.glob("jobs/*/attempts")] == [1, 1]
    assert quick.rows(results) == quick.rows(undisturbed)
