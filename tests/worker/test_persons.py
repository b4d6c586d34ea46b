"""Pictures of evaluated persons: from records and images alone, and nobody where an image is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchbox import records
from benchbox.cli import pictures
from benchbox.config import JobConfig, job_id
from benchbox.datasets.synthetic import files
from benchbox.errors import CannotJudge
from benchbox.jobdir import JobDir
from benchbox.worker.people import person_rows
from benchbox.worker.source import open_source
from benchbox.worker.source import test_crops as crops_to_test

Draw = Callable[[Sequence[int]], dict[int, bytes]]
CONFIG = JobConfig.model_validate(
    {"dataset": {"name": "mpii", "input": [64, 64]}, "model": {"name": "hrnet"}, "train": {"epochs": 0}}
)


@pytest.fixture
def data(cache: Path, tmp_path: Path) -> Path:
    """A data root with a small MPII."""
    shutil.copytree(files.prepare(cache, train=12, test=8) / "mpii", tmp_path / "data/mpii")
    return tmp_path / "data"


@pytest.fixture
def job(data: Path, cache: Path, tmp_path: Path) -> JobDir:
    """A job whose every prediction is true."""
    folder = JobDir.of(tmp_path / "results", job_id(CONFIG))
    folder.write(CONFIG)
    attempt = folder.claim()
    assert attempt is not None
    crops = crops_to_test(CONFIG, open_source(CONFIG, data, cache))
    points = np.stack([person.keypoints[:, :2] for person in crops.people])
    rows = person_rows(crops.people, crops.skeleton, points, np.ones(points.shape[:2], np.float32))
    records.write(attempt.table("people"), "people", [{"job": folder.id} | row for row in rows])
    records.write(attempt.table("scores"), "scores", [])
    attempt.publish({}, 1.0)
    return folder


@pytest.fixture
def draw(job: JobDir, data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    return lambda numbers: pictures.persons(tmp_path / "results", job.id, numbers, data, side=96)


def test_those_asked_for_are_drawn_and_only_where_the_image_is_at_hand(draw: Draw, job: JobDir, data: Path) -> None:
    result = job.result()
    assert result is not None
    rows = records.load(result.table("people"), "people").to_pylist()
    gone, broken, *kept = [row for row in rows if sum(other["image"] == row["image"] for other in rows) == 1]
    (data / "mpii/images" / gone["image"]).unlink()
    whole = (data / "mpii/images" / broken["image"]).read_bytes()
    (data / "mpii/images" / broken["image"]).write_bytes(whole[: len(whole) // 2])
    asked = [gone["person"], broken["person"], *(row["person"] for row in kept[:2]), 10**9]
    found = draw(asked)
    assert sorted(found) == sorted(row["person"] for row in kept[:2])
    for picture in found.values():
        assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (96, 96, 3)
    shutil.rmtree(data / "mpii")
    assert draw(asked) == {}


def test_a_job_without_a_result_is_one_line(draw: Draw, job: JobDir) -> None:
    shutil.rmtree(job.attempts)
    with pytest.raises(CannotJudge, match=f"^job {job.id}: has no result yet$"):
        draw([1])


def test_drawing_loads_no_network(root: Path) -> None:
    code = "import sys, benchbox.worker.persons; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
