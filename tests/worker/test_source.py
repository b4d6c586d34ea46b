"""Where a job's people come from: MPII's official release and HRNet's files of it give the same people."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from benchbox.config import JobConfig
from benchbox.datasets.synthetic import files
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
