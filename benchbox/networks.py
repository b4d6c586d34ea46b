"""The networks that have a name: what each is made of, where it is listed, and what was printed of it (networks.toml).

Torch-free.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchbox.config import JobConfig
from benchbox.errors import InvalidInput, nearest

FILE = Path(__file__).with_name("networks.toml")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Listing(_Part):
    """A network at one input: the data set whose joints it has, (height, width) in pixels, figures as printed.

    parameters and gflops are empty where nobody prints them; notes are keys of the file's notes.
    """

    dataset: str
    input: tuple[int, int] = Field(strict=False)
    parameters: str = ""
    gflops: str = ""
    notes: tuple[str, ...] = Field((), strict=False)


class Network(_Part):
    """A network: its table of options as a study would write it, and the inputs at which it is listed."""

    name: str
    source: str
    model: dict[str, Any]
    listed: tuple[Listing, ...] = Field(strict=False)

    def job(self, dataset: str, size: tuple[int, int]) -> JobConfig:
        """Return a job with this network: its data set gives the joints, `size` is its input (height, width).

        Raises: InvalidInput for an input that the network cannot take.
        """
        values = {"dataset": {"name": dataset, "input": size}, "model": self.model}
        try:
            return JobConfig.model_validate(values)
        except ValidationError as problem:
            said = problem.errors()[0]["msg"].removeprefix("Value error, ").removeprefix("dataset.input: ")
            raise InvalidInput(f"{self.name} at {size[0]}x{size[1]}: {said}") from None


class _Catalogue(_Part):
    sources: dict[str, str]
    notes: dict[str, str]
    networks: tuple[Network, ...] = Field(strict=False)


def networks(names: Sequence[str] = ()) -> list[Network]:
    """List the networks of these names, each once, in the order asked for; all, in the file's order, without names.

    Raises: InvalidInput for a name that no network has.
    """
    known = {network.name: network for network in _catalogue().networks}
    for name in names:
        if name not in known:
            raise InvalidInput(f"{name}: unknown network{nearest(name, known)}")
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def source_of(network: Network) -> str:
    """Say where a network and its printed figures come from."""
    return _catalogue().sources[network.source]


def note_of(key: str) -> str:
    """Return a note in full."""
    return _catalogue().notes[key]


@cache
def _catalogue() -> _Catalogue:
    return _Catalogue.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
