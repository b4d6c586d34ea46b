"""Where a job's people come from: its data set found, read and cut into crops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchbox.config import JobConfig, SyntheticOptions
from benchbox.datasets import coco, topdown
from benchbox.datasets.synthetic import files
from benchbox.digest import file_digest
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17

STRIDE = 4
"""Input pixels per heatmap cell of every network here."""
DETECTIONS = "person_detection_results/COCO_{split}_detections_AP_H_56_person.json"
"""The field's person detections (AP 56.4 on val2017), below the COCO folder."""


@dataclass(frozen=True)
class Source:
    """Where a job's people lie: a folder in COCO's layout, its two splits, and digests of the files read."""

    root: Path
    train: str
    test: str
    inputs: dict[str, str]


def open_source(config: JobConfig, data: Path | None, cache: Path) -> Source:
    """Find the job's data set, making the embedded one when it is not there yet.

    Raises: EnvironmentProblem when it is missing.
    """
    dataset = config.dataset
    if isinstance(dataset, SyntheticOptions):
        base = files.prepare(cache, train=dataset.train, test=dataset.test)
        root, train, test = base / "coco", "train", "val"
        prefix = f"{base.name}/coco"
    else:
        if data is None:
            raise EnvironmentProblem("coco: no data root; set BENCHBOX_DATA to the folder that holds coco/")
        root, train, test = data / "coco", dataset.train, dataset.test
        prefix = "coco"
    read = [coco.annotation_file(root, split) for split in (train, test)]
    if config.evaluate.boxes == "detector":
        read.append(_detections(root, test))
    inputs = {f"{prefix}/{file.relative_to(root).as_posix()}": file_digest(file) for file in read if file.exists()}
    return Source(root, train, test, inputs)


def training_crops(config: JobConfig, source: Source) -> topdown.TopDown:
    """Read the people to train on."""
    people = coco.read_people(source.root, source.train)
    if len(people) < config.train.batch:
        raise InvalidInput(f"{source.train}: {len(people)} persons do not fill one batch of {config.train.batch}")
    return _crops(config, people)


def test_crops(config: JobConfig, source: Source) -> topdown.TopDown:
    """Read the people, or the detector's boxes, to test on."""
    detections = _detections(source.root, source.test) if config.evaluate.boxes == "detector" else None
    people = coco.read_people(source.root, source.test, boxes=config.evaluate.boxes, detections=detections)
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


def _detections(root: Path, split: str) -> Path:
    return root / DETECTIONS.format(split=split)
