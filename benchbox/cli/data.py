"""The verbs of data sets and their options; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from benchbox.cli.options import Format, Json
from benchbox.cli.verbs import Words

data_verbs = typer.Typer(cls=Words, add_completion=False, rich_markup_mode=None)


@data_verbs.callback(invoke_without_command=True)
def _data(context: typer.Context) -> None:
    """Data sets: what is there (`list`, also without a word), and is it sound (`check`).

    Example: benchbox data

    Exit codes: those of its verbs.
    """
    if context.invoked_subcommand is None:
        data_list()


@data_verbs.command("list")
def data_list(format: Format = "rich", json: Json = False) -> None:
    """List what is found where, what is missing, where it comes from and how it should lie.

    Example: benchbox data list

    Exit codes: 0 listed.
    """
    from benchbox.cli import datasets

    sys.exit(datasets.list_all("json" if json else format))


@data_verbs.command("check")
def data_check(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME[:SPLIT]", help="The data set.", show_default=False),
    ],
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Examine a data set: counts, images, joints, boxes, doubles, left and right, fingerprint.

    Example: benchbox data check coco:val2017

    Exit codes: 0 sound, 1 something was found, 2 unknown data set, 4 not there.
    """
    from benchbox.cli import datasets

    sys.exit(datasets.check(name, "json" if json else format))
