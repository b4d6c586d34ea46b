"""The command line: its verbs, each with its options in a file beside this one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchbox.cli import paper_verbs, score_verbs, study_verbs
from benchbox.cli.data import data_verbs
from benchbox.cli.gate import gate
from benchbox.cli.models import models_verbs
from benchbox.cli.options import Format, Json, Results
from benchbox.cli.results import results_verbs
from benchbox.errors import INTERRUPTED, BenchboxError

app = typer.Typer(
    name="benchbox",
    help="Ablation studies of 2D human pose estimation: from a TOML file to the paper's table.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; a user's mistake is one line, a bug keeps its traceback."""
    try:
        app()
    except BenchboxError as problem:
        from benchbox.console import note

        note(f"benchbox: error: {problem}")
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _version(asked: bool) -> None:
    if asked:
        from benchbox import __version__

        typer.echo(f"benchbox {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Ablation studies of 2D human pose estimation: from a TOML file to the paper's table.

    Exit codes: 0 ok, 1 a job failed or a check found something, 2 usage or an invalid study, 3 could not judge,
    4 the machine lacks something, 130/143 interrupted and resumable.
    """


def doctor(
    resume: Annotated[bool, typer.Option("--resume", help="Kill small trainings and compare how they end.")] = False,
    kills: Annotated[int, typer.Option(help="How often each is killed.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Examine this machine: Python, torch, GPUs, memory, disks, data, clock, Slurm; each with what to do next.

    With --resume: whether a training that is killed at random moments and resumed ends with the same bits.

    Example: benchbox doctor

    Exit codes: 0 no error, 4 something is broken; with --resume 0 the same bits, 1 not, 3 no kill hit a training,
    4 a worker failed.
    """
    from benchbox.cli import doctor as examination
    from benchbox.cli import resume as trial

    chosen = "json" if json else format
    sys.exit(trial.resume(kills, seed, chosen) if resume else examination.examine(results, chosen))


STUDIES = (
    study_verbs.init,
    study_verbs.plan,
    study_verbs.run,
    study_verbs.status,
    study_verbs.logs,
    study_verbs.cancel,
)
SCORES = (
    score_verbs.table,
    score_verbs.report,
    score_verbs.compare,
    score_verbs.plot,
    score_verbs.score,
    score_verbs.rescore,
    score_verbs.predict,
)
PAPERS = (paper_verbs.claims, paper_verbs.explain, paper_verbs.verify)
for _verb in (*STUDIES, *SCORES, *PAPERS, gate, doctor):  # in the order of work
    app.command()(_verb)
app.add_typer(data_verbs, name="data")
app.add_typer(models_verbs, name="models")
app.add_typer(results_verbs, name="results")
