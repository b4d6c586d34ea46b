"""The verb that finds numbers in a manuscript which no longer are what the results say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbox.cli.grid import emit
from benchbox.cli.markup import TEX, Column, Sheet, escape_latex
from benchbox.console import many, note
from benchbox.errors import CANNOT_JUDGE, FAILED, OK, BenchboxError, CannotJudge, InvalidInput
from benchbox.files import refuse_special

if TYPE_CHECKING:
    from benchbox.report.layout import Layout

COMMENT = re.compile(r"\s*% benchbox: (\{.*\})\s*$")
ROW = re.compile(r"(?P<cells>.*?)\s*\\\\\s*% row: (?P<key>\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\")\s*$")
STYLED = re.compile(r"\\(?:textbf|underline)\{(.*?)\}(\\textsuperscript\{[^{}]*\})?")
SPLIT = re.compile(r"(?<!\\)&")
UNSURE = ("pending", "running", "interrupted", "failed", "not run here", "–")
EDITED, RESULTS = "edited", "results changed"
"""Why a cell is not what it was: the results are those the table was made from, or they are not."""
MAX_BYTES = 20_000_000


@dataclass(frozen=True)
class Printed:
    """A table of ours in a manuscript: the line of its comment, what that says, and its rows with their lines."""

    line: int
    comment: Mapping[str, Any]
    rows: Sequence[tuple[int, str, list[str]]]


def verify(path: Path, results: Path, format: str) -> int:
    """Compare every table of ours in a LaTeX file with today's results, cell by cell."""
    tables = list(_tables(path))
    if not tables:
        raise CannotJudge(
            f"{path}: no table of benchbox table --format latex, which says in a comment what it was made from; "
            "those of compare, claims and other verbs do not, and cannot be verified"
        )
    from benchbox.cli.tables import fingerprint, sheet

    changed: list[dict[str, Any]] = []
    unknown: list[str] = []
    equal = 0
    for table in tables:
        try:
            layout = _today(table, path, results)
            rows, missing, same = _compared(table, sheet(layout, "latex"), path)
        except (CannotJudge, InvalidInput) as problem:
            unknown.append(f"{path}:{table.line}: {problem}")
            continue
        same_results = table.comment["rows"] == fingerprint(layout)
        note(f"{path}:{table.line}: {layout.title}: {_state(len(rows), same_results)}")
        rows = [row | {"why": EDITED if same_results else RESULTS} for row in rows]
        changed, unknown, equal = changed + rows, unknown + missing, equal + same
    columns = [Column("line", "Line", right=True), Column("table", "Table"), Column("row", "Row")]
    columns += [Column("column", "Column"), Column("was", "Was"), Column("now", "Is"), Column("why", "Why")]
    meta = {"schema": 1, "kind": "verify", "file": str(path), "tables": len(tables), "equal": equal, "unknown": unknown}
    title = f"{path}: {many(len(tables), 'table')}"
    count = f"{many(equal, 'cell')} as today's results give them, {len(changed)} not, {len(unknown)} cannot be judged."
    said = count if changed or unknown else f"Nothing wrong: {many(equal, 'cell')} as today's results give them."
    emit(format, title, columns, changed, meta, [said, *unknown])
    return FAILED if changed else CANNOT_JUDGE if unknown else OK


def _state(changed: int, same_results: bool) -> str:
    if not same_results:
        return "the results behind it have changed"
    if not changed:
        return "made from the same results"
    return f"made from the same results, but {many(changed, 'cell')} edited since, by hand or by another version"


def _tables(path: Path) -> Iterator[Printed]:
    try:
        refuse_special(path)
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path}: over {MAX_BYTES:,} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{path}: is not text (UTF-8), so no manuscript; verify reads LaTeX with tables of benchbox table"
        ) from None
    except OSError as problem:
        raise InvalidInput(f"{path}: cannot be read: {problem.strerror}") from None
    for number, line in enumerate(lines):
        found = COMMENT.match(line)
        if found:
            yield Printed(number + 1, _comment(path, number + 1, found[1]), list(_rows(lines, number + 1)))


def _comment(path: Path, line: int, text: str) -> Mapping[str, Any]:
    try:
        comment = json.loads(text)
        origin, columns = comment["origin"], comment["columns"]
        whole = isinstance(origin, dict) and isinstance(columns, list) and isinstance(comment["rows"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise InvalidInput(f"{path}:{line}: benchbox's comment is damaged; make the table again")
    return dict(comment)


def _rows(lines: Sequence[str], start: int) -> Iterator[tuple[int, str, list[str]]]:
    inside = False
    for number, line in enumerate(lines[start:], start=start + 1):
        if r"\end{tabular}" in line or COMMENT.match(line):
            return
        inside = inside or line.strip() == r"\midrule"
        found = ROW.match(line)
        if found:
            yield number, _key(found["key"]), [_bare(cell) for cell in SPLIT.split(found["cells"])]
        elif inside and SPLIT.search(line.partition("%")[0]):
            yield number, "", []


def _key(text: str) -> str:
    try:
        return str(json.loads(text))
    except (ValueError, RecursionError):
        return ""


def _bare(cell: str) -> str:
    """Return a cell without the marks of the best and the second."""
    text = cell.strip()
    styled = STYLED.fullmatch(text)
    text = styled[1] + (styled[2] or "") if styled else text
    return re.sub(r"^\{([\[*])\}", r"\1", text)


def _today(table: Printed, path: Path, results: Path) -> Layout:
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
        beside = path.parent / study
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


def _compared(table: Printed, today: Sheet, path: Path) -> tuple[list[dict[str, Any]], list[str], int]:
    """Return the cells that changed, what cannot be judged, and how many are equal."""
    keys = [column.key for column in today.columns]
    texts = dict(zip(today.look.keys, today.cells(TEX), strict=True))
    changed, unknown, equal = [], [], 0
    for line, key, cells in table.rows:
        if not key:
            unknown.append(f"{path}:{line}: a row without its comment")
        elif key not in texts:
            unknown.append(f"{path}:{line}: {key}: no such row today")
        elif len(cells) != len(table.comment["columns"]):
            unknown.append(
                f"{path}:{line}: {key}: {len(cells)} cells, its comment names {len(table.comment['columns'])}"
            )
        else:
            for column, was in zip(table.comment["columns"], cells, strict=True):
                now = _bare(texts[key][keys.index(column)]) if column in keys else ""
                if was == now:
                    equal += 1
                elif column not in keys or now.startswith(tuple(map(escape_latex, UNSURE))):
                    unknown.append(f"{path}:{line}: {key}: {column}: was {was}, is {now or 'no column'}")
                else:
                    row = {"line": line, "table": today.title, "row": key, "column": column}
                    changed.append(row | {"was": was, "now": now})
    return changed, unknown, equal
