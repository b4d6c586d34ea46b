"""Real MPII and LSP persons through the whole way, untrained: read, cropped, predicted, scored by their own metric."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchbox.jobdir import JobDir

pytestmark = pytest.mark.studies

STUDY = """\
schema = 1
title = "Others"
factor = ["evaluate"]

[base]
dataset = {{ name = "{name}", input = [64, 64]{more} }}
model = {{ name = "hrnet", shrink = 0.125, blocks = 1, modules = [1, 1, 1] }}
train = {{ epochs = 0 }}

[[variants]]
name = "quarter"
reference = true
"""
DARK = """
[[variants]]
name = "dark"
evaluate = { decode = "dark", coordinates = "udp" }
"""


@pytest.mark.parametrize(
    ("name", "more", "both", "metric", "protocol", "persons"),
    [
        ("mpii", "", False, "PCKh", "pckh@0.5/hrnet-v1/gt-boxes/flip", 135),
        ("mpii", ', test = "train"', True, "PCKh", "pckh@0.5/hrnet-v1/gt-boxes/flip/neck-heads", 485),
        ("lspet", ', test = "val"', False, "PCK", "pck@0.2/lsp-v1/gt-boxes/flip", 100),
    ],
)
def test_each_has_its_own_metric(
    name: str,
    more: str,
    both: bool,
    metric: str,
    protocol: str,
    persons: int,
    real_data: Path,
    tmp_path: Path,
    benchbox: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    (tmp_path / "others.toml").write_text(STUDY.format(name=name, more=more) + DARK * both, encoding="utf-8")
    done = benchbox("run", "others.toml", "--scale", "paper", BENCHBOX_DATA=str(real_data))
    assert done.returncode == 0, done.stderr
    words = ["--scale", "paper", "--json"]
    table = json.loads(benchbox("table", "others.toml", *words, BENCHBOX_DATA=str(real_data)).stdout)
    first, *others = table["rows"]
    assert first["cells"][f"{metric} {protocol}"]["n"] == 1
    parts = protocol.split("/")
    place = 4 if "neck-heads" in protocol else len(parts)
    other = "/".join([*parts[:place], "dark", "udp", *parts[place:]])
    assert [second["cells"][f"{metric} {other}"]["n"] for second in others] == [1] * both
    attempt = JobDir(tmp_path / "results/jobs" / first["jobs"][0]).result()
    assert attempt is not None
    people = pq.read_table(attempt.table("people"))
    assert people.num_rows == persons
    truth = np.array(people["truth"].to_pylist()).reshape(persons, -1, 3)
    predicted = np.array(people["keypoints"].to_pylist()).reshape(persons, -1, 2)
    unit = np.array([np.nan if one is None else one for one in people["joint_unit"].to_pylist()])
    away = np.hypot(*np.moveaxis(predicted - truth[..., :2], -1, 0)) / unit[:, None]
    errors = np.array(people["joint_errors"].to_pylist())
    counted = (truth[..., 2] > 0) & np.isfinite(unit)[:, None]
    np.testing.assert_allclose(errors[counted], away[counted], rtol=1e-9)
    assert np.isnan(errors[~counted]).all()
    inputs = json.loads(pq.read_table(attempt.table("runs"))["inputs"][0].as_py())
    assert all(key.startswith(name) for key in inputs)
