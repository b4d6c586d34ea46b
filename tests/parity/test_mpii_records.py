from __future__ import annotations

import json

import numpy as np
import pytest

from benchbox.datasets.mpii import annotation_file, official_crop, read_people
from benchbox.datasets.topdown import TopDown
from benchbox.pose.skeleton import MPII16
from tests.parity.golden import entries


@pytest.mark.parametrize("entry", entries("mpii_records"))
def test_annotations_become_the_official_samples(entry, tmp_path):
    file = annotation_file(tmp_path, "train")
    file.parent.mkdir()
    (tmp_path / "images").mkdir()
    file.write_text(json.dumps(entry["annotations"]))
    expected = entry["records"]
    center, scale = official_crop(
        np.array([a["center"] for a in entry["annotations"]]), np.array([a["scale"] for a in entry["annotations"]])
    )
    np.testing.assert_allclose(center, [r["center"] for r in expected], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.stack([scale, scale], 1), [r["scale"] for r in expected], rtol=0, atol=1e-6)

    people = read_people(tmp_path, "train")
    center, scale = TopDown(people, MPII16, (64, 64), (16, 16), 1.0).frames
    np.testing.assert_allclose(center, [r["center"] for r in expected], rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(scale, [r["scale"] for r in expected], rtol=1e-6)
    for person, record in zip(people, expected, strict=True):
        labelled = np.array(record["vis"])[:, 0] > 0
        np.testing.assert_array_equal(person.keypoints[:, 2], np.where(labelled, 2, 0))
        joints = np.array(record["joints"])[:, :2]
        np.testing.assert_allclose(person.keypoints[labelled, :2], joints[labelled], rtol=0, atol=1e-6)
        assert not person.keypoints[~labelled].any()
