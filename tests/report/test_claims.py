"""Claims on a made-up paper: what its own cells say, and what measured ones do, with and without an interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchbox.papers.read import Claim
from benchbox.report.cells import fill
from benchbox.report.claims import cells_by_address, claims_table, comparable_pairs
from benchbox.report.marks import Note
from tests.report import made_up

PAIR = ("1/off/AP", "1/base/AP")


def rows(folder: Path, checks: list[str], *, scale: str = "paper", **gap: float) -> list[tuple[str, ...]]:
    """Return (reported values, verdict, measured values, verdict and reason) of formulas on the made-up results."""
    made = made_up.paper(folder)
    claim = Claim(key="c", place="1", quote="q", checks=checks)
    made = made.model_copy(update={"claims": [claim], "errata": []})
    filled = fill(made, made.tables[0], {"made-up": made_up.answers(made, scale)})
    gaps = {pair: gap for pair in comparable_pairs(made, cells_by_address([filled]))} if gap else {}
    texts = claims_table(made, [filled], gaps).texts
    return [(text["reported"], text["paper"], text["measured"], text["verdict"]) for text in texts]


GAP = "'1/off/AP' - '1/base/AP' == 1.0"  # reported 71.0 - 70.0, measured 70.92 - 70.04


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.2, 1.5, "cannot tell"), (0.2, 0.94, "does not"), (0.9, 0.92, "does not"), (0.7, 0.955, "cannot tell")],
)
def test_a_difference_is_judged_by_its_interval(low: float, high: float, verdict: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, [GAP], difference=0.88, low=low, high=high)
    assert row == ("1.0", "holds", f"0.88 [{low:+.2f}, {high:+.2f}]", verdict)


def test_a_number_is_shown_to_the_digits_that_it_is_held_against(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ["('1/off/AP' - '1/base/AP') / 2 == 0.55"])
    assert row[:2] == ("0.50", "cannot tell")


def test_a_difference_that_rounds_to_the_number_holds(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ["'1/off/AP' - '1/base/AP' == 0.9"], difference=0.88, low=0.5, high=1.2)
    assert row[1] == "cannot tell"  # 71.0 - 70.0, each good to 0.05
    assert row[3] == "holds"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.2, 1.5, "holds"), (-0.2, 1.5, "cannot tell"), (-2.0, -0.5, "does not")],
)
def test_an_order_is_judged_by_whether_the_interval_excludes_zero(
    low: float, high: float, verdict: str, tmp_path: Path
) -> None:
    gap = {"difference": (low + high) / 2, "low": low, "high": high}
    (row,) = rows(tmp_path, ["'1/off/AP' > '1/base/AP'"], **gap)
    assert row[:2] == ("71.0 > 70.0", "holds")
    assert row[3] == verdict
    (row,) = rows(tmp_path, ["'1/off/AP' > '1/base/AP'"], scale="tiny", **gap)
    assert row[3] == f"{verdict} (at scale tiny)"
    (row,) = rows(tmp_path, [GAP], scale="tiny", **gap)
    assert row[3] == "cannot tell (scale tiny)"


def test_one_seed_without_an_interval_tells_nothing(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ["'1/off/AP' > '1/base/AP'"])
    assert row[3] == "cannot tell"


def test_counts_are_exact_at_any_scale(tmp_path: Path) -> None:
    checks = ["'1/base/parameters' == 1.0", "'1/base/parameters' < '1/noisy/parameters'", "'1/noisy/parameters' == 1.1"]
    for scale in ("paper", "tiny"):
        assert [row[1::2] for row in rows(tmp_path, checks, scale=scale)] == [
            ("holds", "holds"),
            ("holds", "does not"),
            ("holds", "does not"),
        ]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("1/cited/AP", "cited, not run here"),
        ("1/waits/AP", "waits: pending"),
        ("1/broke/AP", "broke: failed"),
        ("1/stale/AP", "stale: stale"),
        ("1/boxes/AP", "boxes: no such score"),
    ],
)
def test_what_is_not_there_is_not_measured(cell: str, why: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, [f"'{cell}' >= '1/base/AP'"], difference=1.0, low=0.5, high=1.5)
    assert row[2:] == ("", f"not measured ({why})")


def test_a_number_of_another_setting_is_not_reproduced(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ["'1/setting/AP' == 72.0"])
    assert row[3] == "cannot tell (size: other)"


def test_the_table_quotes_each_sentence_once_with_its_errata(tmp_path: Path) -> None:
    made = made_up.paper(tmp_path)
    filled = made_up.filled(tmp_path)
    layout = claims_table(made, [filled], {})
    assert [text.get("quote") for text in layout.texts] == ["“Off is 1.0 better than Base.”", None]
    assert [marks["quote"] for marks in layout.marks] == [["1"], []]
    assert layout.footnotes[-1] == Note("1.1M cannot be.", "1")
    records: list[dict[str, Any]] = layout.records
    assert [record["errata"] for record in records] == [["wrong"], ["wrong"]]
    assert layout.missing == 0
    assert comparable_pairs(made, cells_by_address([filled])) == [PAIR, ("1/noisy/AP", "1/base/AP")]
