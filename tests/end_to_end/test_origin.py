"""A result names the code that made it: what was there when its process began, not when it ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchbox.digest import source_digest
from tests.end_to_end import quick

pytestmark = pytest.mark.studies
GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@b")


def test_what_is_edited_or_committed_while_a_job_runs_has_not_made_it(root: Path, tmp_path: Path, cache: Path) -> None:
    shutil.copytree(root / "benchbox", tmp_path / "benchbox", ignore=shutil.ignore_patterns("__pycache__"))
    study = quick.write(tmp_path)

    def git(*words: str) -> str:
        return subprocess.run([*GIT, *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "benchbox")
    git("commit", "-qm", "loaded")
    loaded = git("rev-parse", "HEAD")
    given = {**os.environ, "PYTHONPATH": str(tmp_path), "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": ""}
    words = [sys.executable, "-m", "benchbox", "run", str(study), "--only", "baseline", "-j", "1"]
    process = subprocess.Popen(words, cwd=tmp_path, env=given, stderr=subprocess.PIPE, text=True)
    try:
        quick.wait_until(lambda: any(tmp_path.glob("results/jobs/*/attempts/1/progress.json")))
        source = tmp_path / "benchbox/pose/heatmap.py"
        source.write_text(source.read_text() + "\n# edited\n")
        git("commit", "-qam", "later")
        said = process.communicate()[1]
    finally:
        process.kill()
    assert process.returncode == 0, said
    (file,) = tmp_path.glob("results/jobs/*/attempts/1/runs.parquet")
    (row,) = pq.read_table(file).to_pylist()
    made = json.loads(row["provenance"])
    assert (made["commit"], made["dirty"]) == (loaded, False)
    assert row["source"] == source_digest()
    shown = subprocess.run([*words[:3], "status", str(study)], cwd=tmp_path, env=given, capture_output=True, text=True)
    assert "1 stale" in shown.stderr, shown.stderr
