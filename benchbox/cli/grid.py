"""Lists of rows in every format: rich on a terminal, Markdown, LaTeX, CSV, JSON, HTML."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchbox.cli.markup import Column, Sheet, as_csv, as_html, as_latex, as_markdown
from benchbox.console import CONTROL, data, plain
from benchbox.errors import InvalidInput, nearest

if TYPE_CHECKING:
    from rich.table import Table

    from benchbox.cli.fitting import Fit

FORMATS = ("rich", "md", "latex", "csv", "json", "html")


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
    emit_sheets(format, [Sheet(title, columns, rows, meta, footnotes)], {})


def emit_sheets(format: str, sheets: Sequence[Sheet], meta: Mapping[str, Any]) -> None:
    """Print tables to stdout, several as one document.

    Args: meta: of the JSON around several tables.

    Raises: InvalidInput for an unknown format.
    """
    if format not in FORMATS:
        raise InvalidInput(f"--format {format}: unknown{nearest(format, FORMATS)}")
    if format == "rich":
        for sheet in sheets:
            _rich(sheet)
    else:
        data(as_text(format, sheets, meta))


def as_text(format: str, sheets: Sequence[Sheet], meta: Mapping[str, Any]) -> str:
    """Return tables as one document of a format that is no terminal's: md, latex, csv, json or html; see above."""
    if format == "json":
        records = [
            {**one.meta, "title": one.title, "rows": list(one.rows), "footnotes": list(one.footnotes)} for one in sheets
        ]
        text = json.dumps(records[0] if not meta else {**meta, "tables": records}, indent=1, ensure_ascii=False)
        return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if format == "html":
        return as_html(sheets)
    write = {"csv": as_csv, "md": as_markdown, "latex": as_latex}[format]
    return "\n\n".join(map(write, sheets))


def _rich(sheet: Sheet) -> None:
    from rich.console import Console
    from rich.text import Text

    from benchbox.cli.fitting import Texts, fitted

    console = Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", 160)), highlight=False)
    rows = sheet.texts()
    columns = [
        Texts(heading, [row[place] for row in rows], "numbers" if column.right else "texts")
        for place, (column, heading) in enumerate(zip(sheet.columns, sheet.headings(), strict=True))
    ]
    fit = fitted(columns, console.width)
    if fit:
        console.print(_table(sheet, fit))
    else:
        console.print(Text(plain(sheet.title), style="italic"), "")
        for row in rows:
            console.print(_block(sheet.headings(), row))
    for note in sheet.notes():
        console.print(Text(note))


def _table(sheet: Sheet, fit: Fit) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from benchbox.cli.fitting import lines

    styles = {"best": "bold", "second": "underline", "": ""}
    # the box itself has one blank between columns
    padding = (0, (fit.gap - 1) // 2 + (fit.gap - 1) % 2, 0, (fit.gap - 1) // 2)
    grid = Table(title=Text(plain(sheet.title)), box=SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=padding)
    for column, heading, width in zip(sheet.columns, sheet.headings(), fit.widths, strict=True):
        text = Text(lines(heading, width))
        grid.add_column(text, justify="right" if column.right else "left", overflow="fold", width=width)
    for place, row in enumerate(sheet.texts()):
        if place in sheet.look.rules:
            grid.add_section()
        cells = zip(row, sheet.columns, strict=True)
        grid.add_row(*(Text(text, style=styles[sheet.look.of(place, column)]) for text, column in cells))
    return grid


def _block(headings: Sequence[str], row: Sequence[str]) -> Table:
    """Lay out a row from top to bottom, for a terminal that is too narrow for its columns side by side."""
    from rich.table import Table
    from rich.text import Text

    block = Table.grid(padding=(0, 2, 0, 0))
    for heading, text in zip(headings, row, strict=True):
        if text:
            block.add_row(Text(heading, style="dim"), Text(text, overflow="fold"))
    block.add_row("", "")
    return block
