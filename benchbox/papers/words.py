"""Find tables, rows and columns of a paper by the words that a reader has before him."""

from __future__ import annotations

from benchbox.errors import InvalidInput, nearest
from benchbox.papers.read import Paper, PaperColumn, PaperRow, PaperTable


def find_table(paper: Paper, name: str) -> PaperTable:
    """Return a table by its id, as "I", "i" or "Table I".

    Raises: InvalidInput naming those there are.
    """
    asked = _plain(name).removeprefix("table ")
    return next((table for table in paper.tables if _plain(table.id) == asked), None) or paper.table(name)


def find_row(table: PaperTable, name: str) -> PaperRow:
    """Return a row by its key, its arm's name, words that are printed in it, or a part that no other has.

    Raises: InvalidInput naming the nearest, or the keys of several that have it.
    """
    asked = _plain(name)
    words = [(row, [_plain(word) for word in _words(table, row)]) for row in table.rows]
    found = [row for row in table.rows if name in (row.key, row.arm)][:1]
    found = found or [row for row, some in words if asked in some]
    found = found or [row for row, some in words if asked and any(asked in word for word in some)]
    if len(found) == 1:
        return found[0]
    keys = ", ".join(row.key for row in found or table.rows)
    if found:
        raise InvalidInput(f"table {table.id}: {name} stands in several rows; give one of {keys}")
    hint = nearest(name, {word for row in table.rows for word in _words(table, row)} - {""})
    raise InvalidInput(f"table {table.id}: no row {name}{hint if 'did you mean' in hint else f'; known: {keys}'}")


def find_column(table: PaperTable, name: str) -> PaperColumn:
    """Return a column by its key or heading, in letters of either case.

    Raises: InvalidInput naming the nearest.
    """
    asked = _plain(name)
    alike = (column for column in table.columns if asked in (_plain(column.key), _plain(column.heading)))
    exact = (column for column in table.columns if name in (column.key, column.heading))
    return next(exact, None) or next(alike, None) or table.column(name)


def _words(table: PaperTable, row: PaperRow) -> list[str]:
    """Return what a row is called: its key, its arm, each label that is printed in it, and all of them."""
    labels = [table.text(row, column) for column in table.columns if not column.metric]
    return [row.key, row.arm, *labels, " ".join(labels)]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
