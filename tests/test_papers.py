"""The papers' cells, captions and sentences are those of the papers, letter by letter; their rows name real arms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchbox.config import JobConfig
from benchbox.errors import InvalidInput
from benchbox.papers import formula
from benchbox.papers import read as papers
from benchbox.papers.words import find_column, find_row, find_table
from benchbox.plan import expand
from benchbox.spec import read_study

# Numbers in each table and their sum, counted in the papers' texts.
NUMBERS = {
    ("acnn", "1"): (120, 10599.6),
    ("efficient-hrnet", "I"): (18, 978.7),
    ("efficient-hrnet", "II"): (70, 5121.5),
    ("efficient-sam", "1"): (8, 430.7),
    ("efficient-sam", "2"): (56, 4023.9),
    ("mrn-attention", "1"): (12, 1036.9),
    ("mrn-attention", "2"): (36, 2886.21),
}
TABLES = [(name, table.id) for name in papers.names() for table in papers.read(name).tables]


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[str, str]:
    folder = root.parent / "shared/papers"
    if not folder.is_dir():
        pytest.skip("the papers' texts are not beside the checkout")
    return {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in papers.names()}


def plain(text: str) -> str:
    """Return a text as it looks, without the marks of its formulas."""
    text = re.sub(r"\\times\s*", "×", text).replace("$", "")
    return " ".join(re.sub(r"\^\{?(\w+)\}?", r"\1", text).split())


def table_of(text: str, place: int) -> list[dict[str, str]]:
    """Read the table at a place among those of a text: rows by heading; side by side becomes one below the other."""
    blocks = re.findall(r"(?:^[^\n]*\t[^\n]*\n)+", text, re.MULTILINE)
    if not blocks:
        return one_cell_a_line(text)
    lines = [[plain(cell) for cell in line.strip("\n").split("\t")] for line in blocks[place].splitlines()]
    width = len(dict.fromkeys(filter(None, lines[0])))
    rows, headings = [], lines[0]
    for cells in lines:
        if cells[0] == lines[0][0]:
            headings = cells
            continue
        for start in range(0, len(list(filter(None, headings))), width):
            rows.append(dict(zip(headings[start : start + width], cells[start : start + width], strict=True)))
    return rows


def one_cell_a_line(text: str) -> list[dict[str, str]]:
    cells = [plain(line) for line in text.splitlines() if line.strip()]
    headings = cells[cells.index("Method") : cells.index("Total") + 1]
    cells, rows = cells[cells.index("Total") + 1 :], []
    while all(re.fullmatch(r"\d+\.\d", cell) for cell in cells[1 : len(headings)]):
        rows.append(dict(zip(headings, cells, strict=False)))
        cells = cells[len(headings) :]
    return rows


def ours(name: str, id: str) -> list[dict[str, str]]:
    table = papers.read(name).table(id)
    rows = [{column.heading: table.text(row, column) for column in table.columns} for row in table.rows]
    return [{heading: text for heading, text in row.items() if text} for row in rows]


def numbers(rows: list[dict[str, str]], labels: set[str]) -> list[float]:
    cells = [text for row in rows for heading, text in row.items() if heading not in labels]
    return [float(text.removesuffix("M")) for text in cells if text not in ("", "-")]


@pytest.mark.parametrize(("name", "id"), TABLES)
def test_a_table_stands_so_in_the_papers_text(name: str, id: str, texts: dict[str, str]) -> None:
    paper = papers.read(name)
    place = [table.id for table in paper.tables].index(id)
    assert ours(name, id) == table_of(texts[name], place)
    assert paper.table(id).title.lower() in plain(texts[name]).lower()


@pytest.mark.parametrize(("name", "id"), TABLES)
def test_a_table_has_as_many_numbers_as_the_papers(name: str, id: str) -> None:
    table = papers.read(name).table(id)
    found = numbers(ours(name, id), {column.heading for column in table.columns if not column.metric})
    assert (len(found), round(sum(found), 2)) == NUMBERS[name, id]


def test_every_table_that_a_text_names_is_there(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        captions = set(re.findall(r"^(?:Table|TABLE) ([IVX]+|\d+)", text, re.MULTILINE))
        assert captions == {table.id for table in papers.read(name).tables}


@pytest.mark.parametrize("name", papers.names())
def test_claims_are_sentences_of_the_paper(name: str, texts: dict[str, str]) -> None:
    text = plain(texts[name])
    for claim in papers.read(name).claims:
        assert plain(claim.quote) in text, claim.key


@pytest.mark.parametrize("name", papers.names())
def test_every_row_names_an_arm_of_its_study(name: str, root: Path) -> None:
    for table in papers.read(name).tables:
        for row in table.rows:
            assert row.arm or row.cited, f"{row.key}: neither measured here nor cited"
            if row.arm:
                file = root / f"ablations/{table.study_of(row)}.toml"
                (arm,) = [arm for arm in expand(read_study(file), "paper") if arm.name == row.arm]
                assert predicted(arm.config) in table.protocol


def predicted(config: JobConfig) -> str:
    """Spell how a job predicts, as far as protocols of the papers' tables say it."""
    boxes = {"detector": "det-56.4", "ground-truth": "gt-boxes"}[config.evaluate.boxes]
    regressed = "/regressed" if config.model.predicts == "coordinates" else ""
    complete = "/complete" if getattr(config.dataset, "people", "all") == "complete" else ""
    return f"{boxes}/{'flip' if config.evaluate.flip_test else 'noflip'}{regressed}{complete}"


@pytest.mark.parametrize("name", papers.names())
def test_cited_rows_name_references_that_the_paper_lists(name: str) -> None:
    paper = papers.read(name)
    for table in paper.tables:
        for row in table.rows:
            if row.cited:
                assert f"[{row.cited}]" in row.printed[0]
                assert str(row.cited) in paper.references or not paper.references


GOOD = """\
name = "made-up"
title = "t"

[[tables]]
id = "1"
title = "t"
study = "smoke"
split = "s"
protocol = "coco-kp"
about = "a"
columns = [
    { key = "method", heading = "Method" },
    { key = "AP", heading = "AP", metric = "AP" },
]
rows = [
    { key = "one", arm = "baseline", printed = ["One", "1.5"] },
    { key = "two", cited = 3, printed = ["Two [3]", "-"] },
]

[[claims]]
key = "c"
place = "1"
quote = "q"
checks = ["'1/one/AP' == 1.5"]

[[errata]]
key = "e"
text = "t"
cells = ["1/one/*"]
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", ""),
        ('id = "1"', "id = 1", "made-up.toml:5: tables.0.id: Input should be a valid string"),
        ('"Two [3]", "-"', '"Two [3]"', 'made-up.toml:4: tables.0: rows: "two" has 1 cells for 2 columns'),
        ('"1.5"]', '"1,5"]', "made-up.toml:4: tables.0: 1,5: not a number"),
        ('key = "two"', 'key = "one"', 'made-up.toml:4: tables.0: rows: "one" stands twice'),
        ("cited = 3", 'cited = "3"', "made-up.toml:17: tables.0.rows.1.cited: Input should be a valid integer"),
        ("metric =", "metrik =", "made-up.toml:13: tables.0.columns.1.metrik: Extra inputs are not permitted"),
        ("'1/one/AP'", "'1/won/AP'", 'made-up.toml: claims: "c": no number at 1/won/AP; did you mean "1/one/AP"?'),
        ("'1/one/AP' ==", "print() ==", "made-up.toml:24: claims.0.checks: print() == 1.5: `print()` is not part of"),
        ('"1/one/*"', '"2/*"', 'made-up.toml: errata: "e": 2/*: no such cell'),
        ('cells = ["1/one/*"]', 'claims = ["d"]', 'made-up.toml: errata: "e": no claim d; known: c'),
        ('cells = ["1/one/*"]', "", 'made-up.toml: errata: "e": needs cells, claims or a place'),
        ('name = "made-up"', 'name = "other"', 'made-up.toml: name: "other" is not the file\'s'),
        ("[[claims]]", "[[claims]", "made-up.toml: "),
    ],
)
def test_what_is_wrong_with_a_paper_is_one_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "made-up.toml"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    if not message:
        assert papers.read_file(file).addresses() == ["1/one/AP"]
        return
    with pytest.raises(InvalidInput) as problem:
        papers.read_file(file)
    assert message in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("paper", "table", "row", "column", "found"),
    [
        ("mrn-attention", "Table 1", "Fig. 3", "average accuracy", "1/fig-3/accuracy"),
        ("mrn-attention", "1", "YANG", "accuracy", "1/yang/accuracy"),
        ("mrn-attention", "1", "global (Fig. 4)", "accuracy", "1/fig-4/accuracy"),
        ("efficient-hrnet", "i", "stage-1", "ap", "I/stage-1/AP"),
        ("efficient-hrnet", "table II", "HRNet-W32, Our", "AP", "II/our-w32/AP"),
    ],
)
def test_a_cell_is_found_by_the_words_that_are_printed(
    paper: str, table: str, row: str, column: str, found: str
) -> None:
    one = find_table(papers.read(paper), table)
    assert "/".join([one.id, find_row(one, row).key, find_column(one, column).key]) == found


def test_words_that_stand_in_several_rows_are_answered_with_their_keys() -> None:
    table = find_table(papers.read("efficient-hrnet"), "II")
    with pytest.raises(InvalidInput, match="HRNet stands in several rows; give one of w32, w48, our-w32, our-w48"):
        find_row(table, "HRNet")
    with pytest.raises(InvalidInput, match='no row our-w322; did you mean "our-w32"'):
        find_row(table, "our-w322")


def test_a_word_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    table = papers.read("efficient-hrnet").table("I")
    assert table.row("stage 1").key == "stage-1"
    for ask, wrong, right in ((papers.read, "efficient-hrnt", "efficient-hrnet"), (table.row, "bot", "both")):
        with pytest.raises(InvalidInput, match=f'did you mean "{right}"'):
            ask(wrong)
    with pytest.raises(InvalidInput, match="known: I, II"):
        papers.read("efficient-hrnet").table("7")


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("'a' - 'b' == 1.3", ["holds"]),  # 75.7 - 74.4
        ("'a' - 'b' == 1.4", ["cannot tell"]),  # the printed ones may have been 75.74 and 74.36
        ("'a' - 'b' == 1.5", ["does not"]),
        ("100 * ('a' / 'b' - 1) == 1.75", ["holds"]),
        ("'a' > 'b'", ["holds"]),
        ("'b' >= 'a'", ["does not"]),
        ("'a' > 'a'", ["cannot tell"]),
        ("'b' < 'a' <= 100 > 'b'", ["holds", "holds", "holds"]),
        ("1 / ('a' - 'a') == 1.0", ["cannot tell"]),
    ],
)
def test_a_formula_is_judged_at_the_printed_precision(text: str, verdicts: list[str]) -> None:
    cells = {"a": formula.printed("75.7"), "b": formula.printed("74.4")}
    assert [check.verdict for check in formula.parse(text).checks(cells.__getitem__)] == verdicts


@pytest.mark.parametrize(
    "text",
    ["'a'", "a > 1", "'a' != 1", "'a'.b > 1", "f('a') > 1", "[1] > 1", "'a' ** 9 > 1", "('a' > 1) > 1", "-'a' > 1",
     "True == 1", "1j > 0", "'a' >", "__import__('os') == 1", "'a' if 1 else 2", "(x := 1) > 0", "f'{1}' > 1"],
)  # fmt: skip
def test_a_formula_is_nothing_but_arithmetic(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        formula.parse(text)
