"""Write the persons as COCO does: one JSON of person keypoints per split.

Source: the COCO data format (cocodataset.org); the extra keys `head_box` and `activity` are ours; others ignore them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchbox.datasets.synthetic.scene import Person, Scene

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10), (9, 11),
    (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip


def image_name(number: int) -> str:
    """Return the file name of a split's image, counted from 1."""
    return f"{number:012d}.jpg"


class CocoFile:
    """Gathers one split's annotation, image after image, and writes it."""

    def __init__(self, split: str, version: int) -> None:
        self._content: dict[str, Any] = {
            "info": {
                "description": f"benchbox synthetic persons, {split}", "url": "", "version": str(version), "year": 2025,
                "contributor": "benchbox", "date_created": "2025/01/01",
            },
            "licenses": [{"url": "http://www.apache.org/licenses/LICENSE-2.0", "id": 1, "name": "Apache License 2.0"}],
            "images": [],
            "annotations": [],
            "categories": [
                {
                    "supercategory": "person", "id": 1, "name": "person", "keypoints": list(KEYPOINTS),
                    "skeleton": [list(edge) for edge in SKELETON],
                }
            ],
        }  # fmt: skip

    def add(self, number: int, scene: Scene) -> None:
        """Add image `number` (from 1) with its people."""
        height, width = scene.image.shape[:2]
        self._content["images"].append(
            {
                "license": 1, "file_name": image_name(number), "coco_url": "", "height": height, "width": width,
                "date_captured": "2025-01-01 00:00:00", "flickr_url": "", "id": number,
            }
        )  # fmt: skip
        # Ten to an image, so that an annotation's id does not depend on the images before it.
        for place, person in enumerate(scene.people):
            self._content["annotations"].append(_annotation(person, scene.activity, number, 10 * number + place))

    def write(self, path: Path) -> None:
        """Write the JSON."""
        path.write_text(json.dumps(self._content, separators=(",", ":")), encoding="utf-8")


def _annotation(person: Person, activity: str, image: int, number: int) -> dict[str, Any]:
    """Return one person's entry."""
    keypoints: list[float] = []
    for x, y, seen in person.keypoints_coco.tolist():
        keypoints += [round(x, 2), round(y, 2), int(seen)]
    x, y, w, h = (round(v, 2) for v in person.box)
    return {
        "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
        "num_keypoints": sum(1 for seen in keypoints[2::3] if seen),
        "area": person.area,
        "iscrowd": 0,
        "keypoints": keypoints,
        "image_id": image,
        "bbox": [x, y, w, h],
        "category_id": 1,
        "id": number,
        "head_box": [round(v, 2) for v in person.head_box],
        "activity": activity,
    }
