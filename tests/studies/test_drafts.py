"""What `init` drafts learns at tiny: the predicted poses differ from person to person, and are not one for all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.studies
EXPLAINED = 0.05
"""Share of the true poses' variance; what puts one pose into every box explains nothing."""


@pytest.mark.parametrize("name", ["hrnet-w32", "simple-baseline-r50", "mrn"])
def test_a_draft_learns_poses(
    name: str, tmp_path: Path, benchbox: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    made = benchbox("init", "mine.toml", "--model", name, "--vary", "train.lr=1e-3,5e-4", "--data", "coco")
    assert made.returncode == 0, made.stderr
    done = benchbox("run", "mine.toml", "--scale", "tiny", "--only", "train.lr = 0.001")
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("results/jobs/*/attempts/1/people.parquet")
    table = pq.read_table(file, columns=["keypoints", "truth"])
    predicted, true = (np.array(table[name].to_pylist()) for name in ("keypoints", "truth"))
    true = true.reshape(len(true), -1, 3)
    whole = (true[:, :, 2] > 0).all(axis=1)
    predicted, true = predicted.reshape(len(predicted), -1, 2)[whole], true[whole, :, :2]
    size = np.linalg.norm(true.max(axis=1) - true.min(axis=1), axis=1)[:, None, None]
    poses, wanted = ((one - one.mean(axis=1, keepdims=True)) / size for one in (predicted, true))
    missed = (poses - poses.mean(axis=0) - wanted + wanted.mean(axis=0)) ** 2
    assert 1 - missed.sum() / ((wanted - wanted.mean(axis=0)) ** 2).sum() > EXPLAINED
