"""Whole studies with their tables: the committed ones at tiny."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.studies


def call(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment}
    command = [sys.executable, "-m", "benchbox", *words]
    return subprocess.run(command, cwd=root, env=given, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def tiny(root: Path) -> list[dict[str, Any]]:
    """The nine rows at tiny, in the checkout's own results folder: what the README's command did is not done again."""
    assert call(root, "run", "ablations/hrnet_stages.toml", "--scale", "tiny").returncode == 0
    shown = call(root, "table", "ablations/hrnet_stages.toml", "--scale", "tiny")
    print(shown.stdout)
    table = call(root, "table", "ablations/hrnet_stages.toml", "--scale", "tiny", "--json", "--strict")
    assert table.returncode == 0
    rows: list[dict[str, Any]] = json.loads(table.stdout)["rows"]
    return rows


def score(row: dict[str, Any], metric: str) -> float:
    return next(float(cell["measured"]) for cell in row["cells"].values() if cell["metric"] == metric)


def test_the_nine_rows_come_from_eight_jobs(tiny: list[dict[str, Any]]) -> None:
    assert len(tiny) == 9
    assert len({job for row in tiny for job in row["jobs"]}) == 8


def test_the_baseline_learns_and_no_arm_is_too_good(tiny: list[dict[str, Any]], root: Path, tmp_path: Path) -> None:
    assert tiny[0]["reference"]
    assert score(tiny[0], "PCKh") >= 70
    assert score(tiny[0], "AP50") >= 60
    assert max(score(row, "PCKh") for row in tiny) <= 95
    text = (root / "ablations/hrnet_stages.toml").read_text(encoding="utf-8")
    before, tail = text.split("[scales.tiny]")
    assert "epochs = " in tail
    untrained = before + "[scales.tiny]" + tail.replace("train = { epochs = 8, ", "train = { epochs = 0, ")
    assert untrained != text
    (tmp_path / "untrained.toml").write_text(untrained, encoding="utf-8")
    study = str(tmp_path / "untrained.toml")
    words = ["--scale", "tiny", "--results", str(tmp_path / "results")]
    assert call(root, "run", study, "--only", "baseline", *words).returncode == 0
    rows = json.loads(call(root, "table", study, "--json", *words).stdout)["rows"]
    assert score(tiny[0], "PCKh") - score(rows[0], "PCKh") >= 40


def test_the_papers_table_stands_beside_it(tiny: list[dict[str, Any]], root: Path) -> None:
    shown = call(root, "table", "--paper", "efficient-hrnet", "--table", "I", "--json", "--strict")
    assert shown.returncode == 0
    rows = json.loads(shown.stdout)["tables"][0]["rows"]
    assert [row["cells"]["AP"]["measured"] for row in rows] == [score(row, "AP") for row in tiny]


def test_the_nine_activities_stand_with_their_persons(tiny: list[dict[str, Any]], root: Path) -> None:
    shown = call(root, "table", "ablations/hrnet_stages.toml", "--scale", "tiny", "--by", "category")
    print(shown.stdout)
    words = ["ablations/hrnet_stages.toml", "--scale", "tiny", "--by", "category", "--json", "--strict"]
    rows = json.loads(call(root, "table", *words).stdout)["rows"]
    for row in rows:
        cells = {key: cell for key, cell in row["cells"].items() if key.startswith("category:")}
        assert len(cells) == 9
        assert all(cell["counted"] > 90 and 40 < cell["measured"] < 100 for cell in cells.values())


def test_scores_of_the_nine_rows_are_those_of_their_records(tiny: list[dict[str, Any]], root: Path) -> None:
    done = call(root, "rescore", "ablations/hrnet_stages.toml", "--scale", "tiny", "--check", "--json")
    assert done.returncode == 0
    assert {one["state"] for one in json.loads(done.stdout)["rows"]} == {"equal"}


def test_ways_of_reading_heatmaps_on_mpiis_files(root: Path, tmp_path: Path) -> None:
    study, words = "ablations/mpii_decoding.toml", ["--scale", "tiny", "--results", str(tmp_path)]
    assert call(root, "run", study, *words).returncode == 0
    rows = json.loads(call(root, "table", study, "--strict", "--mixed-protocols", "--json", *words).stdout)["rows"]
    found = {row["arm"]: row["cells"]["PCKh pckh@0.5"]["measured"] for row in rows}
    assert found["quarter offset"] >= 55
    # The same weights, read off in another way: what the field knows of each.
    assert found["whole cells"] < found["quarter offset"] < found["DARK"]
    assert found["quarter offset, no flip test"] < found["quarter offset"]
    shown = call(root, "table", study, "--by", "activity", "--mixed-protocols", *words)
    print(shown.stdout)
    mixed = ["--by", "activity", "--mixed-protocols", "--json", *words]
    by_activity = json.loads(call(root, "table", study, *mixed).stdout)["rows"]
    for row in by_activity:
        counted = [cell["counted"] for key, cell in row["cells"].items() if key.startswith("activity:")]
        assert len(counted) == 9
        assert min(counted) >= 40


OTHERS = {
    # study: what the names of its references contain
    "hrnet_coco": "baseline",
    "sam_kernels": "7x7",
    "resnet_am": "SimpleBaseline",
    "acnn": "plain hourglass",
    "mrn_attention": "no attention",
}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One results folder: what two studies share is trained once."""
    return tmp_path_factory.mktemp("studies")


@pytest.mark.parametrize("name", OTHERS)
def test_every_reference_learns(name: str, root: Path, tmp_path: Path, together: Path) -> None:
    study, words = f"ablations/{name}.toml", ["--scale", "tiny", "--results", str(together)]
    began = time.monotonic()
    assert call(root, "run", study, *words).returncode == 0
    print(f"{name}: {time.monotonic() - began:.0f} s")
    print(call(root, "table", study, *words).stdout)
    rows = json.loads(call(root, "table", study, "--strict", "--json", *words).stdout)["rows"]
    references = {row["arm"]: score(row, "PCKh") for row in rows if row["reference"]}
    before, tail = (root / study).read_text(encoding="utf-8").split("[scales.tiny]")
    untrained = tmp_path / "untrained.toml"
    shorter = tail + "train.epochs = 0\n" if "train.phases" in tail else tail.replace("epochs = 4, ", "epochs = 0, ")
    assert "epochs = 0" in shorter
    untrained.write_text(before + "[scales.tiny]" + shorter, encoding="utf-8")
    assert call(root, "run", str(untrained), "--only", OTHERS[name], *words).returncode == 0
    rows = json.loads(call(root, "table", str(untrained), "--json", *words).stdout)["rows"]
    at_first = {row["arm"]: score(row, "PCKh") for row in rows if row["reference"]}
    assert at_first.keys() == references.keys()
    for arm, trained in references.items():
        assert 20 + at_first[arm] <= trained <= 95, arm


def test_mrn_attentions_second_table(root: Path, together: Path) -> None:
    words = ["ablations/mrn_attention.toml", "--scale", "tiny", "--results", str(together), "--by", "activity"]
    print(call(root, "table", *words).stdout)
    rows = json.loads(call(root, "table", *words, "--strict", "--json").stdout)["rows"]
    assert len(rows) == 4
    for row in rows:
        counted = [cell["counted"] for key, cell in row["cells"].items() if key.startswith("activity:")]
        assert len(counted) == 9
        assert min(counted) >= 30


@pytest.mark.parametrize(
    ("paper", "tables"),
    [("efficient-hrnet", ["II"]), ("efficient-sam", ["1", "2"]), ("mrn-attention", ["1", "2"]), ("acnn", ["1"])],
)
def test_every_cell_of_a_papers_tables_is_answered(paper: str, tables: list[str], root: Path, together: Path) -> None:
    words = ["--scale", "tiny", "--results", str(together)]
    for table in tables:
        named = ["--paper", paper, "--table", table]
        shown = call(root, "table", *named, *words, "--strict", "--compare")
        print(shown.stdout)
        assert shown.returncode == 0
        for row in json.loads(call(root, "table", *named, *words, "--json").stdout)["tables"][0]["rows"]:
            scores = [cell for cell in row["cells"].values() if "measured" in cell]
            assert all(0 <= cell["measured"] <= 100 for cell in scores if row["arm"])
            assert {cell["verdict"] for cell in scores} <= {"not comparable", None}
    claims = call(root, "claims", "--paper", paper, *words)
    print(claims.stdout)
    assert claims.returncode == 0
