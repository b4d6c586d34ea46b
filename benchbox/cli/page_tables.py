"""Tables for the page: laid-out ones with their marks and verdicts, and lists of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchbox.page.content import Cell, Column, Note, Table
from benchbox.report.layout import Layout, ranks

EMPTY = Cell("")


def study_table(id: str, layout: Layout) -> Table:
    """Return the table of a study, or one by group: with the number of seeds, the best and second of what is done."""
    marks: list[dict[str, str]] = [{} for _ in layout.records]
    scores = list(layout.records[0]["cells"]) if layout.records else []
    for key in scores:
        values = {
            place: round(record["cells"][key]["measured"], 1)
            for place, record in enumerate(layout.records)
            if record["state"] in ("done", "saved") and record["cells"][key]["measured"] is not None
        }
        for place, word in ranks(values).items():
            marks[place][key] = word
    rows = []
    for text, record, mark, raised in zip(layout.texts, layout.records, marks, layout.marks, strict=True):
        cells = record["cells"]
        row = []
        for column in layout.columns:
            shown, cell = text.get(column.key, ""), cells.get(column.key)
            seeds = f" (n {cell['n']})" if cell and cell["n"] > 1 else ""
            behind = ",".join(raised.get(column.key, ()))
            row.append(Cell(shown + seeds, mark=mark.get(column.key, ""), raised=behind) if shown else EMPTY)
        rows.append(row)
    return _table(id, layout, rows)


def paper_table(id: str, layout: Layout) -> Table:
    """Return a table of a paper, laid out wide: below what was measured or counted stands the verdict."""
    rows = []
    for text, record, look, raised in zip(layout.texts, layout.records, layout.looks, layout.marks, strict=True):
        row = []
        for column in layout.columns:
            if column.detail:
                continue
            key, _, kind = column.key.rpartition(" ")
            cell = record["cells"].get(key, {}) if kind in ("measured", "counted") else {}
            row.append(
                Cell(
                    text.get(column.key, ""),
                    title=cell.get("why") or "",
                    mark=look.get(column.key, ""),
                    verdict=cell.get("verdict") or "",
                    raised=",".join(raised.get(column.key, ())),
                )
            )
        rows.append(row)
    return _table(id, layout, rows)


def claims_table(id: str, layout: Layout) -> Table:
    """Return the claims of a paper; each row repeats its sentence, so that rows may be sorted."""
    rows: list[list[Cell]] = []
    before: Mapping[str, str] = {}
    behind: Sequence[str] = ()
    for text, raised in zip(layout.texts, layout.marks, strict=True):
        behind = raised["quote"] if "quote" in text else behind
        before = {key: before.get(key, "") for key in ("place", "quote")} | text
        marks = {"quote": ",".join(behind)}
        rows.append([Cell(before.get(one.key, ""), raised=marks.get(one.key, "")) for one in layout.columns])
    return _table(id, layout, rows)


def plain_table(
    id: str, caption: str, columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str | Cell]]
) -> Table:
    """Return a table of texts.

    Args: columns: headings, and whether they are of numbers.
    """
    cells = [[one if isinstance(one, Cell) else Cell(one) for one in row] for row in rows]
    return Table(id, caption, [Column(*column) for column in columns], [cells])


def number(value: Any, decimals: int = 0, scale: float = 1.0) -> str:
    """Spell a number that may be missing (None or NaN)."""
    return "" if value is None or value != value else f"{value * scale:.{decimals}f}"


def word(value: Any) -> str:
    """Return a text that may be missing (None or NaN)."""
    return value if isinstance(value, str) else ""


def _table(id: str, layout: Layout, rows: Sequence[Sequence[Cell]]) -> Table:
    columns = [Column(column.heading, column.right) for column in layout.columns if not column.detail]
    starts = [0, *layout.rules, len(rows)]
    groups = [rows[start:end] for start, end in pairwise(starts) if end > start]
    notes = [Note(note) if isinstance(note, str) else Note(*note) for note in layout.footnotes]
    return Table(id, layout.title, columns, groups, notes)
