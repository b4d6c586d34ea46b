"""The verb that draws figures of results, and the figures that a page can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchbox.cli import early
from benchbox.cli.finished import choose_scale
from benchbox.cli.papers import studies_of
from benchbox.cli.plotted import GATHER
from benchbox.cli.shown import COSTS, Shown
from benchbox.cli.study import Choice, Selection, select
from benchbox.console import data, note
from benchbox.errors import OK, BenchboxError, CannotJudge, InvalidInput, nearest
from benchbox.figures import KINDS
from benchbox.figures.output import FORMATS, svg
from benchbox.files import write_whole
from benchbox.papers import read as papers
from benchbox.spec import read_study


@dataclass(frozen=True)
class How:
    """Which figures, and how: kinds and protocols (all when empty), costs of pareto, the folder, svg or png."""

    kinds: Sequence[str] = ()
    x: str = "parameters"
    protocols: Sequence[str] = ()
    out: Path = Path("plots")
    format: str = "svg"


def plot(path: Path | None, paper: str | None, choice: Choice, how: How) -> int:
    """Draw the figures of a study or of a paper's studies, print the paths of their files, say why others are not."""
    early.study_or_paper("plot", path, paper)
    check(how)
    paths, problems = [path] if path else studies_of(papers.read(str(paper))), []
    for one in paths:
        try:
            _draw(one, choice, how)
        except CannotJudge as problem:
            problems.append(str(problem))
    if len(problems) == len(paths):
        raise CannotJudge("; ".join(problems))
    for line in problems:
        note(line)
    return OK


def svgs(chosen: Selection, kinds: Sequence[str] | None = None, prefix: str = "") -> dict[str, str]:
    """Return figures of a study for a page: by kind one `<svg>` element, its ids beginning with the kind.

    Args:
        kinds: all when None; those that the results do not allow are absent.
        prefix: of the ids, before the kind: a page of several studies has every kind several times.

    Raises: InvalidInput for an unknown kind.
    """
    check(How(kinds or ()))
    shown = Shown(chosen)
    found = figures(shown, kinds or ()) if shown.arms else iter(())
    return {kind: svg(figure, f"{prefix}{kind}") for kind, figure, _ in found if figure}


def figures(shown: Shown, kinds: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield each kind with its figure, or with None and why there is none, in the order of `KINDS`."""
    for kind, draw in KINDS.items():
        if not kinds or kind in kinds:
            try:
                made, problem = GATHER[kind](shown), ""
            except BenchboxError as found:
                made, problem = None, str(found)
            yield kind, made and draw(made), problem


def _draw(path: Path, choice: Choice, how: How) -> None:
    chosen = select(path, replace(choice, scale=choose_scale(read_study(path), choice.scale, choice.results)))
    shown, written = Shown(chosen, how.x, how.protocols), 0
    if not shown.arms:
        raise CannotJudge(f"{path}: no arm is done at scale {chosen.scale}; benchbox run {path} first")
    _ = shown.used  # what is wrong with a protocol or a record is wrong with every figure
    for kind, figure, problem in figures(shown, how.kinds):
        if problem:
            note(f"{path.stem}: {kind}: not drawn: {problem}")
            continue
        file = how.out / f"{path.stem}.{chosen.scale}.{kind}.{how.format}"
        write_whole(file, FORMATS[how.format](figure, kind))
        data(str(file))
        written += 1
    if not written:
        raise CannotJudge(f"{path}: nothing that could be drawn at scale {chosen.scale}")


def check(how: How) -> None:
    """Refuse what there is not.

    Raises: InvalidInput with the nearest right word.
    """
    for kind in how.kinds:
        if kind not in KINDS:
            raise InvalidInput(f"--kind {kind}: unknown{nearest(kind, KINDS)}")
    if how.x not in COSTS:
        raise InvalidInput(f"--x {how.x}: unknown{nearest(how.x, COSTS)}")
    if how.format not in FORMATS:
        raise InvalidInput(f"--format {how.format}: unknown{nearest(how.format, FORMATS)}")
