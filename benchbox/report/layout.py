"""A table ready for any format, and how its numbers and its absences read. Pure data; printing is elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchbox.metrics.protocol import Protocol, parse
from benchbox.report.frame import ArmRow, Measured
from benchbox.report.marks import Note

SCHEMA = 1
METRICS = ("AP", "AP50", "AP75", "APM", "APL", "AR", "PCKh", "PCK")


@dataclass(frozen=True)
class Heading:
    """A column: its key in the rows' texts, its heading, whether it holds numbers, whether only a CSV shows it."""

    key: str
    heading: str
    right: bool = False
    detail: bool = False


@dataclass(frozen=True)
class Layout:
    """A table: texts for people, records for programs.

    Args:
        missing: how much is not there that `--strict` asks for.
        meta: of the JSON.
        keys: what to call each row, in commands and in LaTeX's comments.
        looks: per row the columns that are "best" or "second".
        rules: rows before which a new group begins.
        marks: per row the marks of `Note`s that stand behind the text of a column.
        origin: what was asked for, enough to lay the same table out again.
    """

    title: str
    columns: list[Heading]
    texts: list[dict[str, str]]
    records: list[dict[str, Any]]
    footnotes: list[str | Note]
    missing: int
    meta: dict[str, Any] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    looks: list[dict[str, str]] = field(default_factory=list)
    rules: list[int] = field(default_factory=list)
    marks: list[dict[str, Sequence[str]]] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreColumn:
    """A metric and the protocols whose scores stand in its column: one, unless the user asked to mix them."""

    metric: str
    protocols: tuple[str, ...]
    group: str = "all"

    @property
    def mixed(self) -> bool:
        return len(self.protocols) > 1

    @property
    def key(self) -> str:
        name = head(self.protocols[0]) if self.mixed else self.protocols[0]
        return f"{self.metric} {name}" if self.group == "all" else self.group

    def of(self, row: ArmRow) -> tuple[str, Measured | None]:
        """Return a row's protocol in this column and what it measured."""
        for protocol in self.protocols:
            found = row.scores.get((protocol, self.metric, self.group))
            if found:
                return protocol, found
        return self.protocols[0], None

    def text(self, row: ArmRow, decimals: int = 1) -> str:
        """Return the cell as people read it."""
        found = self.of(row)[1]
        return number(found, decimals) if found else absent(row.state)

    def marks(self, row: ArmRow) -> list[str]:
        """Return the mark of the protocol that made the cell, where protocols are mixed."""
        protocol, found = self.of(row)
        return [_mark(self.protocols.index(protocol))] if self.mixed and found else []

    def cell(self, row: ArmRow) -> dict[str, Any]:
        """Return the cell as programs read it."""
        protocol, found = self.of(row)
        return cell(found, self.metric, protocol)


def head(protocol: str) -> str:
    """Return a protocol's metric with its threshold: what scores of one column share at least."""
    return protocol.split("/")[0]


def heading(metric: str, protocol: str, used: Sequence[str]) -> str:
    """Return a column's heading; it names the protocol's other parts where another protocol has this metric too."""
    shown = f"{metric}@{head(protocol).partition('@')[2]}" if "@" in head(protocol) else metric
    alone = sum(head(name) == head(protocol) for name in used) == 1
    return shown if alone else f"{shown} ({'/'.join(protocol.split('/')[1:])})"


def chosen(used: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Return the protocols of a table that were asked for, all when none was; prediction parts need not be said.

    Raises: InvalidInput for what is no protocol.
    """
    wanted = [parse(text) for text in asked]
    return [name for name in used if not wanted or any(_fits(want, parse(name)) for want in wanted)]


def _fits(want: Protocol, one: Protocol) -> bool:
    return want == one or (not want.prediction and want.made_by(one.prediction) == one)


def number(found: Measured, decimals: int) -> str:
    """Spell a mean, with its deviation where there are several seeds."""
    spread = f" ± {found.deviation:.{decimals}f}" if found.deviation is not None else ""
    return f"{found.mean:.{decimals}f}{spread}"


def cell(found: Measured | None, metric: str, protocol: str) -> dict[str, Any]:
    """Return a cell as programs read it."""
    return {
        "metric": metric,
        "protocol": protocol or None,
        "measured": found.mean if found else None,
        "deviation": found.deviation if found else None,
        "n": found.n if found else 0,
    }


def record(row: ArmRow) -> dict[str, Any]:
    """Return what identifies a row for programs."""
    return {"arm": row.arm.name, "reference": row.arm.reference, "jobs": list(row.arm.jobs), "state": row.state}


def absent(state: str) -> str:
    """Spell why a cell holds no number."""
    return state if state not in ("done", "stale", "saved") else "–"


def ranks(values: Mapping[int, float]) -> dict[int, str]:
    """Return which rows are best and second, by their rounded values; ties share, and one value alone has no rank."""
    ordered = sorted(set(values.values()), reverse=True)
    if len(ordered) < 2:
        return {}
    words = dict(zip(ordered, ("best", "second"), strict=False))
    return {row: words[value] for row, value in values.items() if value in words}


def missing(rows: Sequence[ArmRow]) -> int:
    """Count the rows that are not done."""
    return sum(row.state not in ("done", "saved") for row in rows)


def notes_on(rows: Sequence[ArmRow], *, compared: bool = False) -> list[str]:
    """Return the footnotes on seeds, stale rows, saved predictions and single arms.

    Args: compared: differences stand beside the scores, and say themselves what is known of noise.
    """
    seeds = [found.n for row in rows for found in itertools.islice(row.scores.values(), 1)]
    notes = ["One seed: a difference may be noise."] if len(seeds) > 1 and max(seeds) == 1 and not compared else []
    notes += [f"Mean ± standard deviation over {max(seeds)} seeds."] if max(seeds, default=0) > 1 else []
    left = dict.fromkeys(row.left for row in rows if row.left)
    notes += [f"{said}: {'; '.join(row.arm.name for row in rows if row.left == said)}." for said in left]
    if any(row.state == "stale" for row in rows):
        notes.append("stale: made by other code or data than today's; `benchbox run STUDY --stale` makes it anew.")
    if any(row.state == "saved" for row in rows):
        notes.append("saved: predictions of others, judged by `benchbox score`.")
    return notes + [f"{row.arm.name}: {note}." for row in rows for note in dict.fromkeys(row.notes)]


def used_notes(columns: Sequence[ScoreColumn]) -> list[str | Note]:
    """Return a footnote per protocol: which columns it made, or which letter marks it where columns mix protocols."""
    notes: dict[str, list[str]] = {}
    marked: list[str | Note] = []
    for column in columns:
        if column.mixed:
            marked += [Note(f"{column.metric}: {name}.", _mark(place)) for place, name in enumerate(column.protocols)]
        else:
            shown = heading(column.metric, column.protocols[0], column.protocols[:1])
            notes.setdefault(column.protocols[0], []).append(shown)
    heads = [head(column.protocols[0]) + column.metric for column in columns]
    mixing: list[str | Note] = ["Mixed protocols: numbers with different marks are not comparable."] if marked else []
    if len(heads) > len(set(heads)):
        mixing.append("Protocols share no column unless asked (--mixed-protocols); --protocol shows some of them.")
    plain = [f"{', '.join(dict.fromkeys(metrics))}: {name}." for name, metrics in notes.items()]
    return mixing + list(dict.fromkeys(marked)) + plain


def _mark(place: int) -> str:
    """Return a, b ... z, aa ...: letters, since numbers mark a paper's errata."""
    return ("" if place < 26 else _mark(place // 26 - 1)) + chr(ord("a") + place % 26)


def score_columns(rows: Sequence[ArmRow], used: Sequence[str], *, mixed: bool, group: str = "all") -> list[ScoreColumn]:
    """List the columns that rows have scores for; of one protocol each unless `mixed`."""
    found: Mapping[tuple[str, str, str], None] = dict.fromkeys(key for row in rows for key in row.scores)
    columns: list[ScoreColumn] = []
    families = list(dict.fromkeys(map(head, used))) if mixed else list(used)
    for family in families:
        names = tuple(name for name in used if (head(name) == family if mixed else name == family))
        for metric in METRICS:
            having = tuple(name for name in names if (name, metric, group) in found)
            if having:
                columns.append(ScoreColumn(metric, having, group))
    return columns
