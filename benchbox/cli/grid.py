"""One list of rows in every format: rich on a terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbox.console import data, plain
from benchbox.errors import InvalidInput, nearest

FORMATS = ("rich", "md", "latex", "csv", "json")
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


@dataclass(frozen=True)
class Column:
    """A column: the rows' key, its heading, its side, and how a value reads."""

    key: str
    heading: str
    right: bool = False
    show: Callable[[Any], str] = str


def emit(
    format: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    meta: Mapping[str, Any],
    footnotes: Sequence[str] = (),
) -> None:
    """Print rows to stdout; `meta` goes into the JSON beside them.

    Raises: InvalidInput for an unknown format.
    """
    if format not in FORMATS:
        raise InvalidInput(f"--format {format}: unknown{nearest(format, FORMATS)}")
    if format == "json":
        record = {**meta, "title": title, "rows": list(rows), "footnotes": list(footnotes)}
        data(json.dumps(record, indent=1, ensure_ascii=False))
        return
    texts = [[_text(column, row) for column in columns] for row in rows]
    if format == "csv":
        data(_csv(columns, rows))
    elif format == "md":
        data(_markdown(title, columns, texts, footnotes))
    elif format == "latex":
        data(_latex(title, columns, texts, footnotes))
    else:
        _rich(title, columns, texts, footnotes)


def _text(column: Column, row: Mapping[str, Any]) -> str:
    value = row.get(column.key)
    return "" if value is None else plain(column.show(value))


def _csv(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([_csv_value(row.get(column.key)) for column in columns])
    return out.getvalue().rstrip("\n")


def _csv_value(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula and no terminal for a command."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t") or (text[:1] == "-" and len(text) > 1) else text


def _markdown(title: str, columns: Sequence[Column], texts: list[list[str]], footnotes: Sequence[str]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_escape_markdown(cell) for cell in cells) + " |"

    rule = "| " + " | ".join("---:" if column.right else "---" for column in columns) + " |"
    body = [line([column.heading for column in columns]), rule, *map(line, texts)]
    notes = [f"\n{_escape_markdown(note)}" for note in footnotes]
    return "\n".join([f"**{_escape_markdown(title)}**\n", *body, *notes])


def _escape_markdown(text: str) -> str:
    for character in "\\|<>*_`[]":
        text = text.replace(
            character, "\\" + character if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character]
        )
    return text.replace("\n", " ")


def _latex(title: str, columns: Sequence[Column], texts: list[list[str]], footnotes: Sequence[str]) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join(_escape_latex(cell) for cell in cells) + r" \\"

    sides = "".join("r" if column.right else "l" for column in columns)
    head = [rf"% {plain(title).replace(chr(10), ' ')}", rf"\begin{{tabular}}{{{sides}}}", r"\toprule"]
    body = [line([column.heading for column in columns]), r"\midrule", *map(line, texts)]
    return "\n".join([*head, *body, r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in footnotes)])


def _escape_latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


def _rich(title: str, columns: Sequence[Column], texts: list[list[str]], footnotes: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=Text(plain(title)), box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        grid.add_column(Text(column.heading), justify="right" if column.right else "left", overflow="fold")
    for row in texts:
        grid.add_row(*map(Text, row))
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", 160))
    console = Console(width=width, highlight=False)
    console.print(grid)
    for note in footnotes:
        console.print(Text(plain(note)))
