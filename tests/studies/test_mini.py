"""Real persons at scale mini: the whole way from their files to a table."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from benchbox.plan import expand
from benchbox.spec import read_study
from tests import readme
from tests.studies.test_studies import call, score

pytestmark = pytest.mark.studies


def test_real_mpii_persons_at_mini(root: Path, real_data: Path, tmp_path: Path) -> None:
    study, words = "ablations/mpii_decoding.toml", ["--scale", "mini", "--results", str(tmp_path)]
    done = call(root, "run", study, "--only", "whole cells", *words, BENCHBOX_DATA=str(real_data))
    assert done.returncode == 0
    rows = json.loads(call(root, "table", study, "--json", *words, BENCHBOX_DATA=str(real_data)).stdout)["rows"]
    (row,) = [row for row in rows if row["state"] == "done"]
    assert score(row, "PCKh") >= 10


def test_real_coco_persons_at_mini(root: Path, real_data: Path, tmp_path: Path) -> None:
    study, results = "ablations/hrnet_stages.toml", str(tmp_path / "results")
    words = ["--scale", "mini", "--results", results]
    shown = shlex.split(readme.shown("hrnet_stages.toml --scale mini"))[1:]
    done = call(root, *shown, "--results", results, BENCHBOX_DATA=str(real_data))
    assert done.returncode == 0
    rows = json.loads(call(root, "table", study, "--json", *words, BENCHBOX_DATA=str(real_data)).stdout)["rows"]
    finished = [row for row in rows if row["state"] == "done"]
    assert len(finished) == 9
    assert all(0 <= score(row, "AP") <= score(row, "AP50") for row in finished)
    assert not any(cell["metric"] == "PCKh" for row in finished for cell in row["cells"].values())
    arms = expand(read_study(root / study), "mini")
    assert {arm.config.dataset.name for arm in arms} == {"coco"}
