"""Every kind of network through the command line: trained, predicted, scored, in a table."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.studies

Call = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """\
schema = 1
title = "Networks"
factor = ["model"]

[base]
dataset = { name = "synthetic", layout = "mpii", train = 40, test = 20 }
model = { name = "resnet", shrink = 0.0625, head = "bilinear", attention = "cbam" }
train = { epochs = 1, batch = 8, sigma = 1.0 }

[[variants]]
name = "resnet"
reference = true

[[variants]]
name = "hourglass"
model = { name = "hourglass", stacks = 2, attention = "se", attend.stacks = [1], shrink = 0.0625 }

[[variants]]
name = "acnn"
model = { name = "acnn", stacks = 2, mask = "binary", shrink = 0.0625 }

[[variants]]
name = "mrn"
model = { name = "mrn", attention = "multi-resolution", auxiliary = 0.1, shrink = 0.0625 }
"""


def test_networks_of_every_kind_become_rows(tmp_path: Path, benchbox: Call) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    done = benchbox("run", "study.toml", "--scale", "paper")
    assert done.returncode == 0, done.stderr
    shown = benchbox("table", "study.toml", "--scale", "paper", "--mixed-protocols", "--strict", "--json")
    rows = {row["arm"]: row["cells"] for row in json.loads(shown.stdout)["rows"]}
    assert list(rows) == ["resnet", "hourglass", "acnn", "mrn"]
    protocols = {
        arm: {cell["protocol"] for cell in cells.values() if cell["metric"] == "PCKh"} for arm, cells in rows.items()
    }
    assert all("regressed" not in name for arm in ("resnet", "hourglass", "acnn") for name in protocols[arm])
    assert all("/flip/regressed" in name for name in protocols["mrn"])
    again = benchbox("rescore", "study.toml", "--scale", "paper", "--check")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("train.loss: mrn is taught coordinates", 'train.loss = "hardest-mse"'),
        ("evaluate.decode: mrn puts out coordinates", 'evaluate.decode = "dark"'),
    ],
)
def test_what_coordinates_cannot_have_is_refused(said: str, change: str, tmp_path: Path, benchbox: Call) -> None:
    (tmp_path / "study.toml").write_text(
        STUDY.replace('factor = ["model"]', 'factor = ["model", "train", "evaluate"]') + change
    )
    done = benchbox("plan", "study.toml", "--scale", "paper")
    assert done.returncode == 2
    assert said in done.stderr


def test_bf16_is_refused_where_it_would_take_days(tmp_path: Path, benchbox: Call) -> None:
    study = STUDY.split("[[variants]]")[0] + '[[variants]]\nname = "resnet"\nreference = true\n'
    (tmp_path / "study.toml").write_text(study.replace("sigma = 1.0 }", 'sigma = 1.0, precision = "bf16" }'))
    done = benchbox("run", "study.toml", "--scale", "paper")
    native = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    assert done.returncode == (0 if native else 4)
    if not native:
        assert 'train.precision = "bf16": this CPU does not compute in bf16' in done.stderr
