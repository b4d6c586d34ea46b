"""A table as text in Markdown, LaTeX, HTML and CSV; whatever stands in a cell comes out as text, never as a command."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchbox.console import plain
from benchbox.report.marks import Note, bracketed

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    **{"`": r"\textasciigrave{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{
        "±": r"$\pm$",
        "≈": r"$\approx$",
        "≠": r"$\neq$",
        "×": r"$\times$",
        "Δ": r"$\Delta$",
        "→": r"$\rightarrow$",
        "–": "--",
        "“": "``",
        "”": "''",
    },
}
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
LETTER, TABCOLSEP, TEXTWIDTH = 4.8, 6, 345
"""Points, of LaTeX's article at 10pt: a letter on average, the blank on each side of a column, a line of text."""
ARROW = re.compile(r"(?<!-)->")
SIZE = re.compile(r"(?<!\w)\d+(?:x\d+)+(?!\w)")
"""As 256x192; names that hold such a size are left as they are."""
STYLE = """\
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color-scheme: light dark; }
table { border-collapse: collapse; margin: 1em 0; border-block: 2px solid; }
caption { text-align: left; font-weight: bold; padding-bottom: .5em; }
th, td { padding: .15em .7em; text-align: left; vertical-align: top; }
thead tr, tbody + tbody { border-top: 1px solid; } thead { border-bottom: 1px solid; }
.r { text-align: right; font-variant-numeric: tabular-nums; }
sup { font-size: 75%; line-height: 0; }
ol, ul { padding-left: 0; list-style: none; font-size: 90%; max-width: 60em; }"""


@dataclass(frozen=True)
class Column:
    """A column: the rows' key, its heading, its side, and how a value reads."""

    key: str
    heading: str
    right: bool = False
    show: Callable[[Any], str] = str


@dataclass(frozen=True)
class Look:
    """How a table looks beyond its texts.

    Args:
        marked: per row the columns that are "best" or "second".
        rules: rows before which a new group begins.
        keys: what LaTeX's comment calls each row.
        comment: of LaTeX, before the table: where its numbers are from.
        raised: per row the marks of notes that stand behind the text of a column.
        narrower: what makes the table narrower, where an option does.
    """

    marked: Sequence[Mapping[str, str]] = ()
    rules: Sequence[int] = ()
    keys: Sequence[str] = ()
    comment: Mapping[str, Any] = field(default_factory=dict)
    raised: Sequence[Mapping[str, Sequence[str]]] = ()
    narrower: str = ""

    def of(self, row: int, column: Column) -> str:
        """Return best, second or nothing."""
        return self.marked[row].get(column.key, "") if self.marked else ""

    def marks(self, row: int, column: Column) -> Sequence[str]:
        """Return the marks of notes behind a cell."""
        return self.raised[row].get(column.key, ()) if self.raised else ()


@dataclass(frozen=True)
class Sheet:
    """One table to print: `rows` are values by column; `meta` goes into the JSON beside them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    meta: Mapping[str, Any]
    footnotes: Sequence[str | Note] = ()
    look: Look = field(default_factory=Look)

    def texts(self) -> list[list[str]]:
        """Return what stands in the cells with their marks in brackets, without what could steer a terminal."""
        return [
            [_text(column, row) + bracketed(self.look.marks(place, column)) for column in self.columns]
            for place, row in enumerate(self.rows)
        ]

    def headings(self) -> list[str]:
        """Return the columns' headings, likewise."""
        return [plain(column.heading) for column in self.columns]

    def notes(self) -> list[str]:
        """Return the footnotes, each one line, likewise."""
        return [_one_line(str(note)) for note in self.footnotes]

    def cells(self, style: Style) -> list[list[str]]:
        """Return the cells as a format writes them."""
        return [
            [
                style.cell(_text(column, row), self.look.of(place, column), self.look.marks(place, column))
                for column in self.columns
            ]
            for place, row in enumerate(self.rows)
        ]


@dataclass(frozen=True)
class Style:
    """How a format writes what is in a cell or a note.

    Args: ranked: what stands around the "best" and the "second". raised: how it writes marks of notes.
    """

    escape: Callable[[str], str]
    ranked: Mapping[str, tuple[str, str]]
    raised: Callable[[Sequence[str]], str]

    def cell(self, text: str, rank: str, marks: Sequence[str]) -> str:
        """Return a cell."""
        first, last = self.ranked[rank] if rank else ("", "")
        return first + self.escape(text) + last + (self.raised(marks) if marks else "")

    def note(self, note: str | Note) -> str:
        """Return a footnote in one line."""
        if isinstance(note, str):
            return self.escape(_one_line(note))
        return f"{self.raised([note.mark])} {self.escape(_one_line(note.text))}"


def _text(column: Column, row: Mapping[str, Any]) -> str:
    value = row.get(column.key)
    return "" if value is None else plain(column.show(value))


def as_csv(sheet: Sheet) -> str:
    """Write a table as CSV that no spreadsheet takes for formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in sheet.columns])
    for place, row in enumerate(sheet.rows):
        writer.writerow([_csv_value(row.get(one.key), sheet.look.marks(place, one)) for one in sheet.columns])
    return out.getvalue().rstrip("\n")


def _csv_value(value: Any, marks: Sequence[str]) -> Any:
    """Return a value that no spreadsheet takes for a formula and no terminal for a command."""
    if not isinstance(value, str):
        return value
    text = plain(value) + bracketed(marks)
    if NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t") or (text[:1] == "-" and len(text) > 1) else text


def as_markdown(sheet: Sheet) -> str:
    """Write a table as GitHub's Markdown, the best bold, the second underlined."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    rule = "| " + " | ".join("---:" if column.right else "---" for column in sheet.columns) + " |"
    body = [line([escape_markdown(heading) for heading in sheet.headings()]), rule]
    body += [line(cells) for cells in sheet.cells(MARKDOWN)]
    notes = [f"\n{MARKDOWN.note(note)}" for note in sheet.footnotes]
    return "\n".join([f"**{escape_markdown(plain(sheet.title))}**\n", *body, *notes])


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    entities = {"<": "&lt;", ">": "&gt;"}
    for character in "\\|<>*_`[]":
        text = text.replace(character, entities.get(character, "\\" + character))
    return text.replace("\n", " ")


def as_latex(sheet: Sheet) -> str:
    """Write a table for booktabs, its notes below it; a comment says where it is from, one behind each row its key."""
    sides = "".join("r" if column.right else "l" for column in sheet.columns)
    head = [f"% {_one_line(sheet.title)}"]
    head += [f"% benchbox: {json.dumps(sheet.look.comment, sort_keys=True)}"] if sheet.look.comment else []
    head += _width_hint(sheet)
    head += [r"\noindent", rf"\begin{{tabular}}{{{sides}}}", r"\toprule"]
    body = [" & ".join(escape_latex(heading) for heading in sheet.headings()) + r" \\", r"\midrule"]
    for place, cells in enumerate(sheet.cells(TEX)):
        body += [r"\midrule"] if place in sheet.look.rules else []
        key = f" % row: {json.dumps(sheet.look.keys[place])}" if sheet.look.keys else ""
        body.append(" & ".join([_behind_break(cells[0]), *cells[1:]]) + r" \\" + key)
    return "\n".join([*head, *body, r"\bottomrule", r"\end{tabular}", *_latex_notes(sheet.footnotes)])


def _width_hint(sheet: Sheet) -> list[str]:
    """Say what to do about a table that is wider than the text of LaTeX's own article."""
    texts = zip(sheet.headings(), *sheet.texts(), strict=True)
    points = sum(LETTER * max(map(len, column)) + 2 * TABCOLSEP for column in texts)
    if points <= TEXTWIDTH:
        return []
    narrower = f"; {sheet.look.narrower}" if sheet.look.narrower else ""
    ways = r"put the tabular into \resizebox{\textwidth}{!}{...} or the whole into a sidewaystable (package rotating)"
    return [
        f"% About {points:.0f}pt wide, and \\textwidth is {TEXTWIDTH}pt in article, about 500pt over two columns:",
        f"% {ways}{narrower}.",
    ]


def _latex_notes(notes: Sequence[str | Note]) -> list[str]:
    """Return the notes as small paragraphs as wide as the text, also where the table is centred."""
    if not notes:
        return []
    lines = [TEX.note(note) + r"\par" for note in notes]
    begin = r"\begin{minipage}{\linewidth}\footnotesize"
    return [r"\par\smallskip\noindent", begin, *lines, r"\end{minipage}\par\smallskip"]


def escape_latex(text: str) -> str:
    """Return text that LaTeX sets as it is; it would set two hyphens as a dash, and all quotes as closing ones.

    Arrows and the signs of sizes become what a typesetter would have written.
    """
    text = ARROW.sub("→", SIZE.sub(lambda size: size[0].replace("x", "×"), text))
    text = re.sub(r'(^|[\s(\[])"', "\\1“", text.replace("\n", " ")).replace('"', "”")
    return "".join(
        "-{}" if text.startswith("--", place) else LATEX.get(character, character)
        for place, character in enumerate(text)
    )


def as_html(sheets: Sequence[Sheet]) -> str:
    """Write tables as one page that needs nothing else: no script, no network."""
    title = html.escape(plain(sheets[0].title))
    head = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
    style = f"<style>\n{STYLE}\n</style>\n</head>\n<body>"
    return "\n".join([head, style, *map(_html_table, sheets), "</body>\n</html>"])


def _html_table(sheet: Sheet) -> str:
    sides = [' class="r"' if column.right else "" for column in sheet.columns]

    def line(tag: str, cells: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<{tag}{side}>{cell}</{tag}>' for side, cell in zip(sides, cells, strict=True))}</tr>"

    lines = [f"<table>\n<caption>{html.escape(plain(sheet.title))}</caption>\n<thead>"]
    lines += [line("th", [html.escape(heading) for heading in sheet.headings()]), "</thead>\n<tbody>"]
    for place, cells in enumerate(sheet.cells(HTML)):
        lines += ["</tbody>\n<tbody>"] if place in sheet.look.rules else []
        lines.append(line("td", cells))
    notes = [f"<li>{HTML.note(note)}</li>" for note in sheet.footnotes]
    return "\n".join([*lines, "</tbody>\n</table>", *(["<ul>", *notes, "</ul>"] if notes else [])])


def _behind_break(cell: str) -> str:
    """Return a cell that the line break before it does not take for its own option."""
    return f"{{{cell[0]}}}{cell[1:]}" if cell[:1] in ("[", "*") else cell


def _one_line(text: str) -> str:
    return plain(text).replace("\n", " ")


def _raised(before: str, behind: str, escape: Callable[[str], str]) -> Callable[[Sequence[str]], str]:
    return lambda marks: before + escape(",".join(marks)) + behind


MARKDOWN = Style(
    escape_markdown, {"best": ("**", "**"), "second": ("<u>", "</u>")}, _raised("<sup>", "</sup>", escape_markdown)
)
TEX = Style(
    escape_latex,
    {"best": (r"\textbf{", "}"), "second": (r"\underline{", "}")},
    _raised(r"\textsuperscript{", "}", escape_latex),
)
HTML = Style(html.escape, {"best": ("<b>", "</b>"), "second": ("<u>", "</u>")}, _raised("<sup>", "</sup>", html.escape))
