"""The verbs in the order of work, each loaded only when it is called; its options stand in the file named here."""

from __future__ import annotations

import importlib
from typing import Any, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_command

from benchbox.cli.complete import COMPLETERS
from benchbox.cli.early import chosen
from benchbox.errors import InvalidInput, nearest

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "init": ("study_verbs:init", "Write a commented study to begin with."),
        "doctor": ("app:doctor", "Examine this machine: what is here, what is missing, what to do."),
    },
    "Study": {
        "plan": ("study_verbs:plan", "Show a study's arms and jobs: what differs, what it costs, what is done."),
        "run": ("study_verbs:run", "Train and evaluate what is missing of a study."),
    },
    "Watch": {
        "status": ("study_verbs:status", "Show what is done, running, failed and waiting."),
        "logs": ("study_verbs:logs", "Print a job's log."),
        "cancel": ("study_verbs:cancel", "Stop jobs, their state saved."),
    },
    "Results": {
        "table": ("score_verbs:table", "Print a study's table, or a paper's with reported beside measured."),
        "compare": ("score_verbs:compare", "Compare two results on the same persons: gain or noise?"),
        "plot": ("score_verbs:plot", "Draw a study's figures."),
        "report": ("score_verbs:report", "Write one HTML page of tables, plots, verdicts and persons."),
        "predict": ("score_verbs:predict", "Predict the people of any images; draw skeletons, heatmaps, attention."),
        "results": ("results:results_verbs", "Results folders: join, clean, TensorBoard."),
    },
    "Papers": {
        "claims": ("paper_verbs:claims", "Check what a paper says of its results."),
        "explain": ("paper_verbs:explain", "Say what is behind a cell of a table."),
        "verify": ("paper_verbs:verify", "Find outdated numbers in a manuscript."),
    },
    "Scores": {
        "score": ("score_verbs:score", "Judge predictions that others made."),
        "rescore": ("score_verbs:rescore", "Make scores anew from the persons on record."),
    },
    "CI": {
        "gate": ("gate:gate_verb", "Hold results against references: regressed, or only noise?"),
    },
    "Machine": {
        "data": ("data:data_verbs", "Data sets: what is there, and is it sound."),
        "models": ("models:models_verbs", "Networks: cost, fitting weights, speed, export."),
    },
}
"""Groups of verbs; each verb with the file in this folder and the name in it, and its line in `benchbox --help`."""


class Words(TyperGroup):
    """Verbs of one kind; an unknown word is answered with the nearest known one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the verb that a word names, and the words behind it.

        Raises: InvalidInput for an unknown word.
        """
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise InvalidInput(f"{args[0]}: unknown verb of {ctx.command_path}{nearest(args[0], known)}")
        return super().resolve_command(ctx, args)


class Verbs(Words):
    """All verbs of `GROUPS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs in the order of work."""
        return [name for verbs in GROUPS.values() for name in verbs]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a verb, loading it when it is asked for the first time; None for an unknown one."""
        if cmd_name not in self.commands and cmd_name in self.list_commands(ctx):
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs with their lines, group by group."""
        width = max(map(len, self.list_commands(ctx)))
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), line) for name, (_, line) in verbs.items()])


def _load(name: str) -> Any:
    where, line = next(verbs[name] for verbs in GROUPS.values() if name in verbs)
    file, _, attribute = where.partition(":")
    found = getattr(importlib.import_module(f"benchbox.cli.{file}"), attribute)
    if not isinstance(found, typer.Typer):
        one = typer.Typer(rich_markup_mode=None, add_completion=False)
        one.command(name)(found)
        found = one
    for verb in found.registered_commands:
        _furnish(verb.name or name, verb.callback)
    command = get_command(found)
    command.name, command.short_help = name, line
    return command


def _furnish(name: str, verb: Any) -> None:
    """Give the parameters of a verb what completes them in the shell, and what refuses a wrong word at once."""
    verb.__annotations__ = get_type_hints(verb, include_extras=True)
    for parameter, hint in verb.__annotations__.items():
        for part in getattr(hint, "__metadata__", ()):
            part.autocompletion = COMPLETERS.get(f"{name} {parameter}") or COMPLETERS.get(parameter)
            part.callback = chosen(f"{name} {parameter}")
