"""What may not be read: one line that says which file or folder, never that there is nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

POWERS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
"""Makes root as powerless over files as others are."""
CALLS = ("status", "logs 5c60", "results clean", "rescore", "table ablations/smoke.toml", "report")


@pytest.fixture
def place(root: Path, tmp_path: Path, smoke_results: Path) -> Iterator[Path]:
    (tmp_path / "ablations").mkdir()
    shutil.copy(root / "ablations/smoke.toml", tmp_path / "ablations")
    shutil.copytree(smoke_results, tmp_path / "results")
    yield tmp_path
    subprocess.run(["chmod", "-R", "u+rwX", str(tmp_path)], check=True)


def called(words: str, place: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": ""}
    command = [*(POWERS if os.getuid() == 0 else []), sys.executable, "-m", "benchbox", *words.split()]
    return subprocess.run(command, cwd=place, env=given, capture_output=True, text=True)


@pytest.mark.parametrize("call", CALLS)
def test_a_folder_of_jobs_that_may_not_be_looked_into_is_named(call: str, place: Path, cache: Path) -> None:
    (place / "results/jobs").chmod(0)
    done = called(call, place, cache)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 4
    assert line.startswith("benchbox: error: results/jobs")
    assert line.endswith(": permission denied; see its owner and rights with ls -ld")


@pytest.mark.parametrize("call", ["rescore", "table ablations/smoke.toml"])
def test_anothers_result_is_not_called_damaged(call: str, place: Path, cache: Path) -> None:
    for table in place.glob("results/jobs/*/attempts/*/*.parquet"):
        table.chmod(0)
    done = called(call, place, cache)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 4
    assert ".parquet: permission denied; see its owner and rights with ls -ld" in line
