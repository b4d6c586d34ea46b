"""Lists of rows in every format: rich on a terminal, Markdown, LaTeX, CSV, JSON, HTML."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchbox.cli.markup import Column, Sheet, as_csv, as_html, as_latex, as_markdown
from benchbox.console import CONTROL, data, plain
from benchbox.errors import InvalidInput, nearest

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
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"best": "bold", "second": "underline", "": ""}
    grid = Table(title=Text(plain(sheet.title)), box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column, heading in zip(sheet.columns, sheet.headings(), strict=True):
        grid.add_column(Text(heading), justify="right" if column.right else "left", overflow="fold")
    for place, row in enumerate(sheet.texts()):
        if place in sheet.look.rules:
            grid.add_section()
        cells = zip(row, sheet.columns, strict=True)
        grid.add_row(*(Text(text, style=styles[sheet.look.of(place, column)]) for text, column in cells))
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", 160))
    console = Console(width=width, highlight=False)
    console.print(grid)
    for note in sheet.notes():
        console.print(Text(note))
