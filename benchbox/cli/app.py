"""The command line: its verbs and their options; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchbox.cli.data import data_verbs
from benchbox.cli.models import models_verbs
from benchbox.cli.options import Format, Json, Only, Results, Scale, Seeds, StudyFile
from benchbox.cli.paper_verbs import claims, explain, verify
from benchbox.errors import INTERRUPTED, BenchboxError, InvalidInput

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


@app.command()
def plan(
    study: StudyFile,
    scale: Scale = None,
    seeds: Seeds = None,
    only: Only = None,
    results: Results = Path("results"),
    schedule: Annotated[bool, typer.Option("--schedule", help="Show epochs, rates and what learns when.")] = False,
    effect: Annotated[float | None, typer.Option(help="Show what it takes to see so many points.")] = None,
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Show every job: what differs from its reference, its cost, what is done, what remains.

    Example: benchbox plan ablations/hrnet_stages.toml

    Exit codes: 0 shown, 2 invalid study, 3 with --effect when no variance is on record.
    """
    from benchbox.cli import study as verbs

    choice = verbs.Choice(scale, seeds, only, results)
    sys.exit(verbs.plan(study, choice, "json" if json else format, schedules=schedule, effect=effect))


@app.command()
def run(
    study: StudyFile,
    scale: Scale = None,
    seeds: Seeds = None,
    only: Only = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Jobs at a time; one a GPU or core.")] = None,
    on: Annotated[str, typer.Option(help="local (one process a slot) or inline (one after another).")] = "local",
    processes: Annotated[int, typer.Option(min=1, help="Processes that share a job, each with a GPU or core.")] = 1,
    retry: Annotated[list[str] | None, typer.Option(help="Repeat failures of this class (code, nan, ...).")] = None,
    stale: Annotated[bool, typer.Option("--stale", help="Run jobs again whose code or data changed.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Start no more jobs after a failure.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a long run.")] = False,
    pack: Annotated[bool, typer.Option("--pack/--no-pack", help="Keep decoded crops in the cache folder.")] = True,
    results: Results = Path("results"),
) -> None:
    """Do what is missing of a study, one process per job; a second run does only what is missing then.

    Example: benchbox run ablations/hrnet_stages.toml --scale tiny

    Exit codes: 0 all done, 1 a job failed, 2 invalid study, 4 no data or no room, 130/143 stopped, resumable.
    """
    from benchbox.cli import study as verbs

    choice = verbs.Choice(scale, seeds, only, results)
    how = {"stale": stale, "fail_fast": fail_fast, "yes": yes, "pack": pack}
    sys.exit(verbs.run(study, choice, slots=jobs, on=on, processes=processes, retry=retry or [], **how))


@app.command()
def status(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", show_default=False)] = None,
    scale: Scale = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Show what is done, running, failed and waiting, of one study or of all results.

    Example: benchbox status ablations/hrnet_stages.toml

    Exit codes: 0 shown, 2 invalid study.
    """
    from benchbox.cli import watch

    sys.exit(watch.status(study, scale, results, "json" if json else format))


@app.command()
def logs(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job id or the beginning of one.", show_default=False)],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as the log grows, until the job ends.")] = False,
    results: Results = Path("results"),
) -> None:
    """Print the log of a job's last attempt.

    Example: benchbox logs 3f2a -f

    Exit codes: 0 shown, 2 no such job.
    """
    from benchbox.cli import watch

    sys.exit(watch.logs(job, follow, results))


@app.command()
def table(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", show_default=False)] = None,
    paper: Annotated[str | None, typer.Option(help="A paper's own tables, e.g. efficient-hrnet.")] = None,
    tables: Annotated[list[str] | None, typer.Option("--table", help="Only this table of the paper.")] = None,
    scale: Scale = None,
    by: Annotated[str | None, typer.Option(help="One score by joint, pair, category or activity.")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Only scores by this protocol (repeatable).")] = None,
    mixed: Annotated[bool, typer.Option("--mixed-protocols", help="Let protocols share columns, marked.")] = False,
    with_: Annotated[list[str] | None, typer.Option("--with", help="Add predictions kept by score --save.")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Differences to the reference, with intervals.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when a cell is missing.")] = False,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Print the table of a study, or a paper's tables with reported beside measured.

    Example: benchbox table --paper efficient-hrnet

    Exit codes: 0 printed, 2 usage, 3 with --strict when a cell is pending, failed or stale, or nothing to --compare.
    """
    from benchbox.cli import tables as verb

    shown = verb.Shown(by, protocol or [], mixed, with_ or [], compare, tables or [])
    sys.exit(verb.table(study, paper, scale, strict, shown, results, "json" if json else format))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A job, saved predictions or STUDY.toml:ARM.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, compared with A.")],
    protocol: Annotated[list[str] | None, typer.Option(help="Protocols, not all in common (repeatable).")] = None,
    mixed: Annotated[bool, typer.Option("--mixed-protocols", help="Predictions may be made in other ways.")] = False,
    by: Annotated[str | None, typer.Option(help="By joint, pair, category or activity.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    resamples: Annotated[int | None, typer.Option(min=100, help="Of images: 2000, of AP 1000.")] = None,
    scale: Scale = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Compare two results on the same persons: every difference with its interval and p, so that noise shows.

    Example: benchbox compare "ablations/smoke.toml:baseline" "ablations/smoke.toml:sub-network 1" --by joint

    Exit codes: 0 compared, 2 usage or an unknown name, 3 other persons, protocols or no result, 4 no ground truth.
    """
    from benchbox.cli import compare as verbs

    how = {"protocols": protocol or [], "mixed": mixed, "confidence": confidence, "resamples": resamples}
    sys.exit(verbs.compare(a, b, scale=scale, by=by, how=how, results=results, format="json" if json else format))


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="The file.", show_default=False)],
    dataset: Annotated[str, typer.Option(help="coco, mpii, lsp or lspet, or NAME:SPLIT.", show_default=False)],
    truth: Annotated[Path | None, typer.Option(help="The ground truth's file, if not the data root's.")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Protocols, not the usual ones (repeatable).")] = None,
    save: Annotated[str, typer.Option(help="Keep records and scores under this name, for tables.")] = "",
    origin: Annotated[int, typer.Option(help="Whether MPII's and LSP's coordinates count from 1 or 0.")] = 1,
    by: Annotated[str | None, typer.Option(help="Show joint, category or activity scores.")] = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Judge predictions that others made: a COCO result file, or MPII predictions as .mat, .h5 or JSON.

    Example: benchbox score results.json --dataset coco:val2017 --protocol coco-kp/det-56.4/flip --save theirs

    Exit codes: 0 scored, 2 a file that is not what it should be, 3 nothing that could be scored, 4 no ground truth.
    """
    from benchbox.cli import scores

    asked = protocol or []
    shown = "json" if json else format
    code = scores.score(
        predictions,
        dataset,
        truth=truth,
        protocols=asked,
        origin=origin,
        save=save,
        by=by,
        results=results,
        format=shown,
    )
    sys.exit(code)


@app.command()
def rescore(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", show_default=False)] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Add scores by this protocol (repeatable).")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where scores differ.")] = False,
    scale: Scale = None,
    seeds: Seeds = None,
    only: Only = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Make scores anew from the persons on record, of one study or of all results; no GPU is needed.

    Example: benchbox rescore ablations/hrnet_stages.toml --protocol coco-kp/nms-0.5

    Exit codes: 0 done, 1 with --check where scores differ, 2 usage or a damaged record, 3 a protocol the records
    cannot give, 4 no ground truth.
    """
    from benchbox.cli import scores
    from benchbox.cli import study as verbs

    choice = verbs.Choice(scale, seeds, only, results)
    sys.exit(scores.rescore(study, choice, protocol or [], check, "json" if json else format))


@app.command()
def doctor(
    resume: Annotated[bool, typer.Option("--resume", help="Kill small trainings and compare how they end.")] = False,
    kills: Annotated[int, typer.Option(help="How often each is killed.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Examine this machine: whether a training that is killed at random moments and resumed ends with the same bits.

    Example: benchbox doctor --resume

    Exit codes: 0 the same bits, 1 not, 2 nothing asked, 3 no kill hit a training, 4 a worker failed.
    """
    from benchbox.cli import doctor as examination

    if not resume:
        raise InvalidInput("doctor: say what to examine: --resume")
    sys.exit(examination.resume(kills, seed, "json" if json else format))


for _verb in (claims, explain, verify):
    app.command()(_verb)
app.add_typer(data_verbs, name="data")
app.add_typer(models_verbs, name="models")
