"""The cells of a paper's tables: what is printed, what answers it, and the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchbox.papers.read import Paper, PaperColumn, PaperRow, PaperTable
from benchbox.report import verdict
from benchbox.report.differences import Differences
from benchbox.report.frame import ArmRow, Measured
from benchbox.report.layout import ScoreColumn, head
from benchbox.report.verdict import Verdict

Counts = Mapping[str, Mapping[str, int | float]]


@dataclass(frozen=True)
class Answers:
    """What one study has to say to a paper's rows, at one scale.

    Args:
        rows: its arms by name.
        counted, counted_here: parameters and macs of each arm at the paper's own scale and at `scale`.
        gaps: differences of arms to their reference, where they were asked for.
        noise: how far the persons' interval of a score reaches, by (arm, protocol, metric, group), in points.
    """

    study: str
    scale: str
    rows: Mapping[str, ArmRow]
    counted: Counts
    counted_here: Counts
    gaps: Differences | None = None
    noise: Mapping[tuple[str, str, str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One cell of a paper's table: what is printed, what was found, and the verdict (None: nothing is printed).

    Args:
        measured: of a score.
        counted, here: of a count, at the paper's own scale and at the table's.
        gap: the difference to the reference arm, the fields of `stats.compare.Comparison`.
    """

    address: str
    reported: str
    row: ArmRow | None
    verdict: Verdict | None
    protocol: str = ""
    measured: Measured | None = None
    counted: float | None = None
    here: float | None = None
    gap: Mapping[str, Any] | None = None

    @property
    def missing(self) -> bool:
        """Tell whether something should be here that is not."""
        if self.row is None or self.verdict is None or self.counted is not None:
            return False
        return self.row.state not in ("done", "saved") or self.measured is None


@dataclass(frozen=True)
class Filled:
    """A paper's table with all its cells, by (row, column); `scores` are the columns that were trained for."""

    paper: Paper
    table: PaperTable
    scale: str
    cells: Mapping[tuple[str, str], Cell]
    scores: Mapping[str, ScoreColumn | None]
    arms: Sequence[ArmRow]
    gaps: Mapping[str, Differences] = field(default_factory=dict)

    def wrong(self) -> dict[str, list[str]]:
        """Return the cells that each erratum of the paper is about, of those with any, by its key."""
        inside = [one.address for one in self.cells.values() if one.reported not in ("", "-")]
        found = {one.key: [address for address in inside if one.on(address)] for one in self.paper.errata}
        return {key: addresses for key, addresses in found.items() if addresses}

    def marks(self) -> dict[str, str]:
        """Return the mark that each erratum puts on its cells; none where it is about the whole table."""
        count = sum(one.reported not in ("", "-") for one in self.cells.values())
        marks: dict[str, str] = {}
        for key, addresses in self.wrong().items():
            marks[key] = str(sum(map(bool, marks.values())) + 1) if len(addresses) < count else ""
        return marks


def fill(paper: Paper, table: PaperTable, answers: Mapping[str, Answers], *, mixed: bool = False) -> Filled:
    """Find what answers each cell of a table.

    Args:
        answers: by the name of the study, all at one scale.
        mixed: let scores of different protocols share a column.
    """
    own = {row.key: answers[table.study_of(row)] for row in table.rows}
    arms = {row.key: own[row.key].rows[row.arm] for row in table.rows if row.arm}
    distinct = list({(table.study_of(row), row.arm): arms[row.key] for row in table.rows if row.arm}.values())
    scores = {
        column.key: _score_column(table, column, distinct, mixed)
        for column in table.columns
        if column.metric and not column.counted
    }
    cells = {}
    for row in table.rows:
        for column in table.columns:
            if column.counted:
                cells[row.key, column.key] = _count(table, row, column, own[row.key], arms.get(row.key))
            elif column.metric:
                cells[row.key, column.key] = _score(
                    table, row, column, own[row.key], arms.get(row.key), scores[column.key]
                )
    gaps = {name: one.gaps for name, one in answers.items() if one.gaps}
    return Filled(paper, table, answers[table.study].scale, cells, scores, distinct, gaps)


def _score_column(table: PaperTable, column: PaperColumn, arms: Sequence[ArmRow], mixed: bool) -> ScoreColumn | None:
    """Return whose scores stand in a column: the paper's protocol, else the first that any arm has; all if mixed."""
    ordered = sorted(arms, key=lambda row: not row.arm.reference)
    known = [
        name
        for row in ordered
        for name, one, group in row.scores
        if (one, group) == (column.metric, column.group) and head(name) == head(table.protocol)
    ]
    names = tuple(dict.fromkeys([name for name in known if name == table.protocol] + known))
    return ScoreColumn(column.metric, names if mixed else names[:1], column.group) if names else None


def _score(
    table: PaperTable,
    row: PaperRow,
    column: PaperColumn,
    answers: Answers,
    arm: ArmRow | None,
    scores: ScoreColumn | None,
) -> Cell:
    protocol, found = scores.of(arm) if scores and arm else ("", None)
    said = verdict.judge(
        table,
        row,
        column,
        scale=answers.scale,
        state=arm.state if arm else "",
        found=found,
        protocol=protocol,
        noise=answers.noise.get((row.arm, protocol, column.metric, column.group), 0.0),
    )
    gap = answers.gaps.of(arm, scores) if answers.gaps and arm and scores else None
    address = f"{table.id}/{row.key}/{column.key}"
    return Cell(address, table.text(row, column), arm, said, protocol, found, gap=gap)


def _count(table: PaperTable, row: PaperRow, column: PaperColumn, answers: Answers, arm: ArmRow | None) -> Cell:
    reported = table.text(row, column)
    counted = answers.counted[row.arm][column.metric] if arm else None
    said = None if reported in ("", "-") else verdict.of_count(reported, counted)
    here = answers.counted_here[row.arm][column.metric] if arm else None
    return Cell(f"{table.id}/{row.key}/{column.key}", reported, arm, said, counted=counted, here=here)
