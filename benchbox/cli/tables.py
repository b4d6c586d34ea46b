"""The verb that prints tables: of a study, or of a paper with reported beside measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbox import costs, store
from benchbox.cli import folders
from benchbox.cli.counts import count_networks
from benchbox.cli.grid import Column, emit
from benchbox.cli.scores import check_group
from benchbox.errors import CANNOT_JUDGE, OK, InvalidInput
from benchbox.jobdir import JobDir
from benchbox.papers import read as papers
from benchbox.plan import Arm, expand
from benchbox.report import frame
from benchbox.report.layout import Layout
from benchbox.report.paper import paper_table
from benchbox.report.tables import group_table, study_table
from benchbox.spec import SCALES, Study, read_study


@dataclass(frozen=True)
class Shown:
    """What of a table is shown: scores by a kind of group, some protocols, mixed or not, saved predictions."""

    by: str | None
    protocols: Sequence[str]
    mixed: bool
    saved: Sequence[str]


def table(
    path: Path | None, paper: str | None, scale: str | None, strict: bool, shown: Shown, results: Path, format: str
) -> int:
    """Print one study's table or all tables of a paper."""
    if (path is None) == (paper is None):
        known = f" (papers: {', '.join(papers.names())})"
        raise InvalidInput(f"table: give either a study's file or --paper NAME{known}")
    if path is None and (shown.by or shown.protocols or shown.saved):
        raise InvalidInput("table: --by, --protocol and --with go with a study's file")
    layouts = (
        [_study_layout(path, scale, shown, results)] if path else _paper_layouts(str(paper), scale, shown, results)
    )
    for layout in layouts:
        columns = [Column(column.key, column.heading, column.right) for column in layout.columns]
        rows = layout.records if format == "json" else layout.texts
        emit(format, layout.title, columns, rows, layout.meta, layout.footnotes)
    return CANNOT_JUDGE if strict and any(layout.missing for layout in layouts) else OK


def _study_layout(path: Path, asked: str | None, shown: Shown, results: Path) -> Layout:
    study = read_study(path)
    scale = _scale(study, asked, results)
    arms = expand(study, scale)
    rows = _rows(arms, results, shown.saved)
    if shown.by:
        by = check_group(shown.by)
        return group_table(study.title, scale, rows, by, asked=shown.protocols, mixed=shown.mixed)
    return study_table(study.title, scale, rows, _counted(arms), asked=shown.protocols, mixed=shown.mixed)


def _paper_layouts(name: str, asked: str | None, shown: Shown, results: Path) -> list[Layout]:
    paper = papers.read(name)
    layouts = []
    for one in paper.tables:
        study = read_study(_study_file(one.study))
        scale = _scale(study, asked, results)
        arms = expand(study, scale)
        rows = {row.arm.name: row for row in _rows(arms, results)}
        counted = _counted(expand(study, "paper"))
        layouts.append(paper_table(paper, one, scale, rows, counted, _counted(arms), mixed=shown.mixed))
    return layouts


def _study_file(name: str) -> Path:
    here = Path("ablations") / f"{name}.toml"
    checkout = Path(__file__).parents[2] / here
    if not here.exists() and not checkout.exists():
        raise InvalidInput(f"{here}: no such file; call this where benchbox's ablations folder is")
    return here if here.exists() else checkout


def _scale(study: Study, asked: str | None, results: Path) -> str:
    """Choose the largest scale with a finished job; without any, or where they are the same, the one `run` chooses."""
    if asked:
        return asked
    usual = folders.choose_scale(None, study, folders.data_root())[0]
    usual_jobs = {arm.job for arm in expand(study, usual)}
    for scale in SCALES:
        if scale == "paper" or scale in study.scales:
            jobs = {arm.job for arm in expand(study, scale)}
            if any(JobDir.of(results, job).result() for job in jobs):
                return usual if jobs == usual_jobs else scale
    return usual


def _rows(arms: Sequence[Arm], results: Path, names: Sequence[str] = ()) -> list[frame.ArmRow]:
    found = store.read(results, {arm.job for arm in arms}, folders.data_root())
    found = store.with_saved(found, results, names)
    jobs: dict[str, list[str]] = {}
    for arm in arms:
        jobs.setdefault(arm.name, []).append(arm.job)
    references = {arm.name for arm in arms if arm.reference}
    named = [frame.ArmJobs(name, name in references, tuple(ids)) for name, ids in jobs.items()]
    return frame.rows([*named, *(frame.ArmJobs(name, False, (name,)) for name in names)], found)


def _counted(arms: Sequence[Arm]) -> Mapping[str, Mapping[str, int]]:
    found = count_networks([arm.config for arm in arms])
    counts = {arm.name: found[costs.key(arm.config)] for arm in arms}
    return {name: {"parameters": cost.parameters, "macs": cost.macs} for name, cost in counts.items()}
