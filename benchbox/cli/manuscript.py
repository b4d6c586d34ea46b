"""What a manuscript has of our tables: their comments, headings and rows, and the notes below them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchbox.errors import InvalidInput
from benchbox.files import refuse_special

COMMENT = re.compile(r"\s*% benchbox: (\{.*\})\s*$")
REMARK = re.compile(r"(?<!\\)%.*")
RULE = (
    r"\s*\\(?:(?:top|mid|bottom|cmid|special)rule|hline|cline|addlinespace|rowcolor)(?![a-zA-Z])"
    r"(?:\([^()]*\)|\[[^\]]*\]|\{[^{}]*\})*"
)
RULES = re.compile(rf"(?:{RULE})+")
ROW = re.compile(r"(?P<cells>.*?)\s*\\\\\s*% row: (?P<key>\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\")\s*$")
ROW_END = re.compile(rf"\\\\(?:\*|\[[^\]]*\])?(?P<rules>(?:{RULE})*)\s*$")
SPLIT = re.compile(r"(?<!\\)&")
BEGIN, END = r"\begin{tabular", r"\end{tabular"
NOTE_END = re.compile(r"\\par(?![a-zA-Z])")
NOTES_END = re.compile(r"\\end\{minipage\}|\\begin\{tabular|\\(?:sub)*section(?![a-zA-Z])")
SETTING = re.compile(
    r"\\(?:begin|end)\{[^{}]*\}(?:\[[^\]]*\])?(?:\{[^{}]*\})*"
    r"|\\(?:footnotesize|scriptsize|small|noindent|smallskip|medskip|centering)(?![a-zA-Z])"
)
MAX_BYTES = 20_000_000
NOTES_WITHIN = 200
"""Lines behind a table in which its notes are looked for."""


@dataclass(frozen=True)
class Place:
    """A line of a file, counted from one."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Row:
    """A row of a table and where it begins; without a key where its comment is gone."""

    place: Place
    key: str
    cells: Sequence[str]


@dataclass(frozen=True)
class Printed:
    """A table of ours: its comment and what that says, its headings where they are found, rows and notes."""

    place: Place
    comment: Mapping[str, Any]
    headings: Row | None
    rows: Sequence[Row]
    notes: Sequence[tuple[Place, str]]


Line = tuple[Place, str]


def tables(path: Path) -> Iterator[Printed]:
    """Yield the tables of a manuscript.

    Raises: InvalidInput for what cannot be read, or a damaged comment.
    """
    lines = _lines(path)
    starts = [number for number, (_, text) in enumerate(lines) if COMMENT.match(text)]
    for start, end in pairwise([*starts, len(lines)]):
        place, text = lines[start]
        comment = _comment(place, text)
        part = lines[start + 1 : end]
        stop = next((number for number, (_, text) in enumerate(part) if END in text), len(part))
        headings, rows = _split(part[:stop], len(comment["columns"]))
        yield Printed(place, comment, headings, rows, list(_notes(part[stop : stop + NOTES_WITHIN])))


def _lines(path: Path) -> list[Line]:
    try:
        refuse_special(path, MAX_BYTES)
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{path}: is not text (UTF-8), so no manuscript; verify reads LaTeX with tables of benchbox table"
        ) from None
    except OSError as problem:
        raise InvalidInput(f"{path}: cannot be read: {problem.strerror}") from None
    return [(Place(path, number), line) for number, line in enumerate(lines, start=1)]


def _comment(place: Place, line: str) -> Mapping[str, Any]:
    found = COMMENT.match(line)
    try:
        comment = json.loads(found[1] if found else "")
        origin, columns = comment["origin"], comment["columns"]
        whole = isinstance(origin, dict) and isinstance(columns, list) and isinstance(comment["rows"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise InvalidInput(f"{place}: benchbox's comment is damaged; make the table again")
    return dict(comment)


def _split(lines: Sequence[Line], columns: int) -> tuple[Row | None, list[Row]]:
    """Return the headings and the rows: above the headings there may be some of several columns."""
    above: list[Row] = []
    rows: list[Row] = []
    for row, inside in _rows(lines, columns):
        (rows if inside else above).append(row)
    return next((row for row in reversed(above) if len(row.cells) == columns), None), rows


def _rows(lines: Sequence[Line], columns: int) -> Iterator[tuple[Row, bool]]:
    """Yield rows, whole also where they are wrapped, and whether they stand below the headings."""
    inside = False
    begun: list[Line] = []
    for place, line in lines:
        if BEGIN in line:
            begun = []
            continue
        found = ROW.match(line)
        text = found["cells"] if found else REMARK.sub("", line)
        if rules := RULES.match(text):
            inside, text = inside or r"\midrule" in rules[0], text[rules.end() :]
        ended = None if found else ROW_END.search(text)
        text = text[: ended.start()] if ended else text
        inside = inside or found is not None
        if found and len(SPLIT.split(text)) == columns and not text.lstrip().startswith("&"):
            yield from _without_key(begun, inside)
            begun = []
        if text.strip():
            begun.append((place, text.strip()))
        if found:
            cells = SPLIT.split(" ".join(text for _, text in begun))
            yield Row(begun[0][0] if begun else place, _key(found["key"]), cells), True
            begun = []
        elif ended:
            yield from _without_key(begun, inside)
            begun, inside = [], inside or r"\midrule" in ended["rules"]
    yield from _without_key(begun, inside)


def _without_key(lines: Sequence[Line], inside: bool) -> Iterator[tuple[Row, bool]]:
    cells = SPLIT.split(" ".join(text for _, text in lines))
    if len(cells) > 1:
        yield Row(lines[0][0], "", cells), inside


def _key(text: str) -> str:
    try:
        return str(json.loads(text))
    except (ValueError, RecursionError):
        return ""


def _notes(lines: Sequence[Line]) -> Iterator[tuple[Place, str]]:
    """Yield the paragraphs below a table, each in one line, from what begins with the table's end."""
    begun: list[Line] = []
    for number, (place, line) in enumerate(lines):
        text = REMARK.sub("", line if number else line.partition(END)[2].partition("}")[2])
        end = NOTES_END.search(text)
        pieces = NOTE_END.split(text[: end.start()] if end else text)
        for piece, more in zip(pieces, [True] * (len(pieces) - 1) + [False], strict=True):
            if words := SETTING.sub("", piece).split():
                begun.append((place, " ".join(words)))
            if begun and (more or end or not text.strip()):
                yield begun[0][0], " ".join(text for _, text in begun)
                begun = []
        if end:
            return
    if begun:
        yield begun[0][0], " ".join(text for _, text in begun)
