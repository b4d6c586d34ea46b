"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study.", show_default=False)]
Scale = Annotated[str | None, typer.Option(help="paper, mini or tiny; chosen by data and device when not given.")]
Seeds = Annotated[str | None, typer.Option(help="Seeds instead of the study's own, e.g. 0,1,2.")]
Only = Annotated[list[str] | None, typer.Option(help="Only this arm, or those whose name contains this (repeatable).")]
Results = Annotated[Path, typer.Option(envvar="BENCHBOX_RESULTS", help="The results folder.")]
Format = Annotated[str, typer.Option("--format", help="rich, md, latex, csv, json or html.")]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
