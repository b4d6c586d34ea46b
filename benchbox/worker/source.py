"""Where a job's people come from: its data set found, read and cut into crops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchbox.config import JobConfig, SyntheticOptions, required_files
from benchbox.datasets import coco, topdown
from benchbox.datasets.synthetic import files
from benchbox.digest import file_digest
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17

STRIDE = 4
"""Input pixels per heatmap cell of every network here."""


@dataclass(frozen=True)
class Source:
    """Where people lie: a folder in COCO's layout, its two splits, detected boxes, digests of the files read."""

    root: Path
    train: str
    test: str
    detections: Path | None
    inputs: dict[str, str]


def open_source(config: JobConfig, data: Path | None, cache: Path) -> Source:
    """Find the job's data set, making the embedded one when it is not there yet.

    Raises: EnvironmentProblem when it is missing.
    """
    dataset = config.dataset
    if isinstance(dataset, SyntheticOptions):
        base = files.prepare(cache, train=dataset.train, test=dataset.test)
        inputs = {}
        for split in ("train", "val"):
            file = coco.annotation_file(base / "coco", split)
            inputs[file.relative_to(cache).as_posix()] = file_digest(file)
        return Source(base / "coco", "train", "val", None, inputs)
    if data is None:
        raise EnvironmentProblem("coco: no data root; set BENCHBOX_DATA to the folder that holds coco/")
    inputs = {name: file_digest(data / name) for name in required_files(config) if (data / name).exists()}
    detections = data / dataset.detections() if config.evaluate.boxes == "detector" else None
    return Source(data / "coco", dataset.train, dataset.test, detections, inputs)


def training_crops(config: JobConfig, source: Source) -> topdown.TopDown:
    """Read the people to train on."""
    people = coco.read_people(source.root, source.train)
    if len(people) < config.train.batch:
        raise InvalidInput(f"{source.train}: {len(people)} persons do not fill one batch of {config.train.batch}")
    return _crops(config, people)


def test_crops(config: JobConfig, source: Source) -> topdown.TopDown:
    """Read the people, or the detector's boxes, to test on."""
    boxes = config.evaluate.boxes
    people = coco.read_people(source.root, source.test, boxes=boxes, detections=source.detections)
    return _crops(config, people)


def _crops(config: JobConfig, people: list[Person]) -> topdown.TopDown:
    height, width = config.dataset.input
    return topdown.TopDown(
        people=people,
        skeleton=COCO17,
        input_size=(height, width),
        heatmap_size=(height // STRIDE, width // STRIDE),
        sigma=config.train.sigma,
        rotate=config.train.rotate,
        rescale=config.train.rescale,
        flip_probability=config.train.flip,
        half_body_probability=config.train.half_body,
        seed=config.seed,
        colour="rgb",
    )
