from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchbox.datasets.coco import annotation_file, read_people
from benchbox.pose.affine import box_to_center_scale
from tests.parity.golden import entries


@pytest.mark.parametrize("entry", entries("coco_records"))
def test_ground_truth_becomes_the_official_samples(entry, tmp_path):
    file = annotation_file(tmp_path, "val2017")
    file.parent.mkdir()
    file.write_text(json.dumps(entry["annotation_file"]))
    (tmp_path / "val2017").mkdir()
    people = read_people(tmp_path, "val2017")
    expected = entry["records"]
    assert [person.image.name for person in people] == [Path(record["image"]).name for record in expected]
    center, scale = box_to_center_scale(np.array([person.box for person in people]), aspect_ratio=entry["aspect_ratio"])
    np.testing.assert_allclose(center, [r["center"] for r in expected], rtol=0, atol=1e-3)
    np.testing.assert_allclose(scale, [r["scale"] for r in expected], rtol=0, atol=1e-3)
    for person, record in zip(people, expected, strict=True):
        np.testing.assert_allclose(person.keypoints[:, :2], np.array(record["joints"])[:, :2], rtol=0, atol=1e-3)
        np.testing.assert_array_equal(np.minimum(person.keypoints[:, 2], 1), np.array(record["vis"])[:, 0])
