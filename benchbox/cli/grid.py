"""Lists of rows in every format: rich on a terminal, Markdown, LaTeX, CSV, JSON, HTML."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from benchbox.cli.markup import Column, Sheet, as_csv, as_html, as_latex, as_markdown
from benchbox.console import CONTROL, data, plain, stop_unread
from benchbox.errors import InvalidInput, nearest

if TYPE_CHECKING:
    from rich.table import Table

    from benchbox.cli.fitting import Fit

STYLES = {"best": "bold", "second": "underline", "": ""}
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
        console.print(Text(plain(sheet.title), style="italic"))
        for part in _turned(sheet, console.width) or _blocks(sheet):
            console.print(part)
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
    from rich.text import Text

    from benchbox.cli.fitting import wrapped

    left = len(sheet.columns) - len(fit.widths)
    columns = sheet.columns[left:]
    grid = _grid(fit, sheet.headings()[left:], [column.right for column in columns])
    texts = sheet.texts()
    for place in rows:
        if place in sheet.look.rules:
            grid.add_section()
        cells = zip(texts[place][left:], columns, fit.widths, strict=True)
        grid.add_row(
            *(Text(wrapped(text, width), STYLES[sheet.look.of(place, column)]) for text, column, width in cells)
        )
    return grid


def _turned(sheet: Sheet, width: int) -> list[Table]:
    """Lay out a table of numbers with its rows side by side, as many as fit; none where not even two do.

    A table of texts is not turned: paragraphs side by side are harder to read than one below the other.
    """
    from rich.text import Text

    from benchbox.cli.fitting import Texts, fitted, wrapped

    rows = list(_whole_rows(sheet.texts()))
    lines = [place for place in range(1, len(sheet.columns)) if any(row[place] for row in rows)]
    if 2 * sum(column.right for column in sheet.columns) <= len(sheet.columns) or len(rows) < 2:
        return []
    labels = Texts(sheet.headings()[0], [sheet.headings()[place] for place in lines], "texts")
    turned = [Texts(row[0], [row[place] for place in lines], "numbers") for row in rows]
    found = next(
        (
            list(zip(parts, fits, strict=True))
            for parts in _parts(sheet.texts())
            if all(fits := [fitted([labels, *(turned[row] for row in part)], width) for part in parts])
        ),
        [],
    )
    grids = []
    for part, fit in found:
        assert fit is not None
        grid = _grid(fit, [labels.heading, *(rows[row][0] for row in part)], [False] + [True] * len(part))
        for label, place in zip(labels.cells, lines, strict=True):
            styles = ["dim", *(STYLES[sheet.look.of(row, sheet.columns[place])] for row in part)]
            cells = zip([label, *(rows[row][place] for row in part)], fit.widths, styles, strict=True)
            grid.add_row(*(Text(wrapped(text, room), style) for text, room, style in cells))
        grids.append(grid)
    return grids


def _parts(rows: Sequence[Sequence[str]]) -> Iterator[list[list[int]]]:
    """Yield ways to part rows, from all in one to the fewest that still stand beside another, about equally many each.

    A row that goes on with the one before stays beside it.
    """
    whole: list[list[int]] = []
    for place, row in enumerate(rows):
        if row[0] or not whole:
            whole.append([])
        whole[-1].append(place)
    for size in dict.fromkeys(math.ceil(len(whole) / number) for number in range(1, len(whole) + 1)):
        starts = range(0, len(whole), size)
        parts = [[place for one in whole[start : start + size] for place in one] for start in starts]
        if len(parts[0]) > 1:
            yield parts


def _grid(fit: Fit, headings: Sequence[str], right: Sequence[bool]) -> Table:
    """Return a table without rows, whose columns have the widths of a fit."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from benchbox.cli.fitting import lines

    # the box itself has one blank between columns
    padding = (0, (fit.gap - 1) // 2 + (fit.gap - 1) % 2, 0, (fit.gap - 1) // 2)
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, padding=padding)
    for heading, width, at_right in zip(headings, fit.widths, right, strict=True):
        justify: Literal["left", "right"] = "right" if at_right else "left"
        grid.add_column(Text(lines(heading, width)), justify=justify, overflow="fold", width=width)
    return grid


def _blocks(sheet: Sheet) -> list[Table]:
    """Lay out rows one below the other."""
    keys = [column.key for column in sheet.columns]
    return [_block(keys, sheet.headings(), row) for row in _whole_rows(sheet.texts())]


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
