"""The verbs of results folders; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchbox.cli import early
from benchbox.cli.options import Format, Json, Results, Scale
from benchbox.cli.verbs import Words
from benchbox.errors import InvalidInput

results_verbs = typer.Typer(cls=Words, add_completion=False, rich_markup_mode=None)
TO_DO = ("differs", "damaged")


@results_verbs.callback(invoke_without_command=True)
def _results(context: typer.Context) -> None:
    """Results folders: join them (`merge`), clean them (`clean`), show them (`tensorboard`).

    Example: benchbox results clean

    Exit codes: those of its verbs; 2 without one.
    """
    if context.invoked_subcommand is None:
        raise InvalidInput("benchbox results: merge, clean or tensorboard? See benchbox results --help")


@results_verbs.command("merge")
def merge(
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="Another results folder.", show_default=False)],
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Copy finished jobs and saved predictions of another machine's results that are missing here; never overwrite.

    Example: benchbox results merge ../from-the-cluster/results

    Exit codes: 0 joined, 1 some results differ or are damaged, 2 no results folder, 4 no room.
    """
    if not other.is_dir():
        raise InvalidInput(f"{other}: no such folder; give the path of a results folder")
    from benchbox.cli.grid import emit
    from benchbox.cli.markup import Column
    from benchbox.errors import FAILED, OK
    from benchbox.merge import merge as joined

    rows = [vars(one) for one in joined(results, other)]
    columns = [Column("name", "Job"), Column("outcome", ""), Column("why", "Why")]
    counts = {name: sum(row["outcome"] == name for row in rows) for name in sorted({row["outcome"] for row in rows})}
    footnote = ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing there"
    meta = {"schema": 1, "kind": "results-merge", "counts": counts}
    emit("json" if json else format, f"{other} into {results}", columns, rows, meta, [footnote])
    sys.exit(FAILED if any(row["outcome"] in TO_DO for row in rows) else OK)


@results_verbs.command("tensorboard")
def tensorboard(
    studies: Annotated[list[Path] | None, typer.Argument(metavar="[STUDY.toml...]", show_default=False)] = None,
    scale: Scale = None,
    persons: Annotated[int, typer.Option(min=0, max=64, help="Pictures of the worst and of the first persons.")] = 4,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Write what is on record of finished and running jobs for TensorBoard, into results/tensorboard/.

    Of some studies or of all jobs: loss, learning rate and scores by epoch, final scores, persons, every setting; a
    second call adds what is new since.

    Example: benchbox results tensorboard ablations/smoke.toml

    Exit codes: 0 written, 2 invalid study, 3 none of the jobs was begun, 4 no room, or TensorBoard is not installed.
    """
    early.look(studies or [], scale=scale)
    from benchbox.cli import tensorboard as verb

    sys.exit(verb.tensorboard(studies or [], scale, persons, results, "json" if json else format))


@results_verbs.command("clean")
def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without, only show.")] = False,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Show, and with --yes remove, what no result, resumption or last failure needs: old attempts, leftovers.

    Example: benchbox results clean --yes

    Exit codes: 0 shown or removed, 4 something cannot be removed.
    """
    from benchbox.cli.grid import emit
    from benchbox.cli.markup import Column
    from benchbox.errors import OK
    from benchbox.leftovers import leftovers, remove

    found = list(leftovers(results))
    if yes:
        for one in found:
            remove(one)
    columns = [
        Column("path", "Path"),
        Column("what", "What"),
        Column("size", "Bytes", right=True, show=lambda value: f"{value:,}"),
    ]
    rows = [{"path": str(one.path), "what": one.what, "size": one.size} for one in found]
    total = f"{sum(one.size for one in found):,} bytes"
    nothing = "nothing to remove" if results.is_dir() else f"{results}: no such folder; nothing to remove"
    note = nothing if not found else f"removed {total}" if yes else f"{total}; remove with --yes"
    meta = {"schema": 1, "kind": "results-clean", "removed": yes}
    emit("json" if json else format, f"What {results} can do without", columns, rows, meta, [note])
    sys.exit(OK)
