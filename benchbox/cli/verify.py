"""The verb that finds in a manuscript what no longer is what the results say: numbers, headings, notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbox.cli.grid import emit
from benchbox.cli.manuscript import Manuscript, Place, Printed, Row
from benchbox.cli.markup import TEX, Column, Sheet, escape_latex
from benchbox.console import many, note
from benchbox.errors import CANNOT_JUDGE, FAILED, OK, BenchboxError, CannotJudge, InvalidInput

if TYPE_CHECKING:
    from benchbox.report.layout import Layout

STYLED = re.compile(r"\\(?:textbf|underline)\{(.*?)\}(\\textsuperscript\{[^{}]*\})?")
MATH = re.compile(r"\$((?:[-+\d.,\s]|\\pm)+)\$")
BOLD, SIGN = re.compile(r"\\mathbf\{([^{}]*)\}"), re.compile(r"\s*\\pm\s*")
UNSURE = ("pending", "running", "interrupted", "failed", "not run here", "–")
EDITED, RESULTS = "edited", "results changed"
"""Why a cell is not what it was: the results are those the table was made from, or they are not."""
HEADINGS, NOTES = "headings", "notes"
MOST_LOST = 5
"""Notes that are told as left out; a manuscript may do without all of them."""
ALIKE = 0.5
"""From which ratio of common characters on a paragraph is one of our notes that was edited, not the author's own."""


@dataclass
class Judged:
    """What a table, or all, is by today's results.

    Args:
        changed: what stands otherwise.
        unknown: what cannot be judged, a sentence each.
        equal: cells, headings among them, that are as they were.
        notes: notes that are as they were.
        gone: notes that do not stand below the table. lost: these.
    """

    changed: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    equal: int = 0
    notes: int = 0
    gone: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, other: Judged) -> None:
        """Count in what another table is."""
        self.changed += other.changed
        self.unknown += other.unknown
        self.lost += other.lost
        self.equal, self.notes, self.gone = self.equal + other.equal, self.notes + other.notes, self.gone + other.gone


def verify(files: Sequence[Path], results: Path, format: str) -> int:
    """Compare every table of ours in LaTeX files with today's results: cells, headings, notes."""
    manuscript = Manuscript()
    for path in files:
        manuscript.add(path)
    if not manuscript.tables:
        for stray in manuscript.strays:
            note(stray)
        for remark in manuscript.remarks[:-1]:
            note(remark)
        raise CannotJudge(
            f"{manuscript.remarks[-1]}, which says in a comment what it was made from; "
            "those of compare, claims and other verbs do not, and cannot be verified"
        )
    whole = Judged(unknown=list(manuscript.strays))
    for table in manuscript.tables:
        whole.add(_judged(table, results))
    columns = [Column("file", "File"), Column("line", "Line", right=True), Column("table", "Table")]
    columns += [Column("row", "Row"), Column("column", "Column")]
    columns += [Column("was", "Was"), Column("now", "Is"), Column("why", "Why")]
    meta = {"schema": 1, "kind": "verify", "files": list(map(str, files)), "tables": len(manuscript.tables)}
    meta |= {"equal": whole.equal, "notes": whole.notes, "notes_gone": whole.gone, "unknown": whole.unknown}
    named = str(files[0]) if len(files) == 1 else many(len(files), "file")
    title = f"{named}: {many(len(manuscript.tables), 'table')}"
    emit(format, title, columns, whole.changed, meta, _said(whole) + manuscript.remarks)
    return FAILED if whole.changed else CANNOT_JUDGE if whole.unknown else OK


def _said(whole: Judged) -> list[str]:
    equal = many(whole.equal, "cell") + (f" and {many(whole.notes, 'note')}" if whole.notes else "")
    said = [f"Nothing wrong: {equal} as today's results give them."]
    if whole.changed or whole.unknown:
        counts = f"{len(whole.changed)} not, {len(whole.unknown)} cannot be judged"
        said = [f"{equal} as today's results give them, {counts}."]
    if whole.gone:
        said.append(f"Not compared: {many(whole.gone, 'note')} left out or moved away from below the table.")
        said += [f"Left out or moved away: {text}" for text in dict.fromkeys(whole.lost)][:MOST_LOST]
    return said + whole.unknown


def _judged(table: Printed, results: Path) -> Judged:
    """Hold a table against today's results, and say in a line how that went."""
    from benchbox.cli.tables import fingerprint, sheet

    try:
        layout = _today(table, results)
    except (CannotJudge, InvalidInput) as problem:
        return Judged(unknown=[f"{table.place}: {problem}"])
    same_results = table.comment["rows"] == fingerprint(layout)
    judged = _compared(table, sheet(layout, "latex"), EDITED if same_results else RESULTS)
    note(f"{table.place}: {layout.title}: {_state(judged.changed, same_results)}")
    return judged


def _state(changed: Sequence[Mapping[str, Any]], same_results: bool) -> str:
    if not same_results:
        return "the results behind it have changed"
    notes = sum(row["row"] == NOTES for row in changed)
    counts = [many(number, noun) for number, noun in ((len(changed) - notes, "cell"), (notes, "note")) if number]
    if not counts:
        return "made from the same results"
    return f"made from the same results, but {' and '.join(counts)} edited since, by hand or by another version"


def _bare(cell: str) -> str:
    """Return a cell without the marks of the best and the second."""
    text = " ".join(cell.split())
    styled = STYLED.fullmatch(text)
    text = styled[1] + (styled[2] or "") if styled else text
    return re.sub(r"^\{([\[*])\}", r"\1", text)


def _same(was: str, now: str) -> bool:
    """Say whether two cells are the same number or text, whichever of them has its numbers in math mode."""
    first, second = (SIGN.sub(r"\\pm ", MATH.sub(r"\1", BOLD.sub(r"\1", text))) for text in (was, now))
    return first == second


def _today(table: Printed, results: Path) -> Layout:
    """Lay the same table out again.

    Raises: CannotJudge where it cannot be made any more.
    """
    from benchbox.cli.tables import Shown, paper_layouts, study_layout

    origin = table.comment["origin"]
    try:
        shown = Shown(
            by=origin.get("by"),
            protocols=list(origin.get("protocols", ())),
            mixed=bool(origin["mixed"]),
            saved=list(origin.get("saved", ())),
            compare=bool(origin["compare"]),
            tables=[origin["table"]] if "table" in origin else [],
            seeds=origin.get("seeds"),
        )
        scale = str(origin["scale"])
        if "paper" in origin:
            (layout,) = paper_layouts(str(origin["paper"]), shown, scale, results)
            return layout
        study = Path(str(origin["study"]))
        beside = table.folder / study
        return study_layout(beside if not study.exists() and beside.exists() else study, scale, shown, results)
    except BenchboxError as problem:
        raise CannotJudge(f"cannot be made again: {problem}{_elsewhere(origin)}") from None
    except (KeyError, TypeError) as problem:
        raise CannotJudge(f"its comment lacks {problem}; make the table again") from None


def _elsewhere(origin: Mapping[str, Any]) -> str:
    """Return where to look for a study that is not here."""
    study = Path(str(origin.get("study", "")))
    near = "paper" in origin or study.is_absolute() or study.exists()
    return "" if near else f"; call benchbox verify in the folder that {study} is relative to"


def _compared(table: Printed, today: Sheet, why: str) -> Judged:
    """Hold headings, rows and notes against those of today."""
    judged = Judged()
    keys = [column.key for column in today.columns]
    texts = {
        key: dict(zip(keys, cells, strict=True)) for key, cells in zip(today.look.keys, today.cells(TEX), strict=True)
    }
    if table.headings:
        headings = dict(zip(keys, map(escape_latex, today.headings()), strict=True))
        _cells(judged, table, table.headings, HEADINGS, headings)
    else:
        judged.unknown.append(f"{table.place}: no headings of {len(table.comment['columns'])} columns")
    for row in table.rows:
        if not row.key:
            judged.unknown.append(f"{row.place}: a row without its comment")
        elif row.key not in texts:
            judged.unknown.append(f"{row.place}: {row.key}: no such row today")
        else:
            _cells(judged, table, row, row.key, texts[row.key])
    _notes(judged, table, today, why)
    for one in judged.changed:
        one |= {"table": today.title, "why": why}
    return judged


def _cells(judged: Judged, table: Printed, row: Row, name: str, texts: Mapping[str, str]) -> None:
    """Hold a row's cells against those of today by column."""
    columns = table.comment["columns"]
    if len(row.cells) != len(columns):
        judged.unknown.append(f"{row.place}: {name}: {len(row.cells)} cells, its comment names {len(columns)}")
        return
    for column, was in zip(columns, map(_bare, row.cells), strict=True):
        now = _bare(texts.get(column, ""))
        if column in texts and _same(was, now):
            judged.equal += 1
        elif column not in texts or now.startswith(tuple(map(escape_latex, UNSURE))):
            judged.unknown.append(f"{row.place}: {name}: {column}: was {was}, is {now or 'no column'}")
        else:
            judged.changed.append(_row(row.place, name, column, was, now))


def _notes(judged: Judged, table: Printed, today: Sheet, why: str) -> None:
    """Hold the notes below a table against those of today."""
    notes = [" ".join(TEX.note(one).split()) for one in today.footnotes]
    edited = _edited(table.notes, notes)
    for place, was, now in edited:
        if why == RESULTS and judged.unknown:  # some results are missing, and notes count what is there
            judged.unknown.append(f"{place}: {NOTES}: was {was}, is {now}")
        else:
            judged.changed.append(_row(place, NOTES, "", was, now))
    judged.notes = len(set(notes) & {text for _, text in table.notes})
    judged.gone = len(set(notes)) - judged.notes - len(edited)
    standing = {text for _, text in table.notes} | {now for _, _, now in edited}
    judged.lost = [text for text in dict.fromkeys(notes) if text not in standing]


def _row(place: Place, name: str, column: str, was: str, now: str) -> dict[str, Any]:
    return {"file": str(place.file), "line": place.line, "row": name, "column": column, "was": was, "now": now}


def _edited(there: Sequence[tuple[Place, str]], today: Sequence[str]) -> list[tuple[Place, str, str]]:
    """Return the notes that stand otherwise below a table: where, what stands there and what would today."""
    left = set(today) - {text for _, text in there}
    pairs = []
    for place, was in there:
        alike = {now: ratio for now in sorted(left) if (ratio := _alike(was, now)) >= ALIKE} if was not in today else {}
        if alike:
            now = max(alike, key=alike.__getitem__)
            left.remove(now)
            pairs.append((place, was, now))
    return pairs


def _alike(one: str, other: str) -> float:
    """Return the ratio of common characters; 0 for what is far from `ALIKE`, found without comparing them in full."""
    pair = SequenceMatcher(None, one, other, autojunk=False)
    return pair.ratio() if pair.real_quick_ratio() >= ALIKE and pair.quick_ratio() >= ALIKE else 0.0
