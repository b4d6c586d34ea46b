"""Training samples from JPEG files against decoding the files alone, on one core: `python -m tests.bench.jpeg`.

Real people of COCO below BENCHBOX_DATA where it is set, else drawn scenes enlarged to 640 x 480.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchbox.datasets import coco
from benchbox.datasets.synthetic import scene
from benchbox.datasets.topdown import TopDown
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17

LIMIT = 85  # percent
SAMPLES = 320
ROUNDS = 10
SIZE, QUALITY = (480, 640), 90
GROUP = 32
BATCHES = (4, 32)  # of the study of HRNet-W32, and the default


def real(data: Path) -> list[Person]:
    """Return the people of COCO's training split."""
    return coco.read_people(data / "coco", "train2017")


def drawn(folder: Path) -> list[Person]:
    """Write scenes as JPEG files of COCO's usual size and return the first person of each."""
    found = []
    for index in range(SAMPLES):
        picture = scene.render("train", index)
        if not picture.people:
            continue
        person = picture.people[0]
        stretch = SIZE[1] / picture.image.shape[1], SIZE[0] / picture.image.shape[0]
        file = folder / f"{index}.jpg"
        enlarged = cv2.resize(picture.image, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(file), enlarged, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        keypoints = (person.keypoints_coco * (*stretch, 1)).astype(np.float32)
        x, y, width, height = np.multiply(person.box, stretch * 2).tolist()
        found.append(Person(index, index, file, (x, y, width, height), keypoints, person.area))
    return found


def laps(work: Iterable[object], stride: int) -> np.ndarray:
    """Return the processor's seconds for every `stride` things of `work`, of which nothing is kept."""
    times, things = [], iter(work)
    while True:
        began = time.process_time()
        if not sum(1 for _ in islice(things, stride)):
            return np.array(times)
        times.append(time.process_time() - began)


def measure(people: list[Person]) -> None:
    """Print the rates of decoding and of training samples, and their share.

    Both go through the same people in the same order; of every few of them the best of the rounds counts, so that what
    else the machine does matters little.
    """
    crops = TopDown(people, COCO17, (256, 192), (64, 48), 2.0, rotate=40.0, rescale=0.3, flip_probability=0.5)
    count = min(SAMPLES, len(people)) // GROUP * GROUP
    files = [people[index].image.read_bytes() for index in crops.order(0)[:count]]
    rounds: dict[int, list[np.ndarray]] = {0: [], **{batch: [] for batch in BATCHES}}
    for _ in range(ROUNDS):
        decoded = (cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) for file in files)
        rounds[0].append(laps(decoded, GROUP))
        for batch in BATCHES:
            rounds[batch].append(laps(islice(crops.training_batches(0, batch), count // batch), GROUP // batch))
    seconds = {batch: float(np.min(times, axis=0).sum()) for batch, times in rounds.items()}
    print(f"decoding alone            {count / seconds[0]:.0f}/s")
    for batch in BATCHES:
        rate, share = count / seconds[batch], 100 * seconds[0] / seconds[batch]
        print(f"samples in batches of {batch:2}  {rate:.0f}/s   ({share:.1f} % of decoding alone; limit {LIMIT} %)")


def main() -> None:
    """Measure on one core."""
    cv2.setNumThreads(0)
    if data := os.environ.get("BENCHBOX_DATA"):
        print("JPEG files of COCO train2017")
        measure(real(Path(data)))
        return
    with tempfile.TemporaryDirectory() as name:
        print("JPEG files of drawn scenes, 640 x 480")
        measure(drawn(Path(name)))


if __name__ == "__main__":
    main()
