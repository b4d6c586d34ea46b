"""Training samples from the pack, on one core, and the step they feed: `python -m tests.bench.pack`.

Samples: real people of COCO below BENCHBOX_DATA where it is set, else drawn scenes enlarged to 640 x 480. The step: a
small HRNet on embedded persons of 64 x 64 pixels.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from benchbox.config import JobConfig
from benchbox.datasets import coco, pack_build
from benchbox.datasets.ahead import ahead
from benchbox.datasets.synthetic import files
from benchbox.datasets.topdown import Batch, TopDown
from benchbox.engine.train import Step, train_epoch
from benchbox.pose.affine import crop_matrix
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17
from benchbox.worker.network import initial_network
from tests.bench.jpeg import GROUP, ROUNDS, SAMPLES, drawn, laps, real
from tests.bench.speeds import JOB

INPUT, HEATMAP, SIGMA = (256, 192), (64, 48), 2.0
LIMIT = 6  # times the official way
STEP_LIMIT, WAIT_LIMIT = 90, 5  # percent
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
PERSONS, BATCH, TRAIN_ROUNDS = 512, 32, 3


def official(crops: TopDown, indices: Iterable[int]) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
    """Make samples step by step as HRNet's `JointsDataset.__getitem__` does, from the image files."""
    center, scale = crops.frames
    for index in indices:
        person = crops.people[index]
        image = cv2.imread(str(person.image), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        joints, middle = person.keypoints[:, :2].copy(), center[index].copy()
        size = scale[index] * np.clip(np.random.randn() * 0.3 + 1, 0.7, 1.3)
        turn = np.clip(np.random.randn() * 40, -80, 80) if random.random() <= 0.6 else 0
        if random.random() <= 0.5:
            image = image[:, ::-1, :]
            joints[:, 0] = image.shape[1] - joints[:, 0] - 1
            middle[0] = image.shape[1] - middle[0] - 1
        matrix = crop_matrix(middle, size, turn, INPUT)
        crop = cv2.warpAffine(np.ascontiguousarray(image), matrix, INPUT[::-1], flags=cv2.INTER_LINEAR)
        for joint in range(len(joints)):
            if person.keypoints[joint, 2] > 0:
                joints[joint] = matrix @ (*joints[joint], 1.0)
        tensor = torch.from_numpy(crop.transpose(2, 0, 1)).contiguous().to(torch.float32).div(255)
        yield (tensor - torch.from_numpy(MEAN)[:, None, None]) / torch.from_numpy(STD)[:, None, None], gaussians(joints)


def gaussians(joints: np.ndarray) -> np.ndarray:
    """Draw the targets one joint after the other, as `generate_target` does."""
    target, reach = np.zeros((len(joints), *HEATMAP), np.float32), int(3 * SIGMA)
    axis = np.arange(0, 2 * reach + 1, 1, np.float32)
    for joint, (x, y) in enumerate(joints / 4):
        x, y = int(x + 0.5), int(y + 0.5)
        left, top, right, bottom = x - reach, y - reach, x + reach + 1, y + reach + 1
        if left >= HEATMAP[1] or top >= HEATMAP[0] or right < 0 or bottom < 0:
            continue
        bell = np.exp(-((axis - reach) ** 2 + (axis[:, None] - reach) ** 2) / (2 * SIGMA**2))
        columns = max(0, left), min(right, HEATMAP[1])
        rows = max(0, top), min(bottom, HEATMAP[0])
        part = bell[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
        target[joint, rows[0] : rows[1], columns[0] : columns[1]] = part
    return target


def packed(crops: TopDown, folder: Path) -> TopDown:
    """Give crops their pack."""
    how = {"frames": crops.frames, "input_size": crops.input_size, "told": lambda done, of: None}
    pictures = pack_build.prepare(folder / "packs", crops.people, **how)
    return TopDown(**{name: getattr(crops, name) for name in crops.__dataclass_fields__} | {"pictures": pictures})


def warps(crops: TopDown, indices: Iterable[int]) -> Iterator[np.ndarray]:
    """Make one OpenCV warp for each sample, from images that are decoded already."""
    center, scale = crops.frames
    images = {person.image: cv2.imread(str(person.image)) for person in crops.people}
    yield np.empty(0)
    for index in indices:
        matrix = crop_matrix(center[index], scale[index] * 1.1, 20.0, INPUT)
        yield cv2.warpAffine(images[crops.people[index].image], matrix, INPUT[::-1], flags=cv2.INTER_LINEAR)


def started(work: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Return an iterator whose first thing, which only prepares, has been taken."""
    next(work)
    return work


def samples(people: list[Person], folder: Path) -> None:
    """Print the rates of the official way, of one warp alone and of the pack.

    All go through the same people in the same order; of every few of them the best of the rounds counts.
    """
    count = min(SAMPLES, len(people)) // GROUP * GROUP
    how = {"rotate": 40.0, "rescale": 0.3, "flip_probability": 0.5}
    crops = packed(TopDown(people, COCO17, INPUT, HEATMAP, SIGMA, **how), folder)
    order = crops.order(0)[:count].tolist()
    rounds: dict[str, list[np.ndarray]] = {"official": [], "warp": [], "pack": []}
    for _ in range(ROUNDS):
        rounds["official"].append(laps(official(crops, order), GROUP))
        rounds["warp"].append(laps(started(warps(crops, order)), GROUP))
        rounds["pack"].append(laps(islice(crops.training_batches(0, GROUP), count // GROUP), 1))
    rate = {name: count / float(np.min(times, axis=0).sum()) for name, times in rounds.items()}
    print(f"samples, official way     {rate['official']:.0f}/s a core")
    print(f"one warp, image decoded   {rate['warp']:.0f}/s a core")
    times, share = rate["pack"] / rate["official"], 100 * rate["pack"] / rate["warp"]
    print(
        f"samples from the pack     {rate['pack']:.0f}/s a core ({times:.1f} times, limit {LIMIT}; {share:.0f} % of it)"
    )


def training(folder: Path) -> None:
    """Print what share of the step's rate on tensors in memory the whole training reaches, and of its wait for data."""
    people = coco.read_people(files.prepare(folder, train=800, test=200) / "coco", "train")[:PERSONS]
    sizes = {"input_size": (64, 64), "heatmap_size": (16, 16), "sigma": 1.0}
    crops = packed(TopDown(people, COCO17, **sizes, rotate=40.0, rescale=0.3, flip_probability=0.5), folder)
    device = torch.device("cpu")
    model = initial_network(JobConfig.model_validate(JOB), device)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def steps(batches: Iterable[Batch]) -> Iterator[Step]:
        return train_epoch(model, optimizer, batches, rate=1e-3, device=device)

    ready = [Batch(*map(np.ascontiguousarray, batch)) for batch in crops.training_batches(0, BATCH)]
    list(steps(ready[:2]))
    times: dict[str, list[np.ndarray]] = {"memory": [], "in line": [], "ahead": []}
    waits: dict[str, list[float]] = {"in line": [], "ahead": []}
    for epoch in range(TRAIN_ROUNDS):
        times["memory"].append(laps(steps(ready), 1))
        for name, batches in (
            ("in line", crops.training_batches(epoch, BATCH)),
            ("ahead", ahead(crops.training_batches(epoch, BATCH))),
        ):
            taken: list[Step] = []
            times[name].append(laps((taken.append(step) or step for step in steps(batches)), 1))
            waits[name].append(sum(step.data_seconds for step in taken) / sum(step.seconds for step in taken))
    seconds = {name: float(np.min(laps_, axis=0).sum()) for name, laps_ in times.items()}
    print(f"step on data in memory    {PERSONS / seconds['memory']:.0f}/s a core")
    for name, found in waits.items():
        rate, share = PERSONS / seconds[name], 100 * seconds["memory"] / seconds[name]
        print(
            f"training, batches {name:7} {rate:.0f}/s a core ({share:.0f} % of it, limit {STEP_LIMIT}), "
            f"{100 * min(found):.1f} % of the time waiting for data (limit {WAIT_LIMIT})"
        )


def main() -> None:
    """Print every figure."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = os.environ.get("BENCHBOX_DATA")
        print("JPEG files of COCO train2017" if data else "JPEG files of drawn scenes, 640 x 480")
        samples(real(Path(data)) if data else drawn(folder), folder)
        training(folder)


if __name__ == "__main__":
    main()
