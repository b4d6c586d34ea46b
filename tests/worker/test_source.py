"""Where a job's people come from: MPII's official release and HRNet's files of it give the same people."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchbox.config import JobConfig
from benchbox.datasets.synthetic import files
from benchbox.errors import InvalidInput
from benchbox.metrics import conventions
from benchbox.pose.people import Person
from benchbox.pose.skeleton import LSP14
from benchbox.worker.people import units_of
from benchbox.worker.score import STANDARD, Ground, require_scores
from benchbox.worker.source import ground_of, open_source, training_crops
from benchbox.worker.source import test_crops as crops_to_test


def test_the_release_gives_the_people_of_hrnets_files(cache: Path, tmp_path: Path) -> None:
    shutil.copytree(files.prepare(cache, train=12, test=8) / "mpii", tmp_path / "mpii")
    found = []
    for kind in ("hrnet", "release"):
        values = {
            "dataset": {"name": "mpii", "annotations": kind, "input": [64, 64]},
            "model": {"name": "hrnet"},
            "train": {"batch": 4},
        }
        config = JobConfig.model_validate(values)
        source = open_source(config, tmp_path, cache)
        assert any(name.endswith(".mat") for name in source.inputs)
        assert ground_of(config, source).prediction == ("gt-boxes", "flip")
        found.append([make(config, source).people for make in (training_crops, crops_to_test)])
    for listed, released in zip(*found, strict=True):
        assert len(listed) == len(released) > 0
        for one, other in zip(listed, released, strict=True):
            assert one.image == other.image
            np.testing.assert_allclose(one.keypoints[:, :2], other.keypoints[:, :2], atol=1e-3)


def test_joints_that_nothing_scores_are_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a skeleton of one's own, the torso is found by its joints' names."""
    own = replace(LSP14, name="own13", joints=LSP14.joints[:13])
    points = np.ones((13, 3), np.float32)
    points[LSP14.joints.index("left_shoulder"), :2] = [4, 5]
    person = Person(0, 0, Path("a.jpg"), (0.0, 0.0, 9.0, 9.0), points, 81.0)
    with pytest.raises(InvalidInput, match="skeleton own13: nothing scores it; it needs a line in DEFAULT of"):
        require_scores([person], Ground(own, ("gt-boxes",)))
    convention = replace(conventions.CONVENTIONS["lsp-v1"], skeleton="own13", columns={"Knee": (1, 4)})
    monkeypatch.setitem(conventions.CONVENTIONS, "own-v1", convention)
    monkeypatch.setitem(conventions.DEFAULT, "own13", "own-v1")
    monkeypatch.setitem(STANDARD, "own13", (0.2,))
    require_scores([person], Ground(own, ("gt-boxes",)))
    assert units_of([person], own).tolist() == [5.0]
    points[LSP14.joints.index("right_hip"), 2] = 0
    with pytest.raises(InvalidInput, match="none of the 1 test persons has a size to measure errors by"):
        require_scores([person], Ground(own, ("gt-boxes",)))
