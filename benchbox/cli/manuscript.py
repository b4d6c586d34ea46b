"""What a manuscript has of our tables: their comments, headings and rows, and the notes below them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
INPUT = re.compile(r"\\(?:input|include)\s*\{([^{}\x00]+)\}|\\input\s+([^\s{}\\\x00]+)")
MAX_BYTES, MAX_DEPTH = 20_000_000, 15
"""Of all files together; and how deep files may input others, as LaTeX lets them."""
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
    """A table of ours: the main file's folder, its comment and what that says, headings if found, rows and notes."""

    folder: Path
    place: Place
    comment: Mapping[str, Any]
    headings: Row | None
    rows: Sequence[Row]
    notes: Sequence[tuple[Place, str]]


Line = tuple[Place, str]


@dataclass
class Manuscript:
    """The tables of some files and what those input, each read once; `remarks` tell what was not found.

    `strays` tell of tables that were ours and do not say any more what they were made from.
    """

    tables: list[Printed] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        """Read a file that was named.

        Raises: InvalidInput for what cannot be read, or a damaged comment.
        """
        if os.path.realpath(path) in self.sizes:
            return
        lines = list(self._lines(path, path.parent, 0))
        found = list(_tables(lines, path.parent))
        said = "a table of ours without the comment that says what it was made from; make it again"
        self.strays += [f"{place}: {said}" for place in _strays(lines)]
        self.tables += found
        if not found:
            self.remarks.append(f"{path}: no table of benchbox table --format latex")

    def _lines(self, path: Path, folder: Path, depth: int) -> Iterator[Line]:
        """Yield a file's lines, and behind one that inputs a file that file's; LaTeX names it from the main folder."""
        text = _text(path)
        self.sizes[os.path.realpath(path)] = len(text)
        if depth > MAX_DEPTH or sum(self.sizes.values()) > MAX_BYTES:
            raise InvalidInput(
                f"{path}: more than {MAX_BYTES:,} bytes or {MAX_DEPTH} levels of \\input; verify fewer files at once"
            )
        for number, line in enumerate(text.splitlines(), start=1):
            place, shown = Place(path, number), REMARK.sub("", line)
            names = [braced or bare for braced, bare in INPUT.findall(shown)]
            yield place, INPUT.sub("", shown) if names else line
            for name in names:
                other = _input(folder, name.strip(' "'))
                if other is None:
                    self.remarks.append(f"{place}: {name}: no such file in {folder}, so not compared")
                elif os.path.realpath(other) not in self.sizes:
                    yield from self._lines(other, folder, depth + 1)


def _input(folder: Path, name: str) -> Path | None:
    """Return the file that LaTeX would input."""
    names = [name] if name.endswith(".tex") else [f"{name}.tex", name]
    paths = [folder / one for one in names]
    return next((path for path in paths if os.path.exists(path) and not path.is_dir()), None)


def _text(path: Path) -> str:
    try:
        refuse_special(path, MAX_BYTES)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; give its path") from None
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{path}: is not text (UTF-8), so no manuscript; verify reads LaTeX with tables of benchbox table"
        ) from None
    except OSError as problem:
        raise InvalidInput(f"{path}: cannot be read: {problem.strerror}") from None


def _tables(lines: Sequence[Line], folder: Path) -> Iterator[Printed]:
    starts = [number for number, (_, text) in enumerate(lines) if COMMENT.match(text)]
    for start, end in pairwise([*starts, len(lines)]):
        place, text = lines[start]
        comment = _comment(place, text)
        part = lines[start + 1 : end]
        stop = next((number for number, (_, text) in enumerate(part) if END in text), len(part))
        headings, rows = _split(part[:stop], len(comment["columns"]))
        notes = list(_notes(part[stop : stop + NOTES_WITHIN]))
        yield Printed(folder, place, comment, headings, rows, notes)


def _strays(lines: Sequence[Line]) -> Iterator[Place]:
    """Yield the first row of each tabular that has comments on its rows and none above."""
    known = False
    for place, text in lines:
        if COMMENT.match(text):
            known = True
        elif ROW.match(text) and not known:
            known = True
            yield place
        elif END in text:
            known = False


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
        if BEGIN in line or line.lstrip().startswith("%"):
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
