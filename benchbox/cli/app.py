"""The command line: where it begins, and what a wrong call is told. Its verbs stand in `verbs.GROUPS`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from benchbox.cli.known import papers as known_papers
from benchbox.cli.options import Format, Json, Results
from benchbox.cli.verbs import Verbs
from benchbox.errors import (
    ENVIRONMENT,
    FAILED,
    INTERRUPTED,
    USAGE,
    BenchboxError,
    InvalidInput,
    WorkerBug,
    nearest,
    told,
)

app = typer.Typer(
    name="benchbox",
    cls=Verbs,
    invoke_without_command=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""What the parser raises for words that it cannot place."""


def main() -> None:
    """Run the command line; a user's mistake is one line, a bug keeps its traceback."""
    if "_BENCHBOX_COMPLETE" in os.environ:
        from benchbox.cli import complete

        sys.exit(complete.answer(app))
    from benchbox.console import UNWRITABLE, drop_output, note, open_closed, spell_out_signs, stop_unread

    open_closed()
    spell_out_signs()
    try:
        sys.exit(app(prog_name="benchbox", standalone_mode=False))
    except (BenchboxError, UsageError) as problem:
        mistake = problem if isinstance(problem, BenchboxError) else misuse(problem)
        note(f"benchbox: error: {told(mistake)}")
        sys.exit(mistake.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except WorkerBug as problem:
        first, *rest = str(problem).strip().splitlines()
        for line in rest:
            note(line)
        note(f"benchbox: error: {first.rstrip(':')}" + (f": {rest[-1]}" if rest else ""))
        sys.exit(FAILED)
    except BrokenPipeError:
        stop_unread()
    except OSError as problem:
        from benchbox.files import refusal

        refused = refusal(problem)
        if refused is not None:
            note(f"benchbox: error: {told(refused)}")
            sys.exit(refused.exit_code)
        if problem.errno not in UNWRITABLE or problem.filename is not None:
            raise
        drop_output()
        note(f"benchbox: error: the output: {(problem.strerror or '').lower()}")
        sys.exit(ENVIRONMENT)


def misuse(problem: Any) -> InvalidInput:
    """Return what is wrong with a call's words, as one line with the nearest option or the verb's example."""
    said = problem.format_message().strip().rstrip(".")
    said = said[:1].lower() + said[1:]
    if problem.ctx is None:
        return InvalidInput(f"{said}; see benchbox --help")
    command, path = problem.ctx.command, problem.ctx.command_path
    if hasattr(problem, "possibilities"):
        known = [word for option in command.params for word in (*option.opts, *option.secondary_opts)]
        known = [word for word in (*known, "--help") if word.startswith("-")]
        return InvalidInput(f"{problem.option_name}: unknown option of {path}{nearest(problem.option_name, known)}")
    if "'--paper'" in said and (papers := [word for word in sys.argv[2:] if word in known_papers()]):
        return InvalidInput(f"{path}: {said}; did you mean {path} --paper {papers[0]}?")
    if "unexpected extra" in said and command.name == "explain" and {*sys.argv[2:3]} & known_papers().keys():
        return InvalidInput(f"{path}: {said}; did you mean {path} --paper {shlex.join(sys.argv[2:])}?")
    said = _refused_value(problem) or said
    examples = re.findall(r"Example: (.*)", command.help or "")
    return InvalidInput(f"{path}: {said}; {f'e.g. {examples[0]}' if examples else f'see {path} --help'}")


def _refused_value(problem: Any) -> str:
    """Say which value of which option is not of its type or range; empty where something else is wrong."""
    find_errors = getattr(problem.__cause__, "errors", None)
    if find_errors is None or problem.param is None:
        return ""
    (first, *_) = find_errors()
    limits = first.get("ctx") or {}
    texts = [text for kind, text in WRONG_VALUES.items() if first["type"].startswith(kind)]
    name = max(problem.param.opts, key=len) if problem.param.opts else problem.param.name
    return f"{name} {first['input']}: must be {texts[0].format(**limits)}" if texts else ""


def _version(asked: bool) -> None:
    if asked:
        from benchbox import __version__

        typer.echo(f"benchbox {__version__}")
        raise typer.Exit


WRONG_VALUES = {
    "int_": "a whole number",
    "float_": "a number",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
"""Kinds of pydantic's errors, by which typer refuses values, and what is expected."""


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Ablation studies of 2D human pose estimation: from a TOML file to the paper's table.

    Example: benchbox run ablations/smoke.toml

    Exit codes: 0 ok, 1 a job failed or a check found something, 2 usage or an invalid study, 3 could not judge,
    4 the machine lacks something, 130/143 interrupted and resumable.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE)


def doctor(
    resume: Annotated[bool, typer.Option("--resume", help="Kill small trainings and compare how they end.")] = False,
    kills: Annotated[int, typer.Option(min=1, help="How often each is killed.")] = 3,
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
