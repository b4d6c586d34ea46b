"""Seconds and memory of reading an annotation file of COCO's full size: `python -m tests.bench.annotations`.

The file is made: it has the counts of COCO's person_keypoints_train2017.json, polygons and texts of their usual length,
and nothing of COCO's content.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchbox.datasets.coco import annotation_file

IMAGES, IMAGES_WITH_PEOPLE, ANNOTATIONS, PERSONS = 118_287, 64_115, 262_465, 149_813
LIMIT_MB = 1536
_POOL = 997
_CHILD = """
import resource, sys, time
from pathlib import Path
from benchbox.datasets import coco
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
people = coco.read_people(Path(sys.argv[1]), "train2017")
seconds = time.perf_counter() - began
print(len(people), seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024)
"""


def write(root: Path) -> Path:
    """Write the annotation file below `root`, with the folder of its images (empty), and return it."""
    rng = np.random.default_rng(0)
    polygons = [_polygon(rng) for _ in range(_POOL)]
    labelled, nothing = [_keypoints(rng) for _ in range(_POOL)], json.dumps([0] * 51)
    (root / "train2017").mkdir(parents=True)
    path = annotation_file(root, "train2017")
    path.parent.mkdir()
    with path.open("w", encoding="ascii") as file:
        file.write('{"info": {"description": "made for a measurement"}, "licenses": [], "images": [')
        file.write(", ".join(map(_image, range(IMAGES))))
        file.write('], "annotations": [')
        for number in range(ANNOTATIONS):
            box = f"{number % 300}.{number % 89}, {number % 200}.5, {50 + number % 101}.25, {60 + number % 103}.75"
            # As many persons with keypoints as COCO has, evenly among the annotations.
            has = (number + 1) * PERSONS // ANNOTATIONS > number * PERSONS // ANNOTATIONS
            file.write(", " * (number > 0))
            file.write(
                f'{{"segmentation": [{polygons[number % _POOL]}], "num_keypoints": {10 * has}, '
                f'"area": {1000 + number % 9973}.{number % 97}, "iscrowd": 0, '
                f'"keypoints": {labelled[number % _POOL] if has else nothing}, '
                f'"image_id": {_image_id(number % IMAGES_WITH_PEOPLE)}, '
                f'"bbox": [{box}], '
                f'"category_id": 1, "id": {200_000 + number}}}'
            )
        file.write('], "categories": [{"supercategory": "person", "id": 1, "name": "person"}]}')
    return path


def _image_id(index: int) -> int:
    return 9 + 5 * index


def _image(index: int) -> str:
    number = _image_id(index)
    return json.dumps(
        {
            "license": 1 + index % 8,
            "file_name": f"{number:012d}.jpg",
            "coco_url": f"http://images.invalid/train2017/{number:012d}.jpg",
            "height": 480,
            "width": 640,
            "date_captured": "2013-11-14 16:28:13",
            "flickr_url": f"http://farm5.pictures.invalid/4051/{4_000_000_000 + number}_{number:010x}_z.jpg",
            "id": number,
        }
    )


def _polygon(rng: np.random.Generator) -> str:
    return json.dumps(np.round(rng.uniform(10, 600, 2 * int(rng.integers(10, 50))), 2).tolist())


def _keypoints(rng: np.random.Generator) -> str:
    points = np.concatenate([rng.integers(1, 480, (17, 2)), rng.integers(0, 3, (17, 1))], axis=1)
    return json.dumps((points * (points[:, 2:] > 0)).ravel().tolist())


def main() -> None:
    """Print the seconds and the peak memory of one reading, and the limit."""
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name))
        megabytes = path.stat().st_size / 2**20
        # A process of its own: the peak of this one would hide the reader's.
        done = subprocess.run([sys.executable, "-c", _CHILD, name], check=True, capture_output=True, text=True)
    people, seconds, peak, before = map(float, done.stdout.split())
    print(f"annotations of COCO's size  {megabytes:.0f} MB of JSON, {people:.0f} persons")
    print(f"coco.read_people            {seconds:.1f} s, peak {peak:.0f} MB ({before:.0f} before; limit {LIMIT_MB})")


if __name__ == "__main__":
    main()
