"""Read a paper's TOML: the cells it prints, how its rows select arms of a study, and its errata."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from benchbox.errors import InvalidInput, nearest

FOLDER = Path(__file__).parent


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PaperColumn(_Part):
    """A column as printed: a label, or a metric of runs or scores with its decimals (and millions for counts)."""

    key: str
    heading: str
    metric: bool = False
    decimals: int = 1
    millions: bool = False


class PaperRow(_Part):
    """A row as printed: its labels, its numbers letter by letter, and the arm of the study that answers it."""

    labels: dict[str, str]
    reported: dict[str, str]
    arm: str | None = None
    errata: list[str] = []


class PaperTable(_Part):
    """One table of a paper."""

    id: str
    title: str
    study: str
    about: str
    columns: list[PaperColumn]
    rows: list[PaperRow]


class Paper(_Part):
    """One paper: what it is called, its tables, and what in them does not add up."""

    name: str
    title: str
    tables: list[PaperTable]
    errata: dict[str, str] = {}


def names() -> list[str]:
    """List the papers there are."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def read(name: str) -> Paper:
    """Read one paper by name.

    Raises: InvalidInput for an unknown name or a broken file.
    """
    file = FOLDER / f"{name}.toml"
    if name not in names():
        raise InvalidInput(f"--paper {name}: unknown paper{nearest(name, names())}")
    try:
        document: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return Paper.model_validate(document)
    except (tomllib.TOMLDecodeError, ValidationError) as problem:
        raise InvalidInput(f"{file}: {str(problem).splitlines()[0]}") from None
