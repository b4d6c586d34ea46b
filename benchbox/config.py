"""What one job is: typed options of data, network, training and evaluation, and the id that follows from them.

Torch-free. A value that changes a result is here; a path, a machine or a number of devices never is.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SYNTHETIC_VERSION = 1
"""Version of the embedded data's generator; part of the id of every job that uses it."""

HRNET_PLACES = tuple((stage, branch) for stage in (1, 2, 3) for branch in range(1, stage + 2))
"""The nine (stage, sub-network) places behind HRNet's transitions (efficient-hrnet, Table I; one-based)."""


def _ascending(drops: tuple[int, ...]) -> tuple[int, ...]:
    if list(drops) != sorted(set(drops)):
        raise ValueError("epochs must ascend")
    return drops


Side = Annotated[int, Field(ge=32, le=2048)]
Size = Annotated[tuple[Side, Side], Field(strict=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Options(BaseModel):
    """Base of all option tables: unknown keys and silent conversions are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class CocoOptions(Options):
    """COCO person keypoints: splits by the names of their folders, input as (height, width) in pixels."""

    joints: ClassVar[int] = 17
    name: Literal["coco"]
    train: str = Field("train2017", pattern=r"^[A-Za-z0-9_]+$", max_length=64)
    test: str = Field("val2017", pattern=r"^[A-Za-z0-9_]+$", max_length=64)
    input: Size = (256, 192)

    def annotations(self) -> tuple[str, ...]:
        """List the annotation files of both splits, below the data root."""
        return tuple(f"coco/annotations/person_keypoints_{split}.json" for split in (self.train, self.test))

    def detections(self) -> str:
        """Name the file of the field's person detections (AP 56.4 on val2017), below the data root."""
        return f"coco/person_detection_results/COCO_{self.test}_detections_AP_H_56_person.json"


class SyntheticOptions(Options):
    """The embedded persons: numbers of images to train on and to test on, input as (height, width) in pixels."""

    joints: ClassVar[int] = 17
    name: Literal["synthetic"]
    train: int = Field(6000, ge=1, le=200_000)
    test: int = Field(1000, ge=1, le=50_000)
    input: Size = (64, 64)


class Attend(Options):
    """Where attention sits: the union of whole sub-networks, whole stages and single (stage, sub-network) places."""

    sub_networks: Annotated[tuple[int, ...], Field(strict=False)] = ()
    stages: Annotated[tuple[int, ...], Field(strict=False)] = ()
    places: Annotated[tuple[Annotated[tuple[int, int], Field(strict=False)], ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _exists(self) -> Attend:
        for what, asked, known in (
            ("sub-network", self.sub_networks, range(1, 5)),
            ("stage", self.stages, range(1, 4)),
        ):
            for number in asked:
                if number not in known:
                    raise ValueError(f"no {what} {number} to attend to; known: {', '.join(map(str, known))}")
        for place in self.places:
            if place not in HRNET_PLACES:
                known_places = " ".join(f"[{stage}, {branch}]" for stage, branch in HRNET_PLACES)
                raise ValueError(f"no place {list(place)} to attend to; known (stage, sub-network): {known_places}")
        return self

    def blocks(self) -> tuple[tuple[int, int], ...]:
        """List the attended (stage, sub-network) places, sorted, each once."""
        return tuple(
            (stage, branch)
            for stage, branch in HRNET_PLACES
            if branch in self.sub_networks or stage in self.stages or (stage, branch) in self.places
        )


class HRNetOptions(Options):
    """HRNet with attention behind its transitions; every channel count is multiplied by `shrink`."""

    name: Literal["hrnet"]
    width: int = Field(32, ge=4, le=512)
    shrink: float = Field(1.0, gt=0, le=1)
    blocks: int = Field(4, ge=1, le=16)
    modules: Annotated[tuple[int, int, int], Field(strict=False)] = (1, 4, 3)
    initial: Literal["normal", "he"] = "normal"
    attention: Literal["none", "cam", "sam", "am"] = "none"
    attend: Attend = Attend()
    reduction: int = Field(16, ge=1, le=256)
    sam_width: int = Field(0, ge=0, le=1024)

    @model_validator(mode="after")
    def _possible(self) -> HRNetOptions:
        if any(not 1 <= count <= 16 for count in self.modules):
            raise ValueError("modules must be three counts between 1 and 16")
        return self

    def blocks_of_attention(self) -> tuple[tuple[int, int], ...]:
        """List the places that hold an attention module: none without a kind of attention."""
        return self.attend.blocks() if self.attention != "none" else ()


class TrainOptions(Options):
    """One training recipe; angles in degrees, sigma in heatmap cells, lr_drops in finished epochs."""

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


class EvaluateOptions(Options):
    """How predictions are made: whose boxes, flip test, the one-column shift of flipped heatmaps, decoding."""

    boxes: Literal["ground-truth", "detector"] = "ground-truth"
    flip_test: bool = True
    flip_shift: bool = True
    decode: Literal["quarter", "argmax"] = "quarter"


class JobConfig(Options):
    """One job: everything that decides its result."""

    dataset: Annotated[CocoOptions | SyntheticOptions, Field(discriminator="name")]
    model: Annotated[HRNetOptions, Field()]
    train: TrainOptions = TrainOptions()
    evaluate: EvaluateOptions = EvaluateOptions()
    seed: int = Field(0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _fits(self) -> JobConfig:
        if any(side % 32 for side in self.dataset.input):
            height, width = self.dataset.input
            raise ValueError(f"dataset.input: hrnet needs sides divisible by 32; got {height}x{width}")
        if self.dataset.name == "synthetic" and self.evaluate.boxes == "detector":
            raise ValueError('evaluate.boxes: the synthetic set has no detector; use "ground-truth"')
        return self


def required_files(config: JobConfig) -> tuple[str, ...]:
    """List the files a job cannot do without, below the data root."""
    if not isinstance(config.dataset, CocoOptions):
        return ()
    detections = (config.dataset.detections(),) if config.evaluate.boxes == "detector" else ()
    return (*config.dataset.annotations(), *detections)


def canonical(config: JobConfig) -> dict[str, Any]:
    """Return the values that differ from their defaults, in one spelling, without those that have no effect.

    Attention places become a sorted list of (stage, sub-network); attention without a place, or places without an
    attention, are dropped, as are learning-rate drops behind the last epoch and the recipe of a job that does not
    train. Names of data and model always stay.
    """
    values = config.model_dump(mode="json", exclude_defaults=True)
    values["dataset"]["name"] = config.dataset.name
    values["model"] = canonical_model(config)
    if isinstance(config.dataset, SyntheticOptions):
        values["dataset"]["version"] = SYNTHETIC_VERSION
    train = values.get("train", {})
    drops = [epoch for epoch in config.train.lr_drops if epoch < config.train.epochs]
    train.pop("lr_drops", None)
    if drops:
        train["lr_drops"] = drops
    else:
        train.pop("lr_factor", None)
    if config.train.epochs == 0:
        values["train"] = {"epochs": 0}
    if not config.evaluate.flip_test:
        values["evaluate"].pop("flip_shift", None)
    return {key: value for key, value in values.items() if value != {}}


def canonical_model(config: JobConfig) -> dict[str, Any]:
    """Return the network's part of the canonical form; equal for networks that are the same network."""
    model = config.model.model_dump(mode="json", exclude_defaults=True)
    model["name"] = config.model.name
    places = config.model.blocks_of_attention()
    for key in ("attend", *(() if places else ("attention", "reduction", "sam_width"))):
        model.pop(key, None)
    if places:
        model["places"] = [list(place) for place in places]
        if config.model.attention == "cam":
            model.pop("sam_width", None)
        if config.model.attention == "sam":
            model.pop("reduction", None)
    return model


def job_id(config: JobConfig) -> str:
    """Return the job's id: the first 12 hex digits of the SHA-256 of its canonical form as compact, sorted JSON."""
    text = json.dumps(canonical(config), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
