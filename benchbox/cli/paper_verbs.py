"""The verbs of papers and their options; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from benchbox.cli import early, early_files, early_results
from benchbox.cli.options import Format, Json, Results, Scale, Seeds
from benchbox.errors import InvalidInput

PaperName = Annotated[str, typer.Option("--paper", help="A paper, e.g. efficient-hrnet.", show_default=False)]


def claims(
    paper: PaperName,
    scale: Scale = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when a claim is not measured.")] = False,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Check what a paper says of its results: on its own tables, and on what was measured.

    Example: benchbox claims --paper efficient-hrnet

    Exit codes: 0 printed, 2 unknown paper, 3 with --strict when a claim is not measured.
    """
    early.look(paper=paper, scale=scale)
    from benchbox.cli import claims as verb

    sys.exit(verb.claims(paper, scale, strict, results, "json" if json else format))


def explain(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="STUDY.toml; with --paper a table, e.g. I.")],
    row: Annotated[str, typer.Argument(metavar="ROW", help="An arm; with --paper also what is printed in the row.")],
    column: Annotated[
        str, typer.Argument(metavar="COLUMN", help="Its heading, e.g. AP, joint:nose, or 'AP joint:nose'.")
    ],
    paper: Annotated[str | None, typer.Option("--paper", help="A paper, e.g. efficient-hrnet.")] = None,
    scale: Scale = None,
    seeds: Seeds = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Say what is behind a cell of a table: runs, seeds, commits, protocol, commands; what is printed, and its errata.

    Example: benchbox explain --paper efficient-hrnet I "stage 1" AP

    Exit codes: 0 explained, 2 no such table, row or column.
    """
    early.look(paper=paper, scale=scale)
    if paper is None:
        early_results.arm(Path(table), row, scale)
        early.column(column)
    else:
        early.places(paper, [table], row, column)
        if seeds is not None:
            raise InvalidInput("explain: --seeds goes with a study's file; give one, not a paper")
    from benchbox.cli import explain as verb

    how: dict[str, Any] = {"scale": scale, "seeds": seeds, "results": results, "format": "json" if json else format}
    sys.exit(verb.explain(table, row, column, paper=paper, **how))


def verify(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="PAPER.tex...", help="Manuscripts; what they input is read too.", show_default=False),
    ],
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Find what in a manuscript's tables (made by table --format latex) is no longer what the results say.

    Example: benchbox verify paper.tex

    Exit codes: 0 all as they were, 1 some are not, 2 no such file, 3 no table of ours, or results are missing.
    """
    for file in files:
        early_files.file(file)
    from benchbox.cli import verify as verb

    sys.exit(verb.verify(files, results, "json" if json else format))
