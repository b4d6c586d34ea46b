"""The verb that prints tables: of a study, or of a paper with reported beside measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchbox import costs, store
from benchbox.cli import folders
from benchbox.cli.grid import Column, emit
from benchbox.cli.study import count_networks
from benchbox.errors import CANNOT_JUDGE, OK, InvalidInput, nearest
from benchbox.jobdir import JobDir
from benchbox.papers import read as papers
from benchbox.plan import Arm, expand
from benchbox.report import frame
from benchbox.report.tables import Layout, paper_table, study_table
from benchbox.spec import SCALES, Study, read_study


def table(path: Path | None, paper: str | None, scale: str | None, strict: bool, results: Path, format: str) -> int:
    """Print one study's table or all tables of a paper."""
    if (path is None) == (paper is None):
        known = f" (papers: {', '.join(papers.names())})"
        raise InvalidInput(f"table: give either a study's file or --paper NAME{known}")
    layouts = [_study_layout(path, scale, results)] if path else _paper_layouts(str(paper), scale, results)
    for layout in layouts:
        columns = [Column(column.key, column.heading, column.right) for column in layout.columns]
        rows = layout.records if format == "json" else layout.texts
        emit(format, layout.title, columns, rows, layout.meta, layout.footnotes)
    return CANNOT_JUDGE if strict and any(layout.missing for layout in layouts) else OK


def _study_layout(path: Path, asked: str | None, results: Path) -> Layout:
    study = read_study(path)
    scale = _scale(study, asked, results)
    arms = expand(study, scale)
    return study_table(study.title, scale, _rows(arms, results), _counted(arms))


def _paper_layouts(name: str, asked: str | None, results: Path) -> list[Layout]:
    paper = papers.read(name)
    layouts = []
    for one in paper.tables:
        study = read_study(_study_file(one.study))
        scale = _scale(study, asked, results)
        arms = expand(study, scale)
        rows = {row.arm.name: row for row in _rows(arms, results)}
        for printed in one.rows:
            if printed.arm is not None and printed.arm not in rows:
                raise InvalidInput(f'{study.path}: has no arm "{printed.arm}"{nearest(printed.arm, rows)}')
        counted = _counted(expand(study, "paper"))
        layouts.append(paper_table(paper, one, scale, rows, counted, _counted(arms)))
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


def _rows(arms: Sequence[Arm], results: Path) -> list[frame.ArmRow]:
    found = store.read(results, {arm.job for arm in arms}, folders.data_root())
    jobs: dict[str, list[str]] = {}
    for arm in arms:
        jobs.setdefault(arm.name, []).append(arm.job)
    references = {arm.name for arm in arms if arm.reference}
    return frame.rows([frame.ArmJobs(name, name in references, tuple(ids)) for name, ids in jobs.items()], found)


def _counted(arms: Sequence[Arm]) -> Mapping[str, Mapping[str, int]]:
    found = count_networks([arm.config for arm in arms])
    counts = {arm.name: found[costs.key(arm.config)] for arm in arms}
    return {name: {"parameters": cost.parameters, "macs": cost.macs} for name, cost in counts.items()}
