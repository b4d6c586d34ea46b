"""What stands on the page: texts, tables and pictures, in the order in which they are read. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Cell(NamedTuple):
    """A cell: its text, what a pointer that rests on it is told, whether it is "best" or "second", its verdict.

    Args: code: a command below the text. raised: the marks of notes behind it.
    """

    text: str
    title: str = ""
    mark: str = ""
    verdict: str = ""
    code: str = ""
    raised: str = ""


class Note(NamedTuple):
    """A note below a table, and the mark that cells refer to it by where there is one."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and whether it holds numbers."""

    heading: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table; its rows come in groups with a rule between them.

    Args: id: of the element, unique on the page.
    """

    id: str
    caption: str
    columns: Sequence[Column]
    groups: Sequence[Sequence[Sequence[Cell]]]
    notes: Sequence[Note] = ()


@dataclass(frozen=True)
class Command:
    """A command line, and what it does."""

    about: str
    code: str


@dataclass(frozen=True)
class Plot:
    """A figure of our own making.

    Args: svg: one element that needs nothing else; the only text of a page that is not escaped.
    """

    kind: str
    svg: str


@dataclass(frozen=True)
class Picture:
    """A person: the lines below the picture, and its PNG where there is one."""

    lines: Sequence[str]
    png: bytes = b""


@dataclass(frozen=True)
class Persons:
    """Persons that were predicted badly, by which arm, and why some have no picture."""

    about: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Section:
    """A study or a paper.

    Args:
        id: of the element, unique on the page.
        facts: names and what is to say of them.
        notes: what was left out, and what brings it back.
    """

    id: str
    title: str
    facts: Sequence[tuple[str, str]] = ()
    commands: Sequence[Command] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    persons: Persons | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """The whole page.

    Args:
        origin: tables of what made the results.
        commands: what makes the page again.
    """

    title: str
    studies: Sequence[Section]
    papers: Sequence[Section]
    origin: Sequence[Table]
    commands: Sequence[Command]
    version: str
