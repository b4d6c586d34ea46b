"""Look at what a verb was given before anything heavy is loaded for it, so that a mistake is answered at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from benchbox.cli import known
from benchbox.cli.early_results import arms, arms_named
from benchbox.errors import InvalidInput, nearest

CHOICES: dict[str, tuple[Iterable[str], str]] = {
    "scale": (known.SCALES, "scale"),
    "by": (known.GROUPS, ""),
    "kind": (known.KINDS, ""),
    "show": (known.PICTURES, ""),
    "on": (known.EXECUTORS, "executor"),
    "retry": (known.RETRIED, "class of failure"),
    "x": (known.COSTS, ""),
    "format": (known.FORMATS, ""),
    "plot format": (("svg", "png"), ""),
}
"""Parameters of any verb that are one of a few words, and what they are called."""


def chosen(name: str) -> Callable[[typer.Context, Any], Any] | None:
    """Return what looks at a parameter that can be judged by itself; None for any other."""
    word = name.rpartition(" ")[2]
    choices, noun = CHOICES.get(name) or CHOICES.get(word) or ((), "")
    read = READ.get(word)
    if not choices and read is None:
        return None

    def look_at(ctx: typer.Context, value: Any) -> Any:
        for one in [] if ctx.resilient_parsing or value is None else value if isinstance(value, list) else [value]:
            if read is not None:
                read(one)
            elif one not in choices:
                raise InvalidInput(f"--{word} {one}: {f'unknown {noun}'.strip()}{nearest(one, choices)}")
        return value

    return look_at


def look(
    studies: Iterable[Path | None] = (),
    *,
    paper: str | None = None,
    scale: str | None = None,
    saved: Iterable[str] = (),
    only: Sequence[str] | None = None,
    results: Path = Path("results"),
) -> None:
    """Look for a paper and saved predictions, and read studies at one scale, for arms by a part of their names.

    Raises: InvalidInput for a paper or saved predictions that are not there, and for a study that is not one.
    """
    for name in saved:
        if name not in known.saved(results):
            hint = nearest(name, known.saved(results)) or "; there are none yet: benchbox score FILE --save NAME"
            raise InvalidInput(f"{name}: no saved predictions in {results}{hint}")
    if paper is not None and paper not in known.papers():
        raise InvalidInput(f"--paper {paper}: unknown paper{nearest(paper, known.papers())}")
    for study in studies:
        if study is not None:
            names = arms(study, scale)
            if only:
                arms_named(names, only)


def study_or_paper(verb: str, study: Path | None, paper: str | None) -> None:
    """See that one of the two was named.

    Raises: InvalidInput where none was, or both.
    """
    if (study is None) == (paper is None):
        raise InvalidInput(f"{verb}: give either a study's file or --paper NAME (papers: {', '.join(known.papers())})")


def one_kind(studies: Sequence[Path], paper: str | None) -> None:
    """See that a page was asked of studies or of a paper, which has its own.

    Raises: InvalidInput where both were named.
    """
    if studies and paper is not None:
        raise InvalidInput("report: give studies' files or --paper NAME, which shows its studies, not both")


def of_table(study: Path | None, paper: str | None, tables: Iterable[str], of_study: Iterable[Any]) -> None:
    """See that what was asked of a table goes with its study or its paper.

    Raises: InvalidInput where it does not.
    """
    study_or_paper("table", study, paper)
    if study is not None and any(tables):
        raise InvalidInput("table: --table goes with --paper; give one of them, not a study's file")
    if study is None and any(of_study):
        raise InvalidInput("table: --by, --protocol, --seeds and --with go with a study's file; give one")


def places(paper: str, tables: Iterable[str], row: str = "", column: str = "") -> None:
    """Look for tables of a paper, and for a row and a column of them where one is named.

    Raises: InvalidInput with the nearest.
    """
    from benchbox.papers.read import read
    from benchbox.papers.words import find_column, find_row, find_table

    for name in tables:
        table = find_table(read(paper), name)
        if row:
            find_row(table, row)
            find_column(table, column)


def data_set(named: str) -> None:
    """Look for a data set that predictions are made for, NAME or NAME:SPLIT.

    Raises: InvalidInput with the nearest.
    """
    name = named.partition(":")[0]
    if name not in known.DATA_SETS:
        raise InvalidInput(f"--dataset {named}: unknown data set {name}{nearest(name, known.DATA_SETS)}")


def conventions(protocols: Iterable[str], named: str) -> None:
    """See that protocols are of the joints of a data set, NAME or NAME:SPLIT.

    Raises: InvalidInput.
    """
    require_joints(protocols, [known.SKELETONS[named.partition(":")[0]]])


def require_joints(protocols: Iterable[str], skeletons: Collection[str]) -> None:
    """See that each of some protocols is of one of the skeletons.

    Raises: InvalidInput.
    """
    for text in protocols:
        from benchbox.metrics.protocol import other_joints, parse

        wrong = [other_joints(parse(text), skeleton) for skeleton in skeletons]
        if wrong and all(wrong):
            raise InvalidInput(f"--protocol {wrong[0]}")


def column(name: str) -> None:
    """Look at a column of a study's table: a score or a cost, a score with its protocol, or a group.

    Raises: InvalidInput with the nearest.
    """
    metric = re.split("[ @]", name)[0]
    if metric not in known.METRICS and name.partition(":")[0] not in known.GROUPS:
        raise InvalidInput(f"{name}: no such column{nearest(name, known.METRICS)}")


def seeds_of_sides(a: str, b: str, typed: str | None) -> None:
    """See that seeds are asked of an arm, which has several; a job or saved predictions are one training.

    Raises: InvalidInput.
    """
    if typed and ".toml:" not in a + b:
        raise InvalidInput(
            f"--seeds {typed}: goes with an arm; give STUDY.toml:ARM, since {a} and {b} are single results"
        )


def seeds_of(typed: str | None) -> list[int] | None:
    """Read a list of seeds as typed; None where none was.

    Raises: InvalidInput.
    """
    if typed is None:
        return None
    try:
        seeds = [int(part) for part in typed.split(",")]
    except ValueError:
        raise InvalidInput(f"--seeds {typed}: must be whole numbers with commas, e.g. 0,1,2") from None
    if len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InvalidInput(f"--seeds {typed}: seeds are different numbers from 0 up, e.g. 0,1,2")
    return seeds


def confidence(value: float) -> None:
    """See that intervals can be of a confidence.

    Raises: InvalidInput.
    """
    if not 0.5 <= value < 1:
        raise InvalidInput(f"--confidence {value:g}: must be from 0.5 up and below 1, e.g. 0.95")


def effect(value: float) -> None:
    """See that an effect can be one of a score in percent.

    Raises: InvalidInput.
    """
    if not 0 < value <= 100:
        raise InvalidInput(f"--effect {value:g}: points of the primary metric, more than 0 and at most 100, e.g. 1")


def _protocol(text: str) -> None:
    from benchbox.metrics.protocol import parse

    parse(text)


READ: dict[str, Callable[[Any], object]] = {
    "seeds": seeds_of,
    "protocol": _protocol,
    "confidence": confidence,
    "effect": effect,
    "results": Path.exists,  # raises for a name that no folder can have
}
"""Parameters of any verb that can be judged by themselves, and what reads them."""
