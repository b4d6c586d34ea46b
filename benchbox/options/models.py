"""Options of the networks: one small class each, with every value that decides what is built."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from benchbox.options.attention import (
    MAX_STACKS,
    Attend,
    AttendBlocks,
    AttendStacks,
    AttentionOptions,
)
from benchbox.options.base import Digest, Options


class Weights(Options):
    """A file of weights to begin from; in a study a plain path stands for it.

    path: relative to the study's folder. digest: the first 16 hex digits of the file's SHA-256, which stand for it in
    the id; a study may state them to pin it.
    """

    path: str = Field("", max_length=4096)
    digest: Digest = ""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class NetworkOptions(Options):
    """Base of the networks.

    name: which network. shrink: every channel count is multiplied by it. initial: weights drawn with a standard
    deviation of 0.001, by He's rule, or all one. weights: a whole network's. colour: order of the channels that the
    network sees; official HRNet weights expect rgb, SimpleBaseline's bgr.
    """

    name: str
    shrink: float = Field(1.0, gt=0, le=1)
    initial: Literal["normal", "he", "ones"] = "normal"
    weights: Weights = Weights()
    colour: Literal["rgb", "bgr"] = "rgb"

    sides: ClassVar[int] = 32
    """What both sides of an input, in pixels, are divisible by."""
    predicts: ClassVar[str] = "heatmaps"
    """What the network puts out: heatmaps, or the coordinates of the joints."""

    has_masks: ClassVar[bool] = False
    """Whether it can have masks that learn apart from the pose."""

    @property
    def builder(self) -> str:
        """Name the function of `benchbox.models` that builds it."""
        return self.name

    @property
    def learns_masks(self) -> bool:
        """Whether it has such masks and learns them."""
        return False

    @property
    def attends(self) -> bool:
        """Whether it has attention to show: modules at some place, or masks that it learns."""
        return bool(self.places()) if isinstance(self, AttentionOptions) else self.learns_masks

    def arguments(self, joints: int, size: tuple[int, int]) -> dict[str, Any]:
        """Return that function's keywords, but for the attention module, for an input of `size` (height, width)."""
        raise NotImplementedError

    def canonical(self) -> dict[str, Any]:
        """Return what differs from the defaults and has an effect on the network's structure, with its name."""
        values = self.model_dump(mode="json", exclude_defaults=True, exclude={"weights", "colour"} | self.idle())
        return values | {"name": self.name}

    def idle(self) -> set[str]:
        """Name the keys that have no effect."""
        return set()


class AttentiveOptions(AttentionOptions, NetworkOptions):
    """Base of the networks that have places for attention modules.

    pretrained: weights of the backbone alone, as trained for image classification; a file's name may be one in
    torch.hub's cache.
    """

    pretrained: Weights = Weights()

    def canonical(self) -> dict[str, Any]:
        values = super().canonical()
        values.pop("pretrained", None)
        if self.places():
            values["places"] = [list(place) if isinstance(place, tuple) else place for place in self.places()]
        return values

    def idle(self) -> set[str]:
        return AttentionOptions.idle(self)


class HRNetOptions(AttentiveOptions):
    """HRNet with attention behind its transitions.

    width: channels of its first branch. blocks: residual units of a branch in a module. modules: of stages 2, 3 and 4,
    each 1 to 16. attend: where attention sits.
    """

    name: Literal["hrnet"]
    width: int = Field(32, ge=4, le=512)
    blocks: int = Field(4, ge=1, le=16)
    modules: Annotated[tuple[int, int, int], Field(strict=False)] = (1, 4, 3)
    attend: Attend = Attend()
    sam_gate: Literal["positions", "channels"] = "channels"

    @model_validator(mode="after")
    def _possible(self) -> HRNetOptions:
        if any(not 1 <= count <= 16 for count in self.modules):
            raise ValueError("modules must be three counts between 1 and 16")
        return self

    def places(self) -> tuple[tuple[int, int], ...]:
        return self.attend.blocks() if self.attention != "none" else ()

    def arguments(self, joints: int, size: tuple[int, int]) -> dict[str, Any]:
        return {
            "joints": joints,
            "width": self.width,
            "shrink": self.shrink,
            "blocks": self.blocks,
            "modules": self.modules,
            "places": self.places(),
        }


class ResNetOptions(AttentiveOptions):
    """A ResNet with attention behind its blocks and one of two heads.

    depth: layers. head: deconv is SimpleBaseline's, bilinear efficient-sam's. final_kernel: of the bilinear head's last
    convolution. attend: where attention sits.
    """

    name: Literal["resnet"]
    depth: Literal[50, 101, 152] = 50
    head: Literal["deconv", "bilinear"] = "deconv"
    final_kernel: Literal[1, 3] = 1
    attend: AttendBlocks = AttendBlocks()

    @property
    def builder(self) -> str:
        return {"deconv": "simple-baseline", "bilinear": "bilinear-resnet"}[self.head]

    def places(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.attend.blocks))) if self.attention != "none" else ()

    def arguments(self, joints: int, size: tuple[int, int]) -> dict[str, Any]:
        given = {"joints": joints, "depth": self.depth, "shrink": self.shrink, "places": self.places()}
        return given | ({"final_kernel": self.final_kernel} if self.head == "bilinear" else {})

    def idle(self) -> set[str]:
        return super().idle() | ({"final_kernel"} if self.head == "deconv" else set())


class HourglassOptions(AttentionOptions, NetworkOptions):
    """Stacked hourglasses with attention behind some of them.

    stacks: how many. attend: where attention sits.
    """

    name: Literal["hourglass"]
    stacks: int = Field(8, ge=1, le=MAX_STACKS)
    initial: Literal["normal", "he", "ones"] = "he"
    attend: AttendStacks = AttendStacks()
    sides: ClassVar[int] = 64

    @model_validator(mode="after")
    def _possible(self) -> HourglassOptions:
        beyond = [number for number in self.attend.stacks if number > self.stacks]
        if beyond:
            raise ValueError(f"no stack {beyond[0]} to attend to; there are {self.stacks}")
        return self

    def places(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.attend.stacks))) if self.attention != "none" else ()

    def arguments(self, joints: int, size: tuple[int, int]) -> dict[str, Any]:
        return {"joints": joints, "stacks": self.stacks, "shrink": self.shrink, "attended": self.places()}

    def canonical(self) -> dict[str, Any]:
        return super().canonical() | ({"places": list(self.places())} if self.places() else {})

    def idle(self) -> set[str]:
        return AttentionOptions.idle(self)


class AcnnOptions(NetworkOptions):
    """ACNN: hourglasses with masks between them.

    stacks: how many hourglasses. mask: soft, or binary with the soft one's gradient. masks: ones holds all at one, the
    plain hourglass. mask_offset: added to their logits. masked_identity, masked_heatmaps: whether a mask hides the next
    stack's identity path, and that stack's heatmaps too.
    """

    name: Literal["acnn"]
    stacks: int = Field(4, ge=2, le=MAX_STACKS)
    initial: Literal["normal", "he", "ones"] = "he"
    mask: Literal["soft", "binary"] = "soft"
    masks: Literal["learned", "ones"] = "learned"
    mask_offset: float = Field(4.0, ge=-20, le=20)
    masked_identity: bool = True
    masked_heatmaps: bool = False
    sides: ClassVar[int] = 64
    has_masks: ClassVar[bool] = True

    @property
    def learns_masks(self) -> bool:
        return self.masks == "learned"

    def arguments(self, joints: int, size: tuple[int, int]) -> dict[str, Any]:
        return {
            "joints": joints,
            "stacks": self.stacks,
            "shrink": self.shrink,
            "mask": self.mask,
            "masks": self.masks,
            "mask_offset": self.mask_offset,
            "masked_identity": self.masked_identity,
            "masked_heatmaps": self.masked_heatmaps,
        }

    def idle(self) -> set[str]:
        if self.masks == "learned":
            return set()
        return {"mask", "mask_offset", "masked_identity", "masked_heatmaps"}


class MrnOptions(NetworkOptions):
    """Multi-resolution networks and a Refinement Net that puts out coordinates.

    stacks: how many networks one after another. attention: the scheme of masks; masks: ones leaves them out of the
    computation. heatmaps: one for all joints, or one each; merge: what the next stack gets. auxiliary: weight of a loss
    on the heatmaps. slope: of LeakyReLU; mask_width: channels of the global mask's network.
    """

    name: Literal["mrn"]
    stacks: int = Field(2, ge=1, le=MAX_STACKS)
    initial: Literal["normal", "he", "ones"] = "he"
    attention: Literal["none", "global", "heatmap", "multi-resolution"] = "none"
    masks: Literal["learned", "ones"] = "learned"
    mask_width: int = Field(32, ge=1, le=512)
    heatmaps: Literal["one", "joints"] = "one"
    merge: Literal["heatmap", "features"] = "heatmap"
    auxiliary: float = Field(0.0, ge=0, le=1000)
    slope: float = Field(0.3, ge=0, le=1)
    sides: ClassVar[int] = 64
    predicts: ClassVar[str] = "coordinates"
    has_masks: ClassVar[bool] = True

    @property
    def learns_masks(self) -> bool:
        return self.attention != "none" and self.masks == "learned"

    def arguments(self, joints: int, size: tuple[int, int]) -> dict[str, Any]:
        return {
            "joints": joints,
            "input": size,
            "stacks": self.stacks,
            "shrink": self.shrink,
            "attention": self.attention,
            "masks": self.masks,
            "mask_width": self.mask_width,
            "heatmaps": 1 if self.heatmaps == "one" else joints,
            "merge": self.merge,
            "auxiliary": self.auxiliary > 0,
            "slope": self.slope,
        }

    def idle(self) -> set[str]:
        keys = {"merge"} if self.stacks == 1 else set()
        if self.attention != "global":
            keys.add("mask_width")
        return keys | ({"masks"} if self.attention == "none" else set())


NETWORKS = HRNetOptions | ResNetOptions | HourglassOptions | AcnnOptions | MrnOptions
