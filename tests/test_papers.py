"""The papers' cells are those of the papers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchbox.papers import read as papers
from benchbox.plan import expand
from benchbox.spec import read_study


def test_table_one_of_efficient_hrnet_is_the_printed_one() -> None:
    (table,) = papers.read("efficient-hrnet").tables
    printed = [(row.reported["parameters"], row.reported["AP"]) for row in table.rows]
    assert printed == [
        ("28.5M", "74.4"), ("31.1M", "75.4"), ("33.8M", "75.9"), ("35.5M", "76.3"), ("36.4M", "76.4"),
        ("30.2M", "75.5"), ("32.9M", "76.0"), ("36.4M", "76.4"), ("31.9M", "75.7"),
    ]  # fmt: skip


def test_table_one_stands_so_in_the_papers_text(root: Path) -> None:
    text = root.parent / "shared/papers/efficient-hrnet.txt"
    if not text.exists():
        pytest.skip("the paper's text is not beside the checkout")
    lines = re.findall(r"^HRNet-W32\t(.+)\t(\d+\.\d)M\t(\d+\.\d)\s*$", text.read_text(encoding="utf-8"), re.MULTILINE)
    (table,) = papers.read("efficient-hrnet").tables
    ours = [
        (row.labels["sub_network"] or row.labels["stage"], row.reported["parameters"][:-1], row.reported["AP"])
        for row in table.rows
    ]
    assert ours == lines


def test_every_row_names_an_arm_of_its_study(root: Path) -> None:
    for name in papers.names():
        paper = papers.read(name)
        for table in paper.tables:
            arms = {arm.name for arm in expand(read_study(root / f"ablations/{table.study}.toml"), "paper")}
            assert {row.arm for row in table.rows if row.arm} <= arms
            assert {key for row in table.rows for key in row.errata} <= paper.errata.keys()
            keys = {column.key for column in table.columns if column.metric}
            assert all(row.reported.keys() <= keys for row in table.rows)
