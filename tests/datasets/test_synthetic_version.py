"""The embedded data of version 1 stay what they are: another picture needs another version, since job ids name it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchbox.datasets.synthetic.files import VERSION
from benchbox.datasets.synthetic.scene import render

GOLDEN = Path(__file__).parents[1] / "golden/synthetic_v1.json"
SCENES = [("train", index) for index in range(9)] + [("val", index) for index in range(3)]


def summary(split: str, index: int) -> dict[str, Any]:
    """Return what a change of the drawing would move: size, joints to a hundredth pixel, mean colours of 16 blocks."""
    scene = render(split, index)
    small = cv2.resize(scene.image, (4, 4), interpolation=cv2.INTER_AREA)
    joints = [np.round(person.keypoints_coco, 2).ravel().tolist() for person in scene.people]
    return {
        "size": list(scene.image.shape),
        "activity": scene.activity,
        "joints": joints,
        "blocks": small.ravel().tolist(),
    }


@pytest.mark.parametrize(("split", "index"), SCENES)
def test_version_1_is_frozen(split: str, index: int) -> None:
    assert VERSION == 1, "a new version needs new golden numbers beside the old"
    frozen = json.loads(GOLDEN.read_text(encoding="utf-8"))[f"{split} {index}"]
    today = summary(split, index)
    assert (today["size"], today["activity"]) == (frozen["size"], frozen["activity"])
    assert len(today["joints"]) == len(frozen["joints"])
    for ours, theirs in zip(today["joints"], frozen["joints"], strict=True):
        assert np.allclose(ours, theirs, atol=0.02)
    assert np.abs(np.subtract(today["blocks"], frozen["blocks"])).max() <= 2
