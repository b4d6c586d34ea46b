"""Look at what a verb was given before anything heavy is loaded for it, so that a mistake is answered at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from benchbox.cli import known
from benchbox.errors import EnvironmentProblem, InvalidInput, nearest

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
    results: Path = Path("results"),
) -> None:
    """Look for a paper and saved predictions, and read studies at one scale.

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
            arms(study, scale)


def study_or_paper(study: Path | None, paper: str | None) -> None:
    """See that one of the two was named.

    Raises: InvalidInput where none was, or both.
    """
    if (study is None) == (paper is None):
        raise InvalidInput(f"table: give either a study's file or --paper NAME (papers: {', '.join(known.papers())})")


def places(paper: str, tables: Iterable[str], row: str = "", column: str = "") -> None:
    """Look for tables of a paper, and for a row and a column of them where one is named.

    Raises: InvalidInput with the nearest.
    """
    from benchbox.papers.read import read

    for id in tables:
        table = read(paper).table(id)
        if row:
            table.row(row)
            table.column(column)


def data_set(named: str) -> None:
    """Look for a data set that predictions are made for, NAME or NAME:SPLIT.

    Raises: InvalidInput with the nearest.
    """
    name = named.partition(":")[0]
    if name not in known.DATA_SETS:
        raise InvalidInput(f"--dataset {named}: unknown data set {name}{nearest(name, known.DATA_SETS)}")


def file(path: Path) -> None:
    """Look for a file.

    Raises: InvalidInput with the nearest of its kind.
    """
    if not path.exists():
        beside = [str(one) for one in path.parent.glob(f"*{path.suffix}") if one.is_file()] if path.suffix else []
        raise InvalidInput(f"{path}: no such file{nearest(str(path), beside)}" + ("" if beside else "; give its path"))


def arms(study: Path, scale: str | None) -> list[str]:
    """Return the names of a study's arms, at the scale asked for or else at a quick one.

    Raises: InvalidInput for a study that is not one.
    """
    from benchbox.plan import expand
    from benchbox.spec import read_study

    found = read_study(study)
    try:
        return [arm.name for arm in expand(found, scale or ("tiny" if "tiny" in found.scales else "paper"))]
    except EnvironmentProblem:  # weights that this scale asks for, which may not be the one that is shown
        return known.arms(study)


def arm(study: Path, name: str, scale: str | None) -> None:
    """Look for an arm of a study.

    Raises: InvalidInput with the nearest.
    """
    names = arms(study, scale)
    if name not in names:
        raise InvalidInput(f'{study}: has no arm "{name}"{nearest(name, set(names))}')


def job(text: str, results: Path) -> str:
    """Return the only job's id that begins so.

    Raises: InvalidInput with the nearest, or with what is missing.
    """
    ids = [*known.jobs(results)]
    found = [one for one in ids if text and one.startswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"job {text}: begins {len(found)} ids: {', '.join(found[:5])}; type more of it")
    hint = nearest(text, ids) if ids else "; it has no jobs yet: benchbox run STUDY.toml makes them"
    raise InvalidInput(f"job {text}: not in {results}{hint}")


def result(text: str, scale: str | None, results: Path) -> str:
    """Look for what STUDY.toml:ARM, saved predictions or the beginning of a job's id names; return its id or name.

    Raises: InvalidInput with the nearest.
    """
    file, mark, name = text.partition(".toml:")
    if mark:
        arm(Path(f"{file}.toml"), name, scale)
        return text
    saved, ids = known.saved(results), [*known.jobs(results)]
    found = [text] if text in saved else [one for one in ids if text and one.startswith(text)]
    if len(found) > 1:
        raise InvalidInput(f"{text}: begins {len(found)} job ids: {', '.join(found[:5])}; type more of it")
    if not found:
        hint = nearest(text, [*saved, *ids]) or "; it has no results yet: benchbox run STUDY.toml makes them"
        raise InvalidInput(f"{text}: neither a job nor saved predictions in {results}, nor STUDY.toml:ARM{hint}")
    return found[0]


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
        raise InvalidInput(f"--seeds {typed}: seeds are different numbers from 0 up")
    return seeds


def _protocol(text: str) -> None:
    from benchbox.metrics.protocol import parse

    parse(text)


READ: dict[str, Callable[[str], object]] = {"seeds": seeds_of, "protocol": _protocol}
"""Parameters of any verb that follow a grammar, and what reads them."""
