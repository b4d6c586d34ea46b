"""The verb that writes the page: everything about some studies and their papers in one HTML file."""

from __future__ import annotations

import contextlib
import gc
import shlex
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbox import __version__
from benchbox.cli import early_files, page_origin, page_studies
from benchbox.cli.arms import sides, summed
from benchbox.cli.differences import How, compared, remembered
from benchbox.cli.page_studies import Found, kept
from benchbox.console import data, many, note
from benchbox.errors import OK, BenchboxError, CannotJudge, EnvironmentProblem, InvalidInput, nearest
from benchbox.files import write_whole
from benchbox.page.content import Command, Page
from benchbox.page.render import render
from benchbox.papers import read as papers
from benchbox.papers.read import Paper
from benchbox.report.differences import Differences
from benchbox.spec import SCALES, read_study

WHOLE_UP_TO = 100
"""Jobs up to which comparisons, plots and pictures are made unasked: they take seconds a study."""
NEVER = 10_000_000
"""Objects between two searches for garbage: a page of 1,000 jobs is a million, none of which is garbage."""
LEFT_OUT = "Left out of a quick page: comparisons, plots and worst persons; `benchbox report --full` adds them."


@dataclass(frozen=True)
class Asked:
    """What the page shows, from where, and where it is written.

    Args: full: comparisons, plots and pictures too; None: as long as there are few jobs.
    """

    studies: Sequence[Path]
    paper: str | None
    scale: str | None
    results: Path
    out: Path
    full: bool | None = None
    opened: bool = False


def report(asked: Asked) -> int:
    """Write the page, print where it is, and open it when that was asked for."""
    early_files.page(asked.out)
    gc.set_threshold(NEVER)
    with remembered():
        text = render(page(asked))
    write_whole(asked.out, text)
    data(str(asked.out))
    if asked.opened and not webbrowser.open(asked.out.resolve().as_uri()):
        raise EnvironmentProblem(f"--open: no browser found; open {asked.out.resolve()}")
    return OK


def page(asked: Asked) -> Page:
    """Gather what the page shows.

    Raises: InvalidInput for an unknown study, scale or paper; CannotJudge where nothing was named nor has results.
    """
    if asked.scale and asked.scale not in SCALES:
        raise InvalidInput(f"--scale {asked.scale}: unknown scale{nearest(asked.scale, SCALES)}")
    named = papers.read(asked.paper) if asked.paper else None
    studies = _studies(asked, named)
    few = len({job for one in studies for job in one.store.states}) <= WHOLE_UP_TO
    full = few if asked.full is None else asked.full
    if not full and asked.full is None:
        note(LEFT_OUT)
    gaps = _gaps(studies, asked.results) if full else [LEFT_OUT] * len(studies)
    sections = []
    for place, (one, known) in enumerate(zip(studies, gaps, strict=True)):
        if full and one.done:
            note(f"{one.chosen.study.path.name}: drawing plots and persons")
        drawn = _svgs(f"study-{place + 1}", one) if full and one.done else {}
        persons = page_studies.badly(one) if full and one.done else None
        sections.append(page_studies.section(f"study-{place + 1}", one, known, drawn, persons))
    chosen = [named] if named else _answered(studies)
    told = []
    for place, paper in enumerate(chosen):
        from benchbox.cli import page_papers

        told.append(
            page_papers.section(f"paper-{place + 1}", paper, asked.scale, asked.results, "" if full else LEFT_OUT)
        )
    again = [Command("Make this page again", _again(asked, studies))]
    return Page(_title(studies, chosen), sections, told, page_origin.tables(studies), again, __version__)


def _studies(asked: Asked, named: Paper | None) -> list[Found]:
    """Return the studies that were named, else those of the paper or of the folder `ablations` that have results."""
    if asked.studies:
        return [page_studies.find(path, asked.scale, asked.results) for path in dict.fromkeys(asked.studies)]
    if named:
        from benchbox.cli.papers import studies_of

        paths = studies_of(named)
    else:
        paths = sorted(Path("ablations").glob("*.toml"))
    if asked.scale not in (None, "paper"):
        paths = [path for path in paths if asked.scale in read_study(path).scales]
    found = [page_studies.find(path, asked.scale, asked.results) for path in paths]
    having = [one for one in found if one.done]
    if not having and not named:
        what = "no study in ablations/" if paths else "no ablations/ here"
        raise CannotJudge(f"report: {what} has results in {asked.results}; name a study, or call benchbox run first")
    return having


def _answered(studies: Sequence[Found]) -> list[Paper]:
    """Return the papers to whose tables a study belongs."""
    names = dict.fromkeys(one.chosen.study.paper for one in studies)
    found = [papers.read(name) for name in names if name in papers.names()]
    if found:
        from benchbox.cli.papers import studies_of

        shown = {one.chosen.study.path.resolve() for one in studies}
        found = [one for one in found if shown & {path.resolve() for path in studies_of(one)}]
    return found


def _svgs(id: str, one: Found) -> dict[str, str]:
    """Draw what the results of a study allow; matplotlib is not loaded for a page without plots."""
    from benchbox.cli import plot

    return plot.svgs(one.chosen, prefix=f"{id}-")


def _gaps(studies: Sequence[Found], results: Path) -> list[Differences | str]:
    """Compare all arms with their references; return a study's differences, or why there are none.

    All are asked for in one go; where that fails, study by study, so that one without its data spoils no other.
    """
    how = How(kinds=("all",))
    pairs = [sides(one.chosen.arms, one.rows, results) for one in studies]
    together = [pair for some in pairs for pair in some.values()]
    if together:
        note(f"comparing {many(len(together), 'arm')} with the reference")
        with contextlib.suppress(BenchboxError):
            compared(together, how, results)
    found: list[Differences | str] = []
    for some in pairs:
        try:
            answers = compared(list(some.values()), how, results)
            found.append(summed(dict(zip(some, answers, strict=True)), how) if some else "")
        except BenchboxError as problem:
            found.append(f"No comparisons: {problem}.")
    return found


def _again(asked: Asked, studies: Sequence[Found]) -> str:
    """Return the command that makes the page."""
    words = [one.chosen.study.path.as_posix() for one in studies]
    words += ["--paper", asked.paper] if asked.paper else []
    scales = {one.chosen.scale for one in studies}
    words += ["--scale", asked.scale or scales.pop()] if asked.scale or len(scales) == 1 else []
    words += {None: [], True: ["--full"], False: ["--quick"]}[asked.full]
    return f"benchbox report {shlex.join(words)}{kept(asked.results)} --out {shlex.quote(asked.out.as_posix())}"


def _title(studies: Sequence[Found], chosen: Sequence[Paper]) -> str:
    names = list(dict.fromkeys([one.chosen.study.title for one in studies] or [one.title for one in chosen]))
    return names[0] if len(names) == 1 else f"{len(names)} studies of 2D human pose estimation"
