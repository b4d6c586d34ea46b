"""Options of attention: which module, and at which of a backbone's places it sits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchbox.options.base import Options

HRNET_PLACES = tuple((stage, branch) for stage in (1, 2, 3) for branch in range(1, stage + 2))
"""The nine (stage, sub-network) places behind HRNet's transitions (efficient-hrnet, Table I; one-based)."""
RESNET_BLOCKS = (1, 2, 3, 4)
"""A ResNet's four blocks of residual units; attention sits behind them (efficient-sam, 3.1; one-based)."""
MAX_STACKS = 8

Numbers = Annotated[tuple[int, ...], Field(strict=False)]


class Attend(Options):
    """Where attention sits: the union of all that is named.

    sub_networks: whole ones, 1 to 4. stages: whole ones, 1 to 3. places: single ones, each [stage, sub-network].
    """

    sub_networks: Numbers = ()
    stages: Numbers = ()
    places: Annotated[tuple[Annotated[tuple[int, int], Field(strict=False)], ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _exists(self) -> Attend:
        _known("sub-network", self.sub_networks, range(1, 5))
        _known("stage", self.stages, range(1, 4))
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


class AttendBlocks(Options):
    """Behind which of a ResNet's four blocks attention sits.

    blocks: 1 to 4.
    """

    blocks: Numbers = RESNET_BLOCKS

    @model_validator(mode="after")
    def _exists(self) -> AttendBlocks:
        _known("block", self.blocks, RESNET_BLOCKS)
        return self


class AttendStacks(Options):
    """Behind which hourglasses of a stack attention sits.

    stacks: counted from 1.
    """

    stacks: Numbers = ()

    @model_validator(mode="after")
    def _exists(self) -> AttendStacks:
        _known("stack", self.stacks, range(1, MAX_STACKS + 1))
        return self


def _known(what: str, asked: tuple[int, ...], known: Any) -> None:
    for number in asked:
        if number not in known:
            raise ValueError(f"no {what} {number} to attend to; known: {', '.join(map(str, known))}")


CHANNELS, POSITIONS = {"reduction"}, {"sam_kernel", "sam_width", "sam_gate"}
USED: dict[str, set[str]] = {
    "none": set(),
    "cam": CHANNELS,
    "sam": POSITIONS,
    "am": CHANNELS | POSITIONS,
    "se": CHANNELS,
    "cbam": CHANNELS,
}
"""The keys that modules use; those of a module that is not here all count, as its job's id tells them."""


class AttentionOptions(Options):
    """An attention module; `attend`, its places, is the backbone's own.

    attention: which module. reduction: channels over hidden channels of channel attention. sam_kernel: convolutions of
    spatial attention, one after another (+) or side by side (//). sam_width: 0 convolves the channels' mean, n maps the
    channels to n first. sam_gate: where they are mapped, one weight a position, or one for every channel of it.
    """

    attention: Literal["none", "cam", "sam", "am", "se", "cbam"] = "none"
    reduction: int = Field(16, ge=1, le=256)
    sam_kernel: Literal["7x7", "3x3+3x3", "3x3//3x3"] = "3x3+3x3"
    sam_width: int = Field(0, ge=0, le=1024)
    sam_gate: Literal["positions", "channels"] = "positions"

    def places(self) -> tuple[Any, ...]:
        """List the places that hold a module, sorted, each once: none without a kind of attention."""
        raise NotImplementedError

    def module(self) -> dict[str, Any]:
        """Return the keywords of the module's maker."""
        return {
            "reduction": self.reduction,
            "sam_kernel": self.sam_kernel,
            "sam_width": self.sam_width,
            "sam_gate": self.sam_gate,
        }

    def idle(self) -> set[str]:
        """Name the keys that have no effect."""
        keys = {"attend"}
        if not self.places():
            return keys | {"attention", *self.module()}
        keys |= self.module().keys() - USED.get(self.attention, self.module().keys())
        if self.attention in USED and self.sam_width == 0:
            keys.add("sam_gate")
        return keys
