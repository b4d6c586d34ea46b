"""Lists of rows in every format: rich on a terminal, Markdown, LaTeX, CSV, JSON, HTML."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchbox.cli.markup import Column, Sheet, as_csv, as_html, as_latex, as_markdown
from benchbox.console import CONTROL, data, plain, stop_unread
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
            {**one.meta, "title": one.title, "rows": list(one.rows), "footnotes": list(map(str, one.footnotes))}
            for one in sheets
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

    class Output(Console):
        def on_broken_pipe(self) -> None:
            stop_unread()  # rich itself would end the process as if something had failed

    console = Output(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", 160)), highlight=False)
    rows = sheet.texts()
    columns = [
        Texts(heading, [row[place] for row in rows], "numbers" if column.right else "texts")
        for place, (column, heading) in enumerate(zip(sheet.columns, sheet.headings(), strict=True))
    ]
    for shared in range(_texts_in_front(sheet) if rows else 0):  # headings alone tell nothing
        groups = _groups(rows, shared)
        fit = fitted(columns[shared:], console.width) if 2 * len(groups) <= len(rows) or not shared else None
        if fit:
            for start, end in groups:
                same = ", ".join(f"{columns[place].heading} {rows[start][place]}" for place in range(shared))
                title = plain(sheet.title) if not start else ""
                console.print(Text("\n".join(filter(None, (title, same))), style="italic"))
                console.print(_table(sheet, fit, range(start, end)))
            break
    else:
        console.print(Text(plain(sheet.title), style="italic"), "")
        for row in _whole_rows(rows):
            console.print(_block([column.key for column in sheet.columns], sheet.headings(), row))
    for note in sheet.notes():
        console.print(Text(note), soft_wrap=note.startswith("$ "))  # a command is copied as it stands


def _texts_in_front(sheet: Sheet) -> int:
    """Return how many columns before the last one are texts and have no number before them; at least one."""
    kinds = [column.right for column in sheet.columns[:-1]]
    return max(kinds.index(True) if True in kinds else len(kinds), 1)


def _groups(rows: Sequence[Sequence[str]], shared: int) -> list[tuple[int, int]]:
    """Return where rows begin and end that follow each other and agree in so many columns."""
    starts = [place for place in range(len(rows)) if not place or rows[place][:shared] != rows[place - 1][:shared]]
    return list(zip(starts, [*starts[1:], len(rows)], strict=True)) if shared else [(0, len(rows))]


def _whole_rows(rows: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Yield rows of which those that go on with the one before begin as it did."""
    first = ""
    for row in rows:
        first = row[0] or first
        yield [first, *row[1:]]


def _table(sheet: Sheet, fit: Fit, rows: range) -> Table:
    """Lay out some rows of a table without its first columns, as many as have no width."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from benchbox.cli.fitting import lines, wrapped

    styles = {"best": "bold", "second": "underline", "": ""}
    # the box itself has one blank between columns
    padding = (0, (fit.gap - 1) // 2 + (fit.gap - 1) % 2, 0, (fit.gap - 1) // 2)
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, padding=padding)
    left = len(sheet.columns) - len(fit.widths)
    columns = sheet.columns[left:]
    for column, heading, width in zip(columns, sheet.headings()[left:], fit.widths, strict=True):
        text = Text(lines(heading, width))
        grid.add_column(text, justify="right" if column.right else "left", overflow="fold", width=width)
    texts = sheet.texts()
    for place in rows:
        if place in sheet.look.rules:
            grid.add_section()
        cells = zip(texts[place][left:], columns, fit.widths, strict=True)
        grid.add_row(
            *(Text(wrapped(text, width), styles[sheet.look.of(place, column)]) for text, column, width in cells)
        )
    return grid


def _block(keys: Sequence[str], headings: Sequence[str], row: Sequence[str]) -> Table:
    """Lay out a row from top to bottom, for a terminal that is too narrow for its columns side by side."""
    from rich.table import Table
    from rich.text import Text

    block = Table.grid(padding=(0, 2, 0, 0))
    for key, heading, text in zip(keys, headings, row, strict=True):
        if text:
            block.add_row(Text(heading or key, style="dim"), Text(text, overflow="fold"))
    block.add_row("", "")
    return block
