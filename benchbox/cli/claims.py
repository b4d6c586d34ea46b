"""The verb that checks what papers say of their results."""

from __future__ import annotations

from pathlib import Path

from benchbox.cli.differences import How, compared
from benchbox.cli.grid import emit_sheets
from benchbox.cli.papers import filled_tables
from benchbox.cli.tables import sheet
from benchbox.errors import CANNOT_JUDGE, OK
from benchbox.papers import read as papers
from benchbox.papers.read import Paper
from benchbox.report.cells import Cell, Filled
from benchbox.report.claims import Gap, cells_by_address, claims_table, comparable_pairs


def claims(name: str, scale: str | None, strict: bool, results: Path, format: str) -> int:
    """Print a paper's claims, checked on its own tables and on what was measured."""
    paper = papers.read(name)
    tables = filled_tables(paper, paper.tables, scale, results)
    layout = claims_table(paper, tables, gaps(paper, tables, results))
    emit_sheets(format, [sheet(layout, format)], {})
    return CANNOT_JUDGE if strict and layout.missing else OK


def gaps(paper: Paper, tables: list[Filled], results: Path) -> dict[tuple[str, str], Gap]:
    """Compare the pairs of cells that decide claims, each by its own protocol, metric and group."""
    cells = cells_by_address(tables)
    pairs = comparable_pairs(paper, cells)
    if not pairs:
        return {}
    columns = {pair: paper.at(pair[0])[2] for pair in pairs}
    kinds = tuple(dict.fromkeys(["all", *(column.group.partition(":")[0] for column in columns.values())]))
    jobs = [(_jobs(cells[other]), _jobs(cells[one])) for one, other in pairs]
    found: dict[tuple[str, str], Gap] = {}
    for pair, answer in zip(pairs, compared(jobs, How(kinds=kinds), results), strict=True):
        key = (cells[pair[0]].protocol, columns[pair].metric, columns[pair].group)
        for row in answer.rows:
            if (row["protocol"], row["metric"], row["group"]) == key:
                found[pair] = row
    return found


def _jobs(cell: Cell) -> list[str]:
    assert cell.row is not None
    return list(dict.fromkeys(cell.row.arm.jobs))
