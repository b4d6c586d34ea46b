"""Options of training and of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from benchbox.options.base import Fraction, Options


def _ascending(drops: tuple[int, ...]) -> tuple[int, ...]:
    if list(drops) != sorted(set(drops)):
        raise ValueError("epochs must ascend")
    return drops


Drops = Annotated[tuple[int, ...], Field(strict=False), AfterValidator(_ascending)]


class Phase(Options):
    """One part of a training: how long, what learns in it, and at which rate.

    epochs: how many. lr: rate of learning. lr_drops: finished epochs of this part after which the rate is multiplied.
    lr_factor: by what. trains: all of the network, its pose part or its attention masks; what does not learn keeps its
    batch-norm statistics too. masks: ones holds all masks at one. batch: the recipe's when left out.
    """

    epochs: int = Field(ge=1, le=10_000)
    trains: Literal["all", "pose", "masks"] = "all"
    masks: Literal["learned", "ones"] = "learned"
    lr: float = Field(1e-3, gt=0, le=10)
    lr_drops: Drops = ()
    lr_factor: float = Field(0.1, gt=0, le=1)
    batch: int | None = Field(None, ge=2, le=4096)

    @model_validator(mode="after")
    def _possible(self) -> Phase:
        if self.trains == "masks" and self.masks == "ones":
            raise ValueError('trains = "masks" learns nothing while masks = "ones"')
        return self

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch of this phase, from 0."""
        return self.lr * self.lr_factor ** sum(epoch >= drop for drop in self.lr_drops)


@dataclass(frozen=True)
class Stretch:
    """Epochs that follow each other, first to last counted from 1 over all phases, with one rate of learning."""

    first: int
    last: int
    rate: float
    phase: Phase


def stretches(phases: Sequence[Phase]) -> list[Stretch]:
    """Return the rates of a training as stretches of epochs."""
    found, start = [], 0
    for phase in phases:
        bounds = [0, *(drop for drop in phase.lr_drops if 0 < drop < phase.epochs), phase.epochs]
        found += [Stretch(start + a + 1, start + b, phase.rate(a), phase) for a, b in pairwise(bounds)]
        start += phase.epochs
    return found


class TrainOptions(Options):
    """One training recipe.

    epochs: how many; 0 trains nothing. batch: persons of a mini-batch. optimizer: Adam or RMSProp. lr: rate of
    learning. lr_drops: finished epochs after which the rate is multiplied. lr_factor: by what. rotate: standard
    deviation in degrees, clipped at twice that. rescale: standard deviation of the scale around 1, clipped at that.
    flip: how often persons are mirrored. half_body: how often only an upper or lower half is shown. sigma: of the peaks
    to be learnt, in cells of the heatmap. precision: of the computation. accumulate: parts of a mini-batch whose
    gradients are added before a step; batch norm sees one part at a time. weight_decay: factor of half the squared
    weights of convolutions and linear layers, biases and batch norm left out; activity: factor of the squared outputs
    of the convolutions, summed over a sample. loss: mse over labelled joints; unweighted-mse teaches the others empty
    maps; hardest-mse counts a person's eight worst joints. phases: a training in parts; epochs, lr, lr_drops and
    lr_factor are then each phase's own, but epochs = 0 still trains nothing. validate_every: epochs after which the
    test persons are scored again; 0: only at the end. sync_batch_norm: where several processes share a mini-batch,
    batch norm sees the samples of all; else each its own, and the running statistics are those of the first. One
    process has them all: there it changes nothing but the id. deterministic: whether a GPU may use only algorithms that
    give the same bits again; a CPU's always do.
    """

    epochs: int = Field(210, ge=0, le=10_000)
    batch: int = Field(32, ge=2, le=4096)
    optimizer: Literal["adam", "rmsprop"] = "adam"
    lr: float = Field(1e-3, gt=0, le=10)
    lr_drops: Drops = ()
    lr_factor: float = Field(0.1, gt=0, le=1)
    rotate: float = Field(40.0, ge=0, le=180)
    rescale: float = Field(0.3, ge=0, lt=1)
    flip: Fraction = 0.5
    half_body: Fraction = 0.0
    sigma: float = Field(2.0, gt=0, le=10)
    precision: Literal["fp32", "bf16"] = "fp32"
    loss: Literal["mse", "unweighted-mse", "hardest-mse"] = "mse"
    accumulate: int = Field(1, ge=1, le=1024)
    weight_decay: float = Field(0.0, ge=0, le=1)
    activity: float = Field(0.0, ge=0, le=1)
    phases: Annotated[tuple[Phase, ...], Field(strict=False, max_length=100)] = ()
    validate_every: int = Field(0, ge=0, le=10_000)
    sync_batch_norm: bool = False
    deterministic: bool = True

    @model_validator(mode="after")
    def _possible(self) -> TrainOptions:
        for number, phase in enumerate(self.phases):
            self._divides(f"phases.{number}.batch: ", phase.batch or self.batch)
        self._divides("batch: ", self.batch)
        single = TrainOptions.model_fields
        for key in ("epochs", "lr", "lr_drops", "lr_factor"):
            if self.phases and getattr(self, key) != single[key].default and (key, self.epochs) != ("epochs", 0):
                raise ValueError(f"{key}: has no effect beside phases, each of which has its own")
        return self

    def _divides(self, name: str, batch: int) -> None:
        if batch % self.accumulate or batch // self.accumulate < 2:
            raise ValueError(f"{name}{batch} is not {self.accumulate} equal parts of two or more (accumulate)")

    def schedule(self, *, masks: bool) -> tuple[Phase, ...]:
        """Return the phases of the training, a plain recipe being one, each with its batch.

        Args: masks: whether the network learns masks; without, phases that train them alone are left out, and the
            others train all there is.
        """
        if self.epochs == 0:
            return ()
        plain = Phase(epochs=self.epochs, lr=self.lr, lr_drops=self.lr_drops, lr_factor=self.lr_factor)
        chosen = [phase for phase in self.phases or (plain,) if masks or phase.trains != "masks"]
        whole: dict[str, Any] = {} if masks else {"trains": "all", "masks": "learned"}
        return tuple(phase.model_copy(update={"batch": phase.batch or self.batch, **whole}) for phase in chosen)


class EvaluateOptions(Options):
    """How predictions are made; what scoring does with them is named in a protocol and can be changed afterwards.

    boxes: whose. detections: a detector's file in coco/person_detection_results, the field's own when empty. flip_test,
    flip_shift: with the mirrored crop too, its heatmaps shifted by one column. decode: how a peak is refined.
    precision: of the computation. coordinates: of the crops in training and test alike, the official ones or UDP's.
    weights: whose predictions count, those of the last epoch or of the best one that was validated.
    """

    boxes: Literal["ground-truth", "detector"] = "ground-truth"
    flip_test: bool = True
    flip_shift: bool = True
    decode: Literal["quarter", "argmax", "dark"] = "quarter"
    coordinates: Literal["official", "udp"] = "official"
    precision: Literal["fp32", "bf16"] = "fp32"
    weights: Literal["last", "best"] = "last"
    detections: str = Field("", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$|^$", max_length=100)
