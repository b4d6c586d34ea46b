"""Options of the networks: one small class each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchbox.options.base import Digest, Options

HRNET_PLACES = tuple((stage, branch) for stage in (1, 2, 3) for branch in range(1, stage + 2))
"""The nine (stage, sub-network) places behind HRNet's transitions (efficient-hrnet, Table I; one-based)."""


class Weights(Options):
    """A file of weights to begin from; in a study a plain path stands for it. Relative to the study's folder.

    `digest`, the first 16 hex digits of the file's SHA-256, stands for it in the id; a study may state it to pin it.
    """

    path: str = Field("", max_length=4096)
    digest: Digest = ""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


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
    """HRNet with attention behind its transitions; every channel count is multiplied by `shrink`.

    colour: order of the channels that the network sees; official HRNet weights expect rgb.
    """

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
    weights: Weights = Weights()
    colour: Literal["rgb", "bgr"] = "rgb"

    @model_validator(mode="after")
    def _possible(self) -> HRNetOptions:
        if any(not 1 <= count <= 16 for count in self.modules):
            raise ValueError("modules must be three counts between 1 and 16")
        return self

    def blocks_of_attention(self) -> tuple[tuple[int, int], ...]:
        """List the places that hold an attention module: none without a kind of attention."""
        return self.attend.blocks() if self.attention != "none" else ()
