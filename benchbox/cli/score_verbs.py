"""The verbs of tables and scores, and their options; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchbox.cli import early, early_files, early_results, known
from benchbox.cli.arguments import RESAMPLES
from benchbox.cli.options import Format, Json, Only, Results, Scale, Seeds

KIND_HELP = "pareto, deltas, joints, categories, curves, pck or oks (repeatable); all when not given."


def table(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", show_default=False)] = None,
    paper: Annotated[str | None, typer.Option(help="A paper's own tables, e.g. efficient-hrnet.")] = None,
    tables: Annotated[list[str] | None, typer.Option("--table", help="Only this table of the paper.")] = None,
    scale: Scale = None,
    seeds: Seeds = None,
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

    Exit codes: 0 printed, 2 usage, 3 with --strict when a cell is pending, failed or stale; nothing done
    for --by or --compare.
    """
    early.of_table(study, paper, tables or [], (by, protocol, with_, seeds))
    early.look([study], paper=paper, scale=scale, saved=with_ or [], results=results)
    if paper is not None:
        early.places(paper, tables or [])
    if study is not None and (by or compare) and not with_:
        _require_done(study, scale, seeds, results)
    from benchbox.cli import tables as verb

    shown = verb.Shown(by, protocol or [], mixed, with_ or [], compare, tables or [], seeds)
    sys.exit(verb.table(study, paper, scale, strict, shown, results, "json" if json else format))


def report(
    studies: Annotated[list[Path] | None, typer.Argument(metavar="[STUDY.toml...]", show_default=False)] = None,
    paper: Annotated[str | None, typer.Option(help="Its tables, claims and studies, e.g. acnn.")] = None,
    scale: Scale = None,
    out: Annotated[Path, typer.Option(help="The file.")] = Path("report.html"),
    full: Annotated[bool | None, typer.Option("--full/--quick", help="With or without what takes seconds.")] = None,
    open: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    results: Results = Path("results"),
) -> None:
    """Write one HTML page that needs no network: tables, verdicts, claims, plots, worst persons, provenance, commands.

    Without a study or a paper: all studies of ablations/ that have results. Comparisons, plots and pictures take
    seconds a study, so that a page of over 100 jobs is made without (--quick) unless --full asks for them.

    Example: benchbox report ablations/smoke.toml --open

    Exit codes: 0 written, 2 usage or an invalid study, 3 nothing has results, 4 it cannot be written or opened.
    """
    early.one_kind(studies or [], paper)
    early.look(studies or [], paper=paper, scale=scale)
    if not studies and paper is None:
        early_results.some(results)
    early_files.page(out)
    from benchbox.cli import report as verb

    sys.exit(verb.report(verb.Asked(studies or [], paper, scale, results, out, full, open)))


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A job, saved predictions or STUDY.toml:ARM.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, compared with A.")],
    protocol: Annotated[list[str] | None, typer.Option(help="Protocols, not all in common (repeatable).")] = None,
    mixed: Annotated[bool, typer.Option("--mixed-protocols", help="Predictions may be made in other ways.")] = False,
    by: Annotated[str | None, typer.Option(help="By joint, pair, category or activity.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    resamples: Annotated[
        int | None,
        typer.Option(min=RESAMPLES[0], max=RESAMPLES[1], help="Of images: 2000, of AP 1000; more for large families."),
    ] = None,
    scale: Scale = None,
    seeds: Seeds = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Compare two results on the same persons: every difference with its interval and p, so that noise shows.

    Holm's adjustment of p is over the rows of the same protocol, metric and kind of group.

    Example: benchbox compare "ablations/smoke.toml:baseline" "ablations/smoke.toml:sub-network 1" --by joint

    Exit codes: 0 compared, 2 usage or an unknown name, 3 other persons, protocols or no result, 4 no ground truth.
    """
    early.seeds_of_sides(a, b, seeds)
    early_results.result(a, scale, results)
    early_results.result(b, scale, results)
    from benchbox.cli import compare as verbs

    how = {"protocols": protocol or [], "mixed": mixed, "confidence": confidence, "resamples": resamples}
    shown = "json" if json else format
    sys.exit(verbs.compare(a, b, scale=scale, seeds=seeds, by=by, how=how, results=results, format=shown))


def plot(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", show_default=False)] = None,
    paper: Annotated[str | None, typer.Option(help="The studies of a paper, e.g. efficient-hrnet.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help=KIND_HELP)] = None,
    x: Annotated[str, typer.Option("--x", help="Of pareto: parameters or macs.")] = "parameters",
    protocol: Annotated[list[str] | None, typer.Option(help="Only scores by this protocol (repeatable).")] = None,
    out: Annotated[Path, typer.Option(help="The folder of the figures.")] = Path("plots"),
    format: Annotated[str, typer.Option("--format", help="svg or png.")] = "svg",
    scale: Scale = None,
    seeds: Seeds = None,
    only: Only = None,
    results: Results = Path("results"),
) -> None:
    """Draw a study's results: every kind of figure that they allow, or those that are named.

    Example: benchbox plot ablations/hrnet_stages.toml --kind pareto --kind deltas

    Exit codes: 0 drawn, 2 usage or an unknown kind, 3 nothing that is done to draw, 4 a folder that cannot be written.
    """
    early.study_or_paper("plot", study, paper)
    early.look([study], paper=paper, scale=scale, only=only)
    early_files.written_to(out, out)
    if study is not None:
        _require_done(study, scale, seeds, results)
    from benchbox.cli import plot as verb
    from benchbox.cli.study import Choice

    how = verb.How(kind or [], x, protocol or [], out, format)
    sys.exit(verb.plot(study, paper, Choice(scale, seeds, only, results), how))


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
    """Judge predictions that others made: a COCO result file; of MPII or LSP .mat, .h5 or JSON.

    Example: benchbox score results.json --dataset coco:val2017 --protocol coco-kp/det-56.4/flip --save theirs

    Exit codes: 0 scored, 2 a file that is not what it should be, 3 nothing that could be scored, 4 no ground truth.
    """
    early.data_set(dataset)
    early_files.file(predictions)
    if truth is not None:
        early_files.file(truth)
    else:
        early_files.split(dataset, f"--dataset {dataset}")
    if save:
        from benchbox.saved import check_name

        check_name(save)
    early_files.predictions(predictions, dataset)
    early.conventions(protocol or [], dataset)
    if truth is None:
        early_files.data_root_set(dataset)
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


def rescore(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY.toml|SAVED]", show_default=False)] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Add scores by this protocol (repeatable).")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where scores differ.")] = False,
    scale: Scale = None,
    seeds: Seeds = None,
    only: Only = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Make scores anew from the persons on record, of one study, of saved predictions or of all; no GPU is needed.

    Example: benchbox rescore ablations/hrnet_stages.toml --protocol coco-kp/nms-0.5

    Exit codes: 0 done, 1 with --check where scores differ, 2 usage or a damaged record, 3 nothing is done, or a
    protocol the records cannot give, 4 no ground truth.
    """
    if study is not None and str(study) not in known.saved(results):
        early.look([study], scale=scale, only=only)
        _require_done(study, scale, seeds, results)
    from benchbox.cli import scores
    from benchbox.cli import study as verbs

    choice = verbs.Choice(scale, seeds, only, results)
    sys.exit(scores.rescore(study, choice, protocol or [], check, "json" if json else format))


def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Files.", show_default=False)],
    run: Annotated[str, typer.Option("--run", help="A job id's beginning, or STUDY.toml:ARM.", show_default=False)],
    box: Annotated[list[str] | None, typer.Option(help="X,Y,W,H of a person (repeatable), not all the image.")] = None,
    show: Annotated[list[str] | None, typer.Option(help="skeleton, heatmaps, attention (repeatable).")] = None,
    out: Annotated[Path, typer.Option(help="The folder of the pictures.")] = Path("predictions"),
    svg: Annotated[bool, typer.Option("--svg", help="Pictures as SVG, not PNG.")] = False,
    scale: Scale = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Predict the people of any images with a finished job's network; draw skeletons, heatmaps, attention.

    Example: benchbox predict photo.jpg --run 61cf --box 40,12,120,300 --show skeleton --show attention

    Exit codes: 0 predicted, 2 usage, an image that cannot be read, an unknown job, no attention to show; 3 no result,
    or one without its weights; 4 the folder cannot be written.
    """
    early_results.result(run, scale, results)
    for image in images:
        early_files.image(image)
    early_files.written_to(out, out)
    from benchbox.cli import predict as verb

    wanted = verb.Wanted(box or [], show or [], out, svg)
    sys.exit(verb.predict(images, run, wanted, scale=scale, results=results, format="json" if json else format))


def _require_done(study: Path, scale: str | None, seeds: str | None, results: Path) -> None:
    from benchbox.cli.finished import require_done

    require_done(study, scale, seeds, results)
