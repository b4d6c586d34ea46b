"""Look at the data sets on disk for the command line, which never reads them itself."""

from __future__ import annotations

from pathlib import Path

from benchbox.datasets import coco
from benchbox.errors import BenchboxError

OFFICIAL_PERSONS = {"train2017": 149_813, "val2017": 6_352}


def is_full_coco(data: Path) -> bool:
    """Tell whether all of COCO 2017 lies at the data root, by its official numbers of persons with keypoints."""
    try:
        return all(len(coco.read_people(data / "coco", split)) == count for split, count in OFFICIAL_PERSONS.items())
    except BenchboxError:
        return False
