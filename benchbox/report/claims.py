"""What a paper says of its results, checked: does it agree with its own tables, and do the measured numbers agree?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbox.papers import formula
from benchbox.papers.formula import SLACK, Check, Formula, Span
from benchbox.papers.read import Claim, Paper
from benchbox.report import verdict
from benchbox.report.cells import Cell, Filled
from benchbox.report.layout import SCHEMA, Heading, Layout
from benchbox.report.marks import Note

NOT_MEASURED = "not measured"
MOST_DIGITS = 3
Gap = Mapping[str, Any]
Gaps = Mapping[tuple[str, str], Gap]
"""The difference of two cells, first - second, as the fields of `stats.compare.Comparison`, by their addresses."""


@dataclass(frozen=True)
class Finding:
    """What came of one formula: the values compared, the verdict, and why it is not more definite."""

    values: str
    verdict: str
    why: str = ""

    @property
    def text(self) -> str:
        return f"{self.verdict} ({self.why})" if self.why else self.verdict


def cells_by_address(tables: Sequence[Filled]) -> dict[str, Cell]:
    """Return the cells of filled tables as formulas name them."""
    return {one.address: one for filled in tables for one in filled.cells.values()}


def comparable_pairs(paper: Paper, cells: Mapping[str, Cell]) -> list[tuple[str, str]]:
    """List the pairs of measured scores of one protocol whose difference decides a claim."""
    found: dict[tuple[str, str], None] = {}
    for claim in paper.claims:
        for text in claim.checks:
            for pair in formula.parse(text).pairs():
                sides = [cells[address] for address in pair or ()]
                scores = sides and all(_there(one) and one.measured for one in sides)
                if pair and scores and sides[0].protocol == sides[1].protocol:
                    found[pair] = None
    return list(found)


def claims_table(paper: Paper, tables: Sequence[Filled], gaps: Gaps) -> Layout:
    """Lay out the claims of a paper, one row for each formula.

    Args:
        tables: all tables of the paper.
        gaps: differences of `comparable_pairs` with their intervals, as far as they are known.
    """
    cells = cells_by_address(tables)
    scales = {filled.table.id: filled.scale for filled in tables}
    wrong = [one for one in paper.errata if one.claims]
    marks: dict[str, list[str]] = {claim.key: [] for claim in paper.claims}
    for number, one in enumerate(wrong, start=1):
        for key in one.claims:
            marks[key].append(str(number))
    texts, records, keys = [], [], []
    raised: list[dict[str, Sequence[str]]] = []
    for claim in paper.claims:
        for place, text in enumerate(claim.checks):
            read = formula.parse(text)
            inside, outside = _reported(paper, read), _measured(read, cells, scales, gaps)
            said = {"place": claim.place, "quote": f"“{claim.quote}”"} if place == 0 else {}
            shown = {"check": text, "reported": inside.values, "paper": inside.text}
            texts.append(said | shown | {"measured": outside.values, "verdict": outside.text})
            records.append(_record(claim, text, inside, outside, [one.key for one in wrong if claim.key in one.claims]))
            keys.append(claim.key)
            raised.append({"quote": marks[claim.key] if place == 0 else []})
    columns = [Heading("place", "In"), Heading("quote", "The paper says"), Heading("check", "As a formula")]
    columns += [Heading("reported", "Reported"), Heading("paper", "In its tables")]
    columns += [Heading("measured", "Measured"), Heading("verdict", "When measured")]
    notes: list[str | Note] = [
        "In its tables: the formula on the printed cells, each good to half a unit of its last digit.",
        "Measured: scores with their 95 % interval; parameters are counted, at the paper's own size.",
        *(f"Table {id}: scale {scale}." for id, scale in scales.items()),
        *(Note(one.text.strip(), str(number)) for number, one in enumerate(wrong, start=1)),
    ]
    starts = [place for place in range(1, len(keys)) if keys[place] != keys[place - 1]]
    return Layout(
        f"{paper.name}: {len(paper.claims)} claims",
        columns,
        texts,
        records,
        notes,
        sum(record["measured"]["verdict"] == NOT_MEASURED for record in records),
        {"schema": SCHEMA, "kind": "claims", "paper": paper.name, "scales": scales},
        keys,
        [],
        starts,
        raised,
    )


def _record(claim: Claim, check: str, inside: Finding, outside: Finding, errata: list[str]) -> dict[str, Any]:
    return {
        "claim": claim.key,
        "place": claim.place,
        "quote": claim.quote,
        "check": check,
        "reported": {"values": inside.values, "verdict": inside.verdict},
        "measured": {"values": outside.values, "verdict": outside.verdict, "why": outside.why or None},
        "errata": errata,
    }


def _reported(paper: Paper, read: Formula) -> Finding:
    def cell(address: str) -> Span:
        table, row, column = paper.at(address)
        return formula.printed(table.text(row, column))

    checks = read.checks(cell)
    return Finding(_values(checks), formula.together(check.verdict for check in checks))


def _measured(read: Formula, cells: Mapping[str, Cell], scales: Mapping[str, str], gaps: Gaps) -> Finding:
    named = [cells[address] for address in read.cells]
    for one in named:
        if not _there(one):
            return Finding("", NOT_MEASURED, _absence(one))
    scores = [one for one in named if one.measured]
    if len({one.protocol for one in scores}) > 1:
        return Finding("", formula.OPEN, "scores of different protocols")
    checks = read.checks(lambda address: _span(cells[address]))
    known = [gaps.get(pair) if pair else None for pair in read.pairs()]
    judged = [_judged(check, gap) for check, gap in zip(checks, known, strict=True)]
    values = _values(checks, known, decimals=2 if scores else 3)
    scale = next((scales[one.address.partition("/")[0]] for one in scores), "paper")
    if scale != "paper":
        if any(check.sign == "==" for check in checks):
            return Finding(values, formula.OPEN, f"scale {scale}")
        return Finding(values, formula.together(judged), f"at scale {scale}")
    obstacles = [one.verdict.why for one in scores if one.verdict and one.verdict.word == verdict.NOT_COMPARABLE]
    if obstacles and any(check.sign == "==" for check in checks):
        return Finding(values, formula.OPEN, obstacles[0])
    return Finding(values, formula.together(judged))


def _there(one: Cell) -> bool:
    if one.row is None or one.counted is not None:
        return one.row is not None
    return one.row.state in ("done", "saved") and one.measured is not None


def _absence(one: Cell) -> str:
    if one.row is None:
        return "cited, not run here"
    return f"{one.row.arm.name}: {one.row.state if one.row.state not in ('done', 'saved') else 'no such score'}"


def _span(one: Cell) -> Span:
    """Return a measured number with its uncertainty: none for a count, the seeds' for a score, unknown for one seed."""
    if one.counted is not None:
        return formula.exact(one.counted / 1e6 if one.reported.endswith("M") else one.counted)
    assert one.measured is not None
    reach = verdict.seeds_mean_noise(one.measured)
    return Span(one.measured.mean, one.measured.mean - reach, one.measured.mean + reach)


def _judged(check: Check, gap: Gap | None) -> str:
    """Judge a comparison by the paired difference's interval where there is one."""
    if gap is None or gap["low"] is None:
        return check.verdict
    found = Span(gap["difference"], gap["low"], gap["high"])
    return formula.judge(found, check.sign, check.right if check.literal else formula.exact(0))


def _values(checks: Sequence[Check], gaps: Sequence[Gap | None] = (), decimals: int | None = None) -> str:
    """Spell what was compared, to the decimals that it is known to when None; a difference with its interval."""
    gap = gaps[0] if len(checks) == 1 and gaps else None
    interval = f" [{gap['low']:+.2f}, {gap['high']:+.2f}]" if gap and gap["low"] is not None else ""

    literal = len(f"{checks[0].right.value:g}".partition(".")[2]) if checks[0].literal else 0

    def spelt(side: Span) -> str:
        return f"{side.value:.{max(literal, _digits(side)) if decimals is None else decimals}f}"

    if len(checks) == 1 and checks[0].literal:
        return f"{spelt(checks[0].left)}{interval}"
    chain = spelt(checks[0].left) + "".join(f" {check.sign} {spelt(check.right)}" for check in checks)
    return f"{chain}{f'; difference {interval.strip()}' if interval else ''}"


def _digits(side: Span) -> int:
    """Return the decimals that a number is known to."""
    width = side.high - side.low
    return max(0, min(MOST_DIGITS, math.ceil(-math.log10(width) - SLACK))) if 0 < width < math.inf else 2
