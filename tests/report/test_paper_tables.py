"""A paper's table in every format, its verdicts, and names that try to be more than names."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchbox.cli.grid import FORMATS
from benchbox.cli.markup import Column, Look, Sheet, as_csv, as_html, as_latex, as_markdown, escape_latex
from benchbox.papers.read import PaperColumn, PaperRow, PaperTable
from benchbox.report import verdict
from benchbox.report.frame import Measured
from benchbox.report.layout import ranks
from benchbox.report.marks import Note
from tests.report import made_up

HOSTILE = [
    r"\input{x}", "=cmd()", "+cmd()", "-cmd()", "@cmd()", "<script>alert(1)</script>", "\x1b[31mred\x1b[0m", "\x9b2J",
    "a & b % c $d$ #e _f {g} ~h ^i \\\\", "| pipe | `code` **bold**", "\u202eright to left", "two\nlines",
    '"><img src=x onerror=alert(1)>', "[1] behind a line break", "* starred", "%", "^^M\\input{x}",
]  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_is_the_committed_text(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    golden = made_up.GOLDEN / f"made_up.{made_up.ENDINGS[format]}"
    text = made_up.printed(made_up.filled(tmp_path), format)
    assert text == golden.read_text(encoding="utf-8")
    assert text == made_up.printed(made_up.filled(tmp_path), format)


def test_every_kind_of_verdict_is_there(tmp_path: Path) -> None:
    cells = made_up.filled(tmp_path).cells
    said = {key: one.verdict.text for key, one in cells.items() if one.verdict and key[1] == "AP"}
    assert said == {
        ("base", "AP"): "reproduced",
        ("noisy", "AP"): "within noise",
        ("off", "AP"): "within noise",
        ("boxes", "AP"): "not comparable (not scored by this protocol)",
        ("setting", "AP"): "not comparable (size: other)",
        ("cited", "AP"): "not comparable (cited [7], not run here)",
        ("waits", "AP"): "pending",
        ("broke", "AP"): "failed",
        ("stale", "AP"): "stale",
    }
    assert (cells["base", "AR"].verdict or verdict.Verdict("")).word == "off"
    assert cells["noisy", "AR"].verdict is None  # nothing is printed
    # 1,040,000 prints as 1.0M, and neither as 1.1M nor as anything at a smaller scale.
    assert [cells[row, "parameters"].verdict for row in ("base", "noisy")] == [
        verdict.Verdict("reproduced"),
        verdict.Verdict("off"),
    ]


def test_nothing_is_reproduced_at_another_scale(tmp_path: Path) -> None:
    cells = made_up.filled(tmp_path, scale="tiny").cells
    said = {one.verdict.text for one in cells.values() if one.verdict and one.measured}
    assert said == {"not comparable (scale tiny)", "stale"}


def test_strict_counts_the_cells_that_are_not_there(tmp_path: Path) -> None:
    filled = made_up.filled(tmp_path)
    missing = [key for key, one in filled.cells.items() if one.missing]
    assert missing == [("boxes", "AP"), ("waits", "AP"), ("broke", "AP"), ("stale", "AP")]


TABLE = PaperTable(
    id="1", title="", study="", split="", about="", protocol=made_up.PROTOCOL,
    columns=[PaperColumn(key="AP", heading="AP", metric="AP")], rows=[PaperRow(key="r", arm="a", printed=["70.0"])],
)  # fmt: skip


@pytest.mark.parametrize(
    ("mean", "deviation", "n", "noise", "word"),
    [
        (70.05, None, 1, 0.0, "reproduced"),  # half a unit of the last digit
        (69.94, None, 1, 0.0, "off"),
        (69.94, None, 1, 0.1, "within noise"),  # of the persons
        (69.7, 0.1, 5, 0.0, "within noise"),  # 2.776 * 0.1 * sqrt(1.2) = 0.304 and half a unit
        (69.6, 0.1, 5, 0.0, "off"),
        (69.6, 0.1, 5, 0.4, "within noise"),
        (69.6, 0.0, 5, 0.0, "off"),
    ],
)
def test_a_score_is_judged_by_its_digits_then_by_its_noise(
    mean: float, deviation: float | None, n: int, noise: float, word: str
) -> None:
    found = Measured(mean, deviation, n)
    (row,), (column,) = TABLE.rows, TABLE.columns
    how = {"scale": "paper", "state": "done", "found": found, "protocol": made_up.PROTOCOL}
    said = verdict.judge(TABLE, row, column, noise=noise, **how)
    assert said == verdict.Verdict(word)


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        ("coco-kp/gt-boxes/flip", "boxes: coco-kp/gt-boxes/flip"),
        ("coco-kp/det-56.4/noflip", "flip test: coco-kp/det-56.4/noflip"),
        ("coco-kp/det-56.4/flip/dark", "decoding: coco-kp/det-56.4/flip/dark"),
        ("coco-kp/det-56.4/flip/nms-0.5", "protocol: coco-kp/det-56.4/flip/nms-0.5"),
        ("coco-kp/det-56.4/flip/best", "protocol: coco-kp/det-56.4/flip/best"),
    ],
)
def test_a_score_by_another_protocol_is_not_compared(protocol: str, why: str) -> None:
    (row,), (column,) = TABLE.rows, TABLE.columns
    how = {"scale": "paper", "state": "done", "found": Measured(70.0, None, 1), "protocol": protocol}
    assert verdict.judge(TABLE, row, column, **how) == verdict.Verdict("not comparable", why)


def test_the_noise_of_one_more_seed_is_that_of_a_prediction_interval() -> None:
    scores = [70.1, 70.9, 69.5, 70.4]
    found = Measured(sum(scores) / 4, float(stats.tstd(scores)), 4)
    new = stats.t.interval(0.95, 3, loc=found.mean, scale=stats.tstd(scores) * (1 + 1 / 4) ** 0.5)
    mean = stats.t.interval(0.95, 3, loc=found.mean, scale=stats.sem(scores))
    assert found.mean + verdict.seeds_noise(found) == pytest.approx(new[1])
    assert found.mean + verdict.seeds_mean_noise(found) == pytest.approx(mean[1])


@given(st.dictionaries(st.integers(0, 20), st.floats(0, 100).map(lambda value: round(value, 1)), max_size=8))
def test_ranks_are_the_two_highest_values(values: dict[int, float]) -> None:
    found = ranks(values)
    ordered = sorted(set(values.values()), reverse=True)
    if len(ordered) < 2:
        assert found == {}
    else:
        assert {row for row, word in found.items() if word == "best"} == {r for r in values if values[r] == ordered[0]}
        assert {row for row, word in found.items() if word == "second"} == {
            r for r in values if values[r] == ordered[1]
        }


class Tags(html.parser.HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


def plain_tags() -> set[str]:
    return {
        *("html", "head", "meta", "title", "style", "body", "table", "caption"),
        *("thead", "tbody", "tr"),
        *("th", "td", "b", "u", "sup", "ul", "li"),
    }


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("format", FORMATS)
def test_a_hostile_name_comes_out_inert(name: str, format: str, tmp_path: Path) -> None:
    """As a label, a caption, a heading, an erratum and a row's reason."""
    names = dict.fromkeys(["One row of every kind", "Base", "Recall", "1.1M cannot be.", "About", "size: other"], name)
    text = made_up.printed(made_up.filled(tmp_path, names), format)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    clean = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", "\N{REPLACEMENT CHARACTER}", name)
    if format == "csv":
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert any(clean in cell for cell in cells)
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@") or (cell[:1] == "-" and len(cell) > 1)]
    elif format == "json":
        assert json.loads(text)["rows"][0]["labels"]["method"] == name
    elif format == "html":
        tags = Tags()
        tags.feed(text)
        assert tags.seen <= plain_tags()
        assert tags.attributes <= {"lang", "charset", "class"}
    elif format == "latex":
        body = text[text.index(r"\begin{tabular}") : text.index(r"\end{tabular}")].splitlines()
        assert len(body) == 16  # no name breaks a line
        notes = text[text.index(r"\end{tabular}") :].splitlines()
        assert len(notes) == 13
        for line in body + notes:
            cells = line.partition(" % row: ")[0]
            assert set(re.findall(r"\\([A-Za-z]+)", cells)) <= {
                *("begin", "end", "toprule", "midrule", "bottomrule", "textbf", "underline"),
                *("par", "smallskip", "noindent", "footnotesize", "linewidth", "textsuperscript"),
                *("textbackslash", "textasciitilde", "textasciicircum", "pm", "approx", "neq"),
                *("textless", "textgreater", "textbar", "textasciigrave"),
            }
            assert not re.search(r"(?<!\\)[%#~^]", cells)
            assert line in notes or not cells.startswith(("[", "*"))
    elif format == "md":
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len(rows) == 11
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
        assert "<script" not in text
        assert "<img" not in text


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("1x1 C -> C/16 --> C", r"1$\times$1 C $\rightarrow$ C/16 -{}-\textgreater{} C"),
        ("256x192, 3x3x3", r"256$\times$192, 3$\times$3$\times$3"),
        ("w32_256x192 0xff axb", r"w32\_256x192 0xff axb"),
    ],
)
def test_sizes_and_arrows_are_typeset_in_latex(text: str, tex: str) -> None:
    assert escape_latex(text) == tex


def test_a_mark_is_raised_behind_a_ranked_cell_and_its_note() -> None:
    rows = [{"AP": "70.0"}, {"AP": "[9]"}]
    look = Look(marked=[{"AP": "best"}, {}], raised=[{"AP": ["1", "a"]}, {}])
    sheet = Sheet("t", [Column("AP", "AP", right=True)], rows, {}, ["plain [1]", Note("why", "1")], look)
    tex, page, text = as_latex(sheet), as_html([sheet]), as_markdown(sheet)
    assert r"\textbf{70.0}\textsuperscript{1,a} \\" in tex
    assert "plain [1]\\par\n\\textsuperscript{1} why\\par" in tex
    assert "<b>70.0</b><sup>1,a</sup>" in page
    assert "<li><sup>1</sup> why</li>" in page
    assert "| **70.0**<sup>1,a</sup> |" in text
    assert "<sup>1</sup> why" in text
    # Where nothing can be raised the mark still stands behind the number.
    assert sheet.texts() == [["70.0[1][a]"], ["[9]"]]
    assert as_csv(sheet).splitlines() == ["AP", "70.0[1][a]", "[9]"]


def test_latex_says_what_to_do_about_a_table_wider_than_the_text() -> None:
    def printed(headings: int, narrower: str = "") -> str:
        columns = [Column(str(place), "AP (gt-boxes)") for place in range(headings)]
        return as_latex(Sheet("t", columns, [], {}, look=Look(narrower=narrower)))

    assert "textwidth" not in printed(4)
    assert r"\resizebox{\textwidth}{!}{...} or the whole into a sidewaystable (package rotating)." in printed(5)
    assert "(package rotating); --protocol leaves out some." in printed(5, "--protocol leaves out some")
    assert all(line.startswith("%") for line in printed(5).partition(r"\noindent")[0].splitlines())


@settings(max_examples=10, deadline=None)
@given(name=st.text(min_size=1, max_size=30))
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_input_gives_the_same_bytes(name: str, format: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("made")
    once, again = (made_up.printed(made_up.filled(folder, {"Base": name}), format) for _ in range(2))
    assert once == again
