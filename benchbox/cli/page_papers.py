"""A paper's part of the page: its tables with a verdict in every cell, its errata, its claims."""

from __future__ import annotations

from pathlib import Path

from benchbox.cli import claims
from benchbox.cli.page_studies import kept
from benchbox.cli.page_tables import claims_table, paper_table
from benchbox.cli.papers import filled_tables
from benchbox.errors import BenchboxError
from benchbox.page.content import Command, Section
from benchbox.papers.read import Paper
from benchbox.report import claims as layout
from benchbox.report import paper as layouts


def section(id: str, paper: Paper, asked: str | None, results: Path, left_out: str) -> Section:
    """Return a paper's part of the page.

    Args:
        id: of its element.
        asked: a scale; of each table the largest of which something is there, when None.
        left_out: why the cells that decide claims are not compared; empty where they are.
    """
    notes = [left_out] if left_out else []
    filled = filled_tables(paper, paper.tables, asked, results)
    tables = [
        paper_table(f"{id}-table-{place + 1}", layouts.paper_table(one, wide=True)) for place, one in enumerate(filled)
    ]
    if paper.claims:
        gaps: layout.Gaps = {}
        try:
            gaps = {} if left_out else claims.gaps(paper, filled, results)
        except BenchboxError as problem:
            notes.append(f"Claims without comparisons: {problem}.")
        tables.append(claims_table(f"{id}-claims", layout.claims_table(paper, filled, gaps)))
    words = f"--paper {paper.name}{f' --scale {asked}' if asked else ''}{kept(results)}"
    commands = [
        Command("Print its tables", f"benchbox table {words}"),
        Command("Check its claims", f"benchbox claims {words}"),
    ]
    return Section(id, f"{paper.name}: {paper.title}", commands=commands, tables=tables, notes=notes)
