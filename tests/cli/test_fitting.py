"""Tables in terminals of any width: no number is broken, no line is too long, nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from benchbox import costs
from benchbox.cli import networks
from benchbox.cli.fitting import EDGES, GAPS, LONGEST, Texts, fitted, lines, parts, wrapped
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column

COSTS = costs.Costs(63_595_745, 35_307_000_000, 32.88)
WORDS = st.text(st.characters(categories=("Lu", "Ll", "Nd", "Lo"), include_characters="-+._"), min_size=1, max_size=30)
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> list[Texts]:
    rows = draw(st.integers(0, 4))
    cells = st.lists(TEXTS, min_size=rows, max_size=rows)
    return draw(st.lists(st.builds(Texts, TEXTS, cells, st.sampled_from(["texts", "numbers"])), min_size=1, max_size=6))


@given(tables(), st.integers(10, 200))
def test_columns_fit_and_words_stay_whole(columns: list[Texts], width: int) -> None:
    fit = fitted(columns, width)
    least = [column.least((), LONGEST[-1]) for column in columns]
    if fit is None:
        assert sum(least) + GAPS[-1] * (len(columns) - 1) + EDGES > width
        return
    assert sum(fit.widths) + fit.gap * (len(columns) - 1) + EDGES <= width
    for column, given_width in zip(columns, fit.widths, strict=True):
        assert given_width <= max(column.natural(), 1)
        limit = LONGEST[-1] if column.kind == "texts" else 10**6
        words = [word for text in column.cells for word in text.split()]
        assert all(cell_len(word) <= given_width for word in words if cell_len(word) <= limit)
        shown = lines(column.heading, given_width)
        assert "".join(shown.split()) == "".join(column.heading.split())
        assert all(cell_len(line) <= given_width for line in shown.splitlines())


def test_with_room_nothing_wraps_and_gaps_are_wide() -> None:
    columns = [Texts("Arm", ["no attention", "stage 1"], "texts"), Texts("AP reported", ["74.4", "75.5"], "numbers")]
    assert fitted(columns, 30) == ([12, 11], 3)
    assert fitted(columns, 24) == ([12, 8], 2)
    assert fitted(columns, 20) == ([9, 8], 1)
    assert fitted(columns, 18) is None


def test_headings_break_at_blanks_and_hyphens() -> None:
    assert list(parts("Sub-network and -x")) == ["Sub-", "network", "and", "-x"]
    assert lines("Sub-network #Param", 8) == "Sub-\nnetwork\n#Param"
    assert lines("Sub-network #Param", 11) == "Sub-network\n#Param"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("the baseline-HRNet by 2", 13, ["the baseline-", "HRNet by 2"]),
        ("sub-network 1 only", 12, ["sub-network", "1 only"]),  # a word that has room stays whole
        ("model.attend.sub_networks: [] -> [1]", 14, ["model.attend.", "sub_networks:", "[] -> [1]"]),
        ("coco/annotations/person_keypoints.json", 18, ["coco/annotations/", "person_keypoints.", "json"]),
        ("'II/our-w32/AP' == 22.125 -x_", 10, ["'II/our-", "w32/AP' ==", "22.125 -x_"]),
        ("5c60086579d3", 8, ["5c60086579d3"]),  # nowhere to break it: the terminal folds it
    ],
)
def test_a_long_word_breaks_behind_its_joints(text: str, width: int, shown: list[str]) -> None:
    assert wrapped(text, width).splitlines() == shown
    assert wrapped(text, len(text)) == text


def test_the_joints_of_long_words_make_room_for_other_columns() -> None:
    columns = [Texts("Key", ["efficient-sam-r101-parallel"], "texts"), Texts("AP", ["74.4"] * 2, "numbers")]
    assert fitted(columns, 24) == ([15, 4], 3)
    assert fitted(columns, 18) == ([10, 4], 2)
    shown = wrapped(columns[0].cells[0], 15).splitlines()
    assert shown == ["efficient-sam-", "r101-parallel"]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_list_of_networks_is_a_table_in_usual_terminals(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(networks, "count_networks", lambda jobs: dict.fromkeys(map(costs.key, jobs), COSTS))
    networks.list_all([], "rich")
    shown = capsys.readouterr().out
    assert all(len(line) <= width for line in shown.splitlines())
    assert re.search(r"^ hrnet-w32 +17 +256x192 +63\.596M +28\.5M +35\.307G +32\.88 +7\.1 *$", shown, re.MULTILINE)


ROWS = [
    {
        "arm": "sub-networks 1+2+3+4",
        "job": "5c60086579d3",
        "ap": "74.4 ± 0.3 (n 3) ≈",
        "why": "model.attend.stages: []",
    },
    {"arm": "注意 stage 1", "job": "61cf9044d00c", "ap": "75.4", "why": ""},
]


@pytest.mark.parametrize("width", [160, 80, 60, 48, 30])
def test_no_width_breaks_a_number_or_loses_a_word(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    columns = [Column("arm", "Arm"), Column("job", "Job"), Column("ap", "AP measured", right=True)]
    emit("rich", "A title of more than thirty letters", [*columns, Column("why", "Why")], ROWS, {}, ["A note."])
    shown = capsys.readouterr().out
    assert all(cell_len(line) <= width for line in shown.splitlines())
    for whole in ("5c60086579d3", "61cf9044d00c", "74.4", "75.4", "1+2+3+4", "注意"):
        assert whole in shown, whole
    assert _letters(["A note.", *(text for row in ROWS for text in row.values())]) <= _letters([shown])


def _letters(texts: Sequence[str]) -> set[str]:
    return set(re.sub(r"\s", "", "".join(texts)))


def test_rows_that_begin_alike_share_a_line_before_all_become_blocks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("AP", "APM", "PCKh", "PCK")
    rows = [{"protocol": f"protocol-{len(key) // 4}", "metric": key, "value": "12.3456789"} for key in keys]
    columns = [Column("protocol", "Protocol"), Column("metric", "Metric"), Column("value", "A", right=True)]
    monkeypatch.setenv("COLUMNS", "20")
    emit("rich", "Title", columns, [*rows[:2], rows[3], rows[2]], {})
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown[:2] == [["Title"], ["Protocol", "protocol-0"]]
    assert shown.count(["Metric", "A"]) == 2
    assert ["PCKh", "12.3456789"] in shown


def test_a_row_that_goes_on_says_in_its_block_whose_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "14")
    columns = [Column("arm", "Arm"), Column("kind", ""), Column("ap", "AP", right=True)]
    rows = [{"arm": "Fig. 3", "kind": "reported", "ap": "83.86"}, {"arm": "", "kind": "measured", "ap": "12.34"}]
    emit("rich", "T", columns, rows, {})
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown == ["T", "Arm Fig. 3", "kind reported", "AP 83.86", "Arm Fig. 3", "kind measured", "AP 12.34"]


def test_a_deviation_stays_beside_its_number() -> None:
    text = "0.4 ± 0.1 [-0.2, +0.9]"
    assert wrapped(text, 10).splitlines() == ["0.4 ± 0.1", "[-0.2,", "+0.9]"]
    assert Texts("AP", [text], "numbers").least((), 12) == len("0.4 ± 0.1")


def test_titles_have_the_terminals_width_and_commands_stay_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    title = "A title that is much wider than its table is, by far"
    command = "$ benchbox run " + " ".join(["ablations/a_study.toml"] * 4)
    emit("rich", title, [Column("a", "A"), Column("b", "B")], [{"a": "1", "b": "2"}], {}, [command, "word " * 20])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == title
    assert command in shown
    assert all(len(line) <= 60 for line in shown if line != command)


def test_a_table_of_numbers_is_turned_before_it_becomes_blocks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = [f"group {number}" for number in range(12)]
    columns = [Column("arm", "Arm"), *(Column(group, group, right=True) for group in groups)]
    rows = [
        {"arm": f"arm {place}", **{group: f"{place}{number}.5 ± 0.1" for number, group in enumerate(groups)}}
        for place in range(4)
    ]

    def shown(width: int, rows: list[dict[str, str]]) -> list[list[str]]:
        monkeypatch.setenv("COLUMNS", str(width))
        emit("rich", "Title", columns, rows, {})
        lines = capsys.readouterr().out.splitlines()
        assert all(len(line) <= width for line in lines)
        return [re.split(r" {2,}|(?<=1) (?=\d)", line.strip()) for line in lines if line.strip()]

    assert ["group 3", "03.5 ± 0.1", "13.5 ± 0.1", "23.5 ± 0.1", "33.5 ± 0.1"] in shown(80, rows)
    narrow = shown(40, rows)  # two and two, and neither three and one nor a part of a row
    assert ["Arm", "arm 0", "arm 1"] in narrow
    assert ["group 3", "03.5 ± 0.1", "13.5 ± 0.1"] in narrow
    assert ["Arm", "arm 2", "arm 3"] in narrow
    assert ["group 3", "03.5 ± 0.1"] in shown(22, rows)
    rows[1]["arm"] = rows[3]["arm"] = ""
    assert ["Arm", "arm 0", "arm 0"] in shown(50, rows)
    assert len([line for line in shown(50, rows[:3]) if line[0] == "Arm"]) == 1
