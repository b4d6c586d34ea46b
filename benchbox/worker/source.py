"""Where a job's people come from: its data set found, read and cut into crops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchbox.config import JobConfig, required_files, schedule
from benchbox.datasets import coco, lsp, mpii, mpii_release, pack_build, topdown
from benchbox.datasets.synthetic import files, lsp_files
from benchbox.digest import file_digest
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.metrics.protocol import prediction_parts
from benchbox.options.datasets import (
    MPII_RELEASE,
    CocoOptions,
    LspOptions,
    MpiiOptions,
    SyntheticOptions,
)
from benchbox.pose.people import Person
from benchbox.pose.skeleton import SKELETONS, Skeleton
from benchbox.worker.score import Ground

STRIDE = 4
"""Input pixels per heatmap cell of every network here."""


@dataclass(frozen=True)
class Source:
    """Where people lie: a folder in a data set's layout, its two splits, detected boxes, digests of the files read."""

    layout: str
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
        root = lsp_files.prepare(base) if dataset.layout == "lsp" else base / dataset.layout
        train, test = SYNTHETIC_SPLITS[dataset.layout]
        inputs = _digests(cache, [file for split in (train, test) for file in ANNOTATIONS[dataset.layout](root, split)])
        return Source(dataset.layout, root, train, test, None, inputs)
    if data is None:
        raise EnvironmentProblem(f"{dataset.name}: no data root; set BENCHBOX_DATA to the folder that holds it")
    layout: str = "lsp" if isinstance(dataset, LspOptions) else dataset.name
    if isinstance(dataset, MpiiOptions) and dataset.annotations == "release":
        layout = "mpii-release"
    root = data / dataset.name
    splits = (dataset.train, dataset.test) if config.train.epochs else (dataset.test, dataset.test)
    wanted = [data / name for name in required_files(config)]
    wanted += [file for split in splits for file in ANNOTATIONS.get(layout, _no_more)(root, split)]
    detections = None
    if isinstance(dataset, CocoOptions) and config.evaluate.boxes == "detector":
        detections = data / dataset.detections(config.evaluate.detections)
    return Source(layout, root, dataset.train, dataset.test, detections, _digests(data, wanted))


def ground_of(config: JobConfig, source: Source) -> Ground:
    """Say how a job's predictions were made and what they are scored against."""
    height, width = config.dataset.input
    heads = mpii.head_kind(source.root, source.test) if source.layout == "mpii" else "boxes"
    truth = coco.annotation_file(source.root, source.test) if source.layout == "coco" else None
    how = config.evaluate.model_dump()
    if not schedule(config):
        how["weights"] = "last"
    if config.model.predicts == "coordinates":
        how |= {"decode": "regressed", "flip_shift": True}
    people = config.dataset.people if isinstance(config.dataset, MpiiOptions) else "all"
    prediction = prediction_parts(**how, heads=heads, people=people)
    return Ground(skeleton_of(config), prediction, truth, width / height)


def skeleton_of(config: JobConfig) -> Skeleton:
    """Return the joints of a job's data set."""
    name = config.dataset.skeleton
    if name not in SKELETONS:
        raise InvalidInput(f"skeleton {name}: has no line in SKELETONS of benchbox/pose/skeleton.py")
    return SKELETONS[name]


def training_crops(config: JobConfig, source: Source) -> topdown.TopDown:
    """Read the people to train on."""
    people = _chosen(config, _people(source, source.train))
    batch = max(phase.batch or 0 for phase in schedule(config))
    if len(people) < batch:
        raise InvalidInput(f"{source.train}: {len(people)} persons do not fill one batch of {batch}")
    return crops_of(config, people)


def packed(crops: topdown.TopDown, cache: Path, told: Callable[[int, int], None]) -> topdown.TopDown:
    """Let training crops come from their pack, which is built when it is not there; see `pack_build.prepare`."""
    pictures = pack_build.prepare(
        cache / "packs", crops.people, frames=crops.frames, input_size=crops.input_size, told=told
    )
    return replace(crops, pictures=pictures)


def test_crops(config: JobConfig, source: Source) -> topdown.TopDown:
    """Read the people, or the detector's boxes, to test on."""
    if source.detections is not None:
        people = coco.read_people(source.root, source.test, boxes="detector", detections=source.detections)
    else:
        people = _chosen(config, _people(source, source.test))
    if not people:
        raise InvalidInput(f"{source.detections or source.root}: {source.test} has nobody to test on")
    return crops_of(config, people)


def _chosen(config: JobConfig, people: list[Person]) -> list[Person]:
    if isinstance(config.dataset, MpiiOptions) and config.dataset.people == "complete":
        return [person for person in people if (person.keypoints[:, 2] > 0).all()]
    return people


def _people(source: Source, split: str) -> list[Person]:
    if source.layout != "mpii-release":
        return READERS[source.layout](source.root, split)
    held_out = {person.image.name for person in mpii.read_people(source.root, source.test)}
    images, path = source.root / "images", source.root / "annot" / MPII_RELEASE
    if split == source.test:
        return mpii_release.read_people(path, images, names=held_out)
    return [person for person in mpii_release.read_people(path, images) if person.image.name not in held_out]


READERS: dict[str, Callable[[Path, str], list[Person]]] = {
    "coco": coco.read_people,
    "mpii": mpii.read_people,
    "lsp": lsp.read_people,
}
ANNOTATIONS: dict[str, Callable[[Path, str], list[Path]]] = {
    "coco": lambda root, split: [coco.annotation_file(root, split)],
    "mpii": mpii.annotation_files,
    "lsp": lambda root, split: lsp.annotation_files(root),
}
"""Files besides those of its options whose change makes a result stale, where they are there."""


def _no_more(root: Path, split: str) -> list[Path]:
    return []


SYNTHETIC_SPLITS = {"coco": ("train", "val"), "mpii": ("train", "valid"), "lsp": ("train", "test")}


def _digests(base: Path, wanted: list[Path]) -> dict[str, str]:
    return {file.relative_to(base).as_posix(): file_digest(file) for file in wanted if file.exists()}


def crops_of(config: JobConfig, people: list[Person]) -> topdown.TopDown:
    """Cut people as a job's network sees them."""
    height, width = config.dataset.input
    return topdown.TopDown(
        people=people,
        skeleton=skeleton_of(config),
        input_size=(height, width),
        heatmap_size=(height // STRIDE, width // STRIDE),
        sigma=config.train.sigma,
        rotate=config.train.rotate,
        rescale=config.train.rescale,
        flip_probability=config.train.flip,
        half_body_probability=config.train.half_body,
        seed=config.seed,
        colour=config.model.colour,
        coordinates=config.evaluate.coordinates,
        target="coordinates" if config.model.predicts == "coordinates" else "heatmap",
    )
