"""Read a paper's TOML: the cells it prints, which arms answer its rows, its claims, and what does not add up.

name = "efficient-hrnet"                     the file's name
title = "..."
[references]                                 what the numbers of cited rows stand for, where the paper tells
17 = "Sun et al. 2019, HRNet"

[[tables]]                                   one for each table, in the paper's order
id = "II"                                    as printed
title, about = "..."                         its caption; under which protocol, and what the paper does not tell
study = "hrnet_coco"                         ablations/hrnet_coco.toml, whose arms answer the rows
split = "COCO val2017"                       as far as the paper tells
protocol = "coco-kp/det-56.4/flip"           by which the printed scores are taken to be made
unknown = ["boxes"]                          what of that is assumed
not_comparable = "split: ..."                (optional) why no score of the table can be reproduced
columns = [                                  as printed and in that order; those without a metric are labels
    { key = "method", heading = "Method" },
    { key = "parameters", heading = "#Param", metric = "parameters" },     counted, not trained
    { key = "head", heading = "Head", metric = "PCKh", group = "pair:Head" },
]
rows = [                                     every cell letter by letter, "" where nothing is printed
    { key = "w32", cited = 17, arm = "HRNet-W32, baseline", printed = ["HRNetBaseline [17]", "28.5M", "74.4"] },
]                                            also: study (another than the table's), group (a rule is drawn
                                             between groups), not_comparable (as above, of one row)
[[claims]]                                   a sentence with a number in it, or an order
key, place, quote = "..."                    place: the section; quote: letter by letter
checks = ["'II/our-w32/AP' - 'II/w32/AP' == 1.3"]                          see `formula`

[[errata]]                                   what cannot be, or contradicts itself
key, text = "..."
cells = ["II/r152/*"]                        the cells it is a footnote of (* is anything), and
claims = ["gains"]                           the claims; of neither: place = "III.A"
"""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from benchbox.errors import InvalidInput, nearest
from benchbox.papers import formula

FOLDER = Path(__file__).parent
COUNTED = ("parameters", "macs", "field_gflops")
"""Metrics that need no training."""
KEY = r"^[A-Za-z0-9][A-Za-z0-9.-]*$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PaperColumn(_Part):
    """A column as printed: a label, or a metric of runs or scores."""

    key: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    heading: str
    metric: str = ""
    group: str = "all"

    @property
    def counted(self) -> bool:
        return self.metric in COUNTED


class PaperRow(_Part):
    """A row as printed, cell by cell, and the arm that answers it."""

    key: str = Field(pattern=KEY)
    printed: list[str]
    study: str = ""
    arm: str = ""
    cited: int | None = None
    group: str = ""
    not_comparable: str = ""


class PaperTable(_Part):
    """One table of a paper."""

    id: str = Field(pattern=KEY)
    title: str
    study: str
    split: str
    protocol: str
    about: str
    unknown: list[str] = []
    not_comparable: str = ""
    columns: list[PaperColumn]
    rows: list[PaperRow]

    @model_validator(mode="after")
    def _whole(self) -> PaperTable:
        for part, keys in (("columns", [one.key for one in self.columns]), ("rows", [one.key for one in self.rows])):
            twice = [key for key in keys if keys.count(key) > 1]
            if twice:
                raise ValueError(f'{part}: "{twice[0]}" stands twice')
        for row in self.rows:
            if len(row.printed) != len(self.columns):
                raise ValueError(f'rows: "{row.key}" has {len(row.printed)} cells for {len(self.columns)} columns')
            for column in self.columns:
                text = self.text(row, column)
                if column.metric and text not in ("", "-"):
                    formula.printed(text)
        return self

    def row(self, key: str) -> PaperRow:
        """Return a row by its key or its arm's name.

        Raises: InvalidInput naming the nearest.
        """
        for row in self.rows:
            if key in (row.key, row.arm):
                return row
        raise InvalidInput(f"table {self.id}: no row {key}{nearest(key, [row.key for row in self.rows])}")

    def column(self, key: str) -> PaperColumn:
        """Return a column by its key or heading.

        Raises: InvalidInput naming the nearest.
        """
        for column in self.columns:
            if key in (column.key, column.heading):
                return column
        raise InvalidInput(f"table {self.id}: no column {key}{nearest(key, [one.key for one in self.columns])}")

    def text(self, row: PaperRow, column: PaperColumn) -> str:
        """Return a cell as printed."""
        return row.printed[self.columns.index(column)]

    def study_of(self, row: PaperRow) -> str:
        """Return the name of the study whose arm answers a row."""
        return row.study or self.study


class Claim(_Part):
    """A sentence of the paper and what it says of the cells."""

    key: str = Field(pattern=KEY)
    place: str
    quote: str
    checks: list[str] = Field(min_length=1)

    @field_validator("checks")
    @classmethod
    def _readable(cls, checks: list[str]) -> list[str]:
        for text in checks:
            formula.parse(text)
        return checks


class Erratum(_Part):
    """What cannot be, or contradicts itself, and where."""

    key: str = Field(pattern=KEY)
    text: str
    cells: list[str] = []
    claims: list[str] = []
    place: str = ""

    def on(self, address: str) -> bool:
        """Tell whether it is about a cell."""
        return any(fnmatch.fnmatchcase(address, pattern) for pattern in self.cells)


class Paper(_Part):
    """One paper: what it is called, its tables and claims, and what in them does not add up."""

    name: str
    title: str
    references: dict[str, str] = {}
    tables: list[PaperTable] = Field(min_length=1)
    claims: list[Claim] = []
    errata: list[Erratum] = []

    @model_validator(mode="after")
    def _tied(self) -> Paper:
        known = self.addresses()
        for claim in self.claims:
            for address in [name for text in claim.checks for name in formula.parse(text).cells]:
                if address not in known:
                    raise ValueError(f'claims: "{claim.key}": no number at {address}{nearest(address, known)}')
        keys = [claim.key for claim in self.claims]
        for erratum in self.errata:
            for pattern in erratum.cells:
                if not fnmatch.filter(known, pattern):
                    raise ValueError(f'errata: "{erratum.key}": {pattern}: no such cell{nearest(pattern, known)}')
            for key in erratum.claims:
                if key not in keys:
                    raise ValueError(f'errata: "{erratum.key}": no claim {key}{nearest(key, keys)}')
            if not (erratum.cells or erratum.claims or erratum.place):
                raise ValueError(f'errata: "{erratum.key}": needs cells, claims or a place')
        return self

    def addresses(self) -> list[str]:
        """List the cells that hold a number, as TABLE/ROW/COLUMN."""
        return [
            f"{table.id}/{row.key}/{column.key}"
            for table in self.tables
            for row in table.rows
            for column in table.columns
            if column.metric and table.text(row, column) not in ("", "-")
        ]

    def table(self, id: str) -> PaperTable:
        """Return a table by its id.

        Raises: InvalidInput naming those there are.
        """
        for table in self.tables:
            if table.id == id:
                return table
        raise InvalidInput(f"{self.name}: no table {id}{nearest(id, [table.id for table in self.tables])}")

    def at(self, address: str) -> tuple[PaperTable, PaperRow, PaperColumn]:
        """Return where a cell stands."""
        table, row, column = address.split("/")
        found = self.table(table)
        return found, found.row(row), found.column(column)


def names() -> list[str]:
    """List the papers there are."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def read(name: str) -> Paper:
    """Read one paper by name.

    Raises: InvalidInput for an unknown name or a broken file.
    """
    if name not in names():
        raise InvalidInput(f"--paper {name}: unknown paper{nearest(name, names())}")
    return read_file(FOLDER / f"{name}.toml")


def read_file(file: Path) -> Paper:
    """Read one paper's file.

    Raises: InvalidInput with the file, the line and the key that is wrong.
    """
    text = file.read_text(encoding="utf-8")
    try:
        document: dict[str, Any] = tomllib.loads(text)
        paper = Paper.model_validate(document)
    except tomllib.TOMLDecodeError as problem:
        raise InvalidInput(f"{file}: {problem}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        line = _line(text, first["loc"])
        key = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{file}{f':{line}' if line else ''}: {key + ': ' if key else ''}{message}") from None
    if paper.name != file.stem:
        raise InvalidInput(f'{file}: name: "{paper.name}" is not the file\'s')
    return paper


def _line(text: str, place: tuple[int | str, ...]) -> int:
    """Return the line of a table of an array, of a key in it, or of an entry of such a key's array; 0 if unknown."""
    lines = [line.strip() for line in text.splitlines()]
    heads = [number for number, line in enumerate(lines) if line == f"[[{place[0]}]]"] if place else []
    if len(place) < 2 or not isinstance(place[1], int) or place[1] >= len(heads):
        return 0
    found, rest = heads[place[1]], place[2:]
    for number, line in enumerate(lines[found:], start=found) if rest else ():
        if line.partition("=")[0].strip() == rest[0]:
            entries = [later for later in range(number, len(lines)) if lines[later].startswith("{")]
            inside = len(rest) > 1 and isinstance(rest[1], int) and line.endswith("[")
            return (entries[int(rest[1])] if inside else number) + 1
        if number > found and line.startswith("[["):
            break
    return found + 1
