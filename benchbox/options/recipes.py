"""Options of training and of evaluation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from benchbox.options.base import Fraction, Options


def _ascending(drops: tuple[int, ...]) -> tuple[int, ...]:
    if list(drops) != sorted(set(drops)):
        raise ValueError("epochs must ascend")
    return drops


class TrainOptions(Options):
    """One training recipe; angles in degrees, sigma in heatmap cells, lr_drops in finished epochs.

    loss: mse over labelled joints; unweighted-mse teaches the others empty maps; hardest-mse counts a person's eight
    worst joints.
    """

    epochs: int = Field(210, ge=0, le=10_000)
    batch: int = Field(32, ge=2, le=4096)
    optimizer: Literal["adam"] = "adam"
    lr: float = Field(1e-3, gt=0, le=10)
    lr_drops: Annotated[tuple[int, ...], Field(strict=False), AfterValidator(_ascending)] = ()
    lr_factor: float = Field(0.1, gt=0, le=1)
    rotate: float = Field(40.0, ge=0, le=180)
    rescale: float = Field(0.3, ge=0, lt=1)
    flip: Fraction = 0.5
    half_body: Fraction = 0.0
    sigma: float = Field(2.0, gt=0, le=10)
    precision: Literal["fp32", "bf16"] = "fp32"
    loss: Literal["mse", "unweighted-mse", "hardest-mse"] = "mse"


class EvaluateOptions(Options):
    """How predictions are made; what scoring does with them is named in a protocol and can be changed afterwards.

    boxes: whose; detections names a detector's file in coco/person_detection_results, the field's own when empty.
    flip_test, flip_shift: with the mirrored crop too, its heatmaps shifted by one column. decode: how a peak is
    refined. coordinates: of the crops in training and test alike, the official ones or UDP's.
    """

    boxes: Literal["ground-truth", "detector"] = "ground-truth"
    flip_test: bool = True
    flip_shift: bool = True
    decode: Literal["quarter", "argmax", "dark"] = "quarter"
    coordinates: Literal["official", "udp"] = "official"
    precision: Literal["fp32", "bf16"] = "fp32"
    detections: str = Field("", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$|^$", max_length=100)
