"""The verb that judges gates and its options; its work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from benchbox.cli.options import Format, Json, Results, Seeds
from benchbox.errors import BenchboxError


class Reporting(TyperCommand):
    """A verb that also reports on words it cannot read: CI would show the report of an earlier call instead."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the words of a call.

        Raises: InvalidInput or the parser's own error, once the report is written.
        """
        from benchbox.cli.app import UsageError, misuse

        words = list(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except (BenchboxError, UsageError) as problem:
            lenient = {"resilient_parsing": True, "ignore_unknown_options": True, "allow_extra_args": True}
            # the parser reads nothing where the last word is an option without its value
            for some in (words, words[:-1]):
                read = super().make_context(info_name, list(some), parent, **extra, **lenient).params
                if read.get("declaration"):
                    break
            _report(problem if isinstance(problem, BenchboxError) else misuse(problem), read)
            raise


def _report(problem: BenchboxError, read: dict[str, Any]) -> None:
    from benchbox.cli.judging import publish
    from benchbox.gates.reports import Report

    folder = read.get("report") or Path(read.get("results") or "results") / "gate"
    publish(Report(Path(read.get("declaration") or "FILE.toml"), problem.exit_code, problem=str(problem)), Path(folder))


gate_verb = typer.Typer(add_completion=False, rich_markup_mode=None)


@gate_verb.command("gate", cls=Reporting)
def gate(
    declaration: Annotated[Path, typer.Argument(metavar="FILE.toml", help="A study, or gates of one.")],
    update: Annotated[bool, typer.Option("--update", help="Make today's results the references.")] = False,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help="Update from a tree with changes, too.")] = False,
    seeds: Seeds = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder of junit.xml, gate.md and gate.json, not RESULTS/gate.")
    ] = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Hold results against committed references, the reference arm or the paper, and tell a regression from noise.

    A gate regressed where the whole interval of the change is worse than the tolerance, or where the change itself is
    and the noise is no greater than the tolerance. Otherwise a tolerance that is smaller than the noise is not judged.
    The confidence of a gate holds for all gates on scores of the file together (Bonferroni). Reports are written on
    every path. A gate stands in the study, or in a file of its own that names its study:

    \b
        [[gates]]
        name = "attention does not harm"
        metric = "PCKh"
        arm = "sub-network 1"
        scale = "tiny"
        against = "reference-arm"
        tolerance = 3.0

    The other way to hold it is against = "reference/FILE.json", which --update writes from today's results.

    Example: benchbox gate ablations/smoke.toml --seeds 0,1,2

    Exit codes: 0 all passed, 1 something regressed, 2 an invalid file, 3 something could not be judged (missing, stale,
    not comparable, too noisy, no gates), 4 the machine lacks something.
    """
    from benchbox.cli import judging as verbs

    asked = verbs.Asked(seeds, update, allow_dirty, report or results / "gate", results, "json" if json else format)
    sys.exit(verbs.gate(declaration, asked))
