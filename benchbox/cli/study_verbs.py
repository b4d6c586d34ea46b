"""The verbs that plan, run and watch studies, and their options; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchbox.cli import early, early_results
from benchbox.cli.options import Format, Json, Only, Results, Scale, Seeds, StudyFile


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path("study.toml"),
    model: Annotated[str | None, typer.Option(help="A network of benchbox models list; hrnet-w32.")] = None,
    vary: Annotated[str | None, typer.Option(help="attention, kernels, or KEY=VALUE,VALUE,...; attention.")] = None,
    data: Annotated[str | None, typer.Option(help="synthetic (embedded persons), coco or mpii; synthetic.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Such as 0,1,2; 0.")] = None,
    title: Annotated[str, typer.Option(help="Of the study.", show_default=False)] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of studies, for editors.")] = False,
) -> None:
    """Write a study that runs at once and can grow; on a terminal, what no option says is asked.

    Example: benchbox init study.toml --model simple-baseline-r50 --vary kernels --data coco --seeds 0,1,2

    Exit codes: 0 written, 2 an unknown name or a file that is there already, 4 cannot be written, 130 interrupted.
    """
    from benchbox.cli import init as verbs

    if schema:
        import json

        from benchbox.cli.study_schema import study_schema
        from benchbox.console import data as say

        say(json.dumps(study_schema(), indent=1))
        sys.exit(0)
    sys.exit(verbs.init(file, verbs.Asked(model, vary, data, seeds, title), force=force))


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
    if effect is not None:
        from benchbox.cli.finished import require_done

        early.look([study], scale=scale, only=only)
        require_done(study, scale, seeds, results, advised="0,1,2")
    from benchbox.cli import study as verbs

    choice = verbs.Choice(scale, seeds, only, results)
    sys.exit(verbs.plan(study, choice, "json" if json else format, schedules=schedule, effect=effect))


def run(
    study: StudyFile,
    scale: Scale = None,
    seeds: Seeds = None,
    only: Only = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Jobs at a time; one a GPU or core.")] = None,
    on: Annotated[str, typer.Option(help="local, inline (one after another, here) or slurm (a cluster).")] = "local",
    slurm: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of sbatch, e.g. partition=gpu.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that share a job, each with a GPU or core; else the study's.")
    ] = None,
    retry: Annotated[list[str] | None, typer.Option(help="Repeat this class (code, nan, cancelled, ...).")] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Run jobs again whose code or data changed, or whose result is damaged.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Start no more jobs after a failure.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a long run.")] = False,
    pack: Annotated[bool, typer.Option("--pack/--no-pack", help="Keep decoded crops in the cache folder.")] = True,
    results: Results = Path("results"),
) -> None:
    """Do what is missing of a study, one process per job; a second run does only what is missing then.

    Example: benchbox run ablations/hrnet_stages.toml --scale tiny

    Exit codes: 0 all done, 1 a job failed, 2 invalid study, 4 no data or no room, 130/143 stopped, resumable.
    """
    from benchbox.cli import run as verbs
    from benchbox.cli.study import Choice

    options = verbs.cluster_options(slurm or [])
    how = verbs.How(on, jobs, processes, retry or (), stale, fail_fast, yes, pack, options)
    sys.exit(verbs.run(study, Choice(scale, seeds, only, results), how))


def status(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", show_default=False)] = None,
    scale: Scale = None,
    seeds: Seeds = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds until all has ended.")] = False,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Show what is done, running, failed and waiting, of one study or of all results.

    Example: benchbox status ablations/hrnet_stages.toml

    Exit codes: 0 shown, 2 invalid study.
    """
    from benchbox.cli import watch as verbs

    if watch:
        sys.exit(verbs.watch(study, scale, seeds, results))
    verbs.status(study, scale, seeds, results, "json" if json else format)


def logs(
    job: Annotated[
        str, typer.Argument(metavar="JOB", help="A job id's beginning, or STUDY.toml:ARM.", show_default=False)
    ],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as the log grows, until the job ends.")] = False,
    results: Results = Path("results"),
) -> None:
    """Print the log of a job's last attempt.

    Example: benchbox logs 3f2a -f

    Exit codes: 0 shown, 2 no such job.
    """
    job = early_results.job(job, results)
    from benchbox.cli import watch

    sys.exit(watch.logs(job, follow, results))


def cancel(
    what: Annotated[list[str], typer.Argument(metavar="JOB|STUDY.toml[:ARM]...", show_default=False)],
    scale: Scale = None,
    only: Only = None,
    results: Results = Path("results"),
) -> None:
    """Stop jobs that run, their state saved, and let those that wait not begin; run --retry cancelled takes them up.

    Example: benchbox cancel 3f2a

    Exit codes: 0 asked, 2 no such job or study.
    """
    from benchbox.cli import watch

    sys.exit(watch.cancel(what, scale, only, results))
