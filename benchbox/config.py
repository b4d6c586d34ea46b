"""What one job is: typed options of data, network, training and evaluation, and the id that follows from them.

Torch-free. A value that changes a result is here; a path, a machine or a number of devices never is.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field, model_validator

from benchbox.options import recipes
from benchbox.options.base import Options
from benchbox.options.datasets import DATASETS, SYNTHETIC_VERSION, CocoOptions, SyntheticOptions
from benchbox.options.models import NETWORKS, AttentiveOptions, MrnOptions, NetworkOptions, Weights
from benchbox.options.recipes import EvaluateOptions, Phase, Stretch, TrainOptions


class JobConfig(Options):
    """One job: everything that decides its result."""

    dataset: Annotated[DATASETS, Field(discriminator="name")]
    model: Annotated[NETWORKS, Field(discriminator="name")]
    train: TrainOptions = TrainOptions()
    evaluate: EvaluateOptions = EvaluateOptions()
    seed: int = Field(0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _fits(self) -> JobConfig:
        height, width = self.dataset.input
        if height % self.model.sides or width % self.model.sides:
            needs = f"{self.model.name} needs sides divisible by {self.model.sides}"
            raise ValueError(f"dataset.input: {needs}; got {height}x{width}")
        if self.model.predicts == "coordinates":
            self._fits_coordinates()
        self._fits_phases()
        if self.evaluate.weights == "best" and self.train.epochs and not self.train.validate_every:
            raise ValueError("evaluate.weights: there is no best of the epochs without train.validate_every")
        if self.dataset.name != "coco" and self.evaluate.boxes == "detector":
            raise ValueError(f'evaluate.boxes: the {self.dataset.name} set has no detector; use "ground-truth"')
        if self.evaluate.detections and self.evaluate.boxes != "detector":
            raise ValueError('evaluate.detections: has no effect unless evaluate.boxes = "detector"')
        return self

    def _fits_phases(self) -> None:
        for number, phase in enumerate(self.train.phases):
            if not self.model.has_masks and (phase.trains != "all" or phase.masks != "learned"):
                key = "trains" if phase.trains != "all" else "masks"
                raise ValueError(f"train.phases.{number}.{key}: {self.model.name} has no masks that learn apart")
        if self.train.epochs and not schedule(self):
            raise ValueError("train.phases: train only masks, and this network learns none")

    def _fits_coordinates(self) -> None:
        name = self.model.name
        if self.train.loss != "mse":
            raise ValueError(f"train.loss: {name} is taught coordinates; its loss is mse")
        if self.evaluate.decode != "quarter":
            raise ValueError(f"evaluate.decode: {name} puts out coordinates; there is no heatmap to decode")


def schedule(config: JobConfig) -> tuple[Phase, ...]:
    """Return the phases of a job's training, none where it does not train; a plain recipe is one phase."""
    return config.train.schedule(masks=config.model.learns_masks)


def stretches(config: JobConfig) -> list[Stretch]:
    """Return a job's training as stretches of epochs of one rate."""
    return recipes.stretches(schedule(config))


def late_drops(config: JobConfig) -> dict[str, str]:
    """Say which drops of the rate come when the training, or a phase of it, has ended; by key, none where none do."""
    recipe = config.train
    parts: dict[str, Phase | TrainOptions] = {f"train.phases.{n}": phase for n, phase in enumerate(recipe.phases)}
    found = {}
    for key, part in (parts or {"train": recipe}).items() if recipe.epochs else ():
        late = [drop for drop in part.lr_drops if drop >= part.epochs]
        if late:
            found[f"{key}.lr_drops"] = f"{late} never comes: {key}.epochs is {part.epochs}"
    return found


def required_files(config: JobConfig) -> tuple[str, ...]:
    """List the files a job cannot do without, below the data root: without training, no training split."""
    dataset = config.dataset
    if isinstance(dataset, SyntheticOptions):
        return ()
    splits = (dataset.train, dataset.test) if config.train.epochs else (dataset.test,)
    files = [name for split in splits for name in dataset.files(split)]
    if isinstance(dataset, CocoOptions) and config.evaluate.boxes == "detector":
        files.append(dataset.detections(config.evaluate.detections))
    return tuple(dict.fromkeys(files))


def files_of_weights(model: NetworkOptions) -> dict[str, Weights]:
    """Return the files that a network begins from, by key: a whole network's, else a backbone's."""
    files = {"weights": model.weights}
    if isinstance(model, AttentiveOptions):
        files["pretrained"] = model.pretrained
    return files


def canonical(config: JobConfig) -> dict[str, Any]:
    """Return the values that differ from their defaults, in one spelling, without those that have no effect.

    Attention places become a sorted list of (stage, sub-network); attention without a place, or places without an
    attention, are dropped, as are learning-rate drops behind the last epoch and the recipe of a job that does not
    train, auxiliary losses with it (but not DARK's sigma); weights are named by their digest. Names of data and model
    always stay.
    """
    values = config.model_dump(mode="json", exclude_defaults=True)
    values["dataset"]["name"] = config.dataset.name
    values["model"] = canonical_model(config)
    if isinstance(config.dataset, SyntheticOptions):
        values["dataset"]["version"] = SYNTHETIC_VERSION
    values["train"] = _canonical_train(config)
    if config.train.epochs == 0:
        values["model"].pop("auxiliary", None)
        values.get("evaluate", {}).pop("weights", None)
    if config.model.colour != "rgb":
        values["model"]["colour"] = config.model.colour
    if config.model.weights.path or config.model.weights.digest:
        values["model"]["weights"] = config.model.weights.digest
        values["model"].pop("initial", None)
    elif isinstance(config.model, AttentiveOptions) and config.model.pretrained != Weights():
        values["model"]["pretrained"] = config.model.pretrained.digest
    regressed = config.model.predicts == "coordinates"
    if not config.evaluate.flip_test or config.evaluate.coordinates == "udp" or regressed:
        values.get("evaluate", {}).pop("flip_shift", None)
    return {key: value for key, value in values.items() if value != {}}


def _canonical_train(config: JobConfig) -> dict[str, Any]:
    recipe = config.train
    values = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"phases"})
    if recipe.epochs == 0:
        kept = {"sigma"} if config.evaluate.decode == "dark" else set()
        return {"epochs": 0} | {key: value for key, value in values.items() if key in kept}
    if recipe.phases:
        values.pop("batch", None)
        phases = [phase.model_dump(mode="json", exclude_defaults=True) for phase in schedule(config)]
        values["phases"] = [_without_late_drops(phase, phase["epochs"]) for phase in phases]
    else:
        values = _without_late_drops(values, recipe.epochs)
    if isinstance(config.model, MrnOptions) and config.model.auxiliary == 0:
        values.pop("sigma", None)
    return values


def _without_late_drops(values: dict[str, Any], epochs: int) -> dict[str, Any]:
    drops = [epoch for epoch in values.pop("lr_drops", ()) if epoch < epochs]
    if drops:
        return values | {"lr_drops": drops}
    return {key: value for key, value in values.items() if key != "lr_factor"}


def canonical_model(config: JobConfig) -> dict[str, Any]:
    """Return the network's part of the canonical form; equal for networks that are the same network."""
    return config.model.canonical()


def job_id(config: JobConfig) -> str:
    """Return the job's id: the first 12 hex digits of the SHA-256 of its canonical form as compact, sorted JSON."""
    if any(weights.path and not weights.digest for weights in files_of_weights(config.model).values()):
        raise ValueError("weights have no digest yet; an id never depends on a path")
    text = json.dumps(canonical(config), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
