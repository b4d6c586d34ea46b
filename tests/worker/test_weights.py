"""A file of weights is evaluated as a job: `model.weights` with no training, its digest in the id."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from benchbox.config import JobConfig
from benchbox.engine.weights import load_weights
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.spec import read_study
from benchbox.worker.network import initial_network

Call = Callable[..., subprocess.CompletedProcess[str]]

MODEL = {"name": "hrnet", "width": 16, "shrink": 0.25, "blocks": 1, "modules": [1, 1, 1]}
STUDY = """\
schema = 1
title = "Weights of others"
factor = ["model.weights"]

[base]
dataset = { name = "synthetic", train = 160, test = 40 }
model = { name = "hrnet", width = 16, shrink = 0.25, blocks = 1, modules = [1, 1, 1] }
train = { epochs = 0 }

[[variants]]
name = "ours"
reference = true

[[variants]]
name = "theirs"
model.weights = "weights/theirs.pth"
"""


def network(seed: int = 0) -> torch.nn.Module:
    config = JobConfig.model_validate({"dataset": {"name": "synthetic"}, "model": MODEL, "seed": seed})
    return initial_network(config, torch.device("cpu"))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "weights").mkdir()
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path / "study.toml"


def keypoints(tmp_path: Path, job: str) -> Any:
    result = JobDir(tmp_path / "results/jobs" / job).result()
    assert result is not None
    return pq.read_table(result.table("people"))["keypoints"].to_pylist()


@pytest.mark.studies
def test_the_weights_make_the_predictions(study: Path, tmp_path: Path, benchbox: Call) -> None:
    # Names as data-parallel training leaves them, wrapped as official checkpoints are.
    state = OrderedDict((f"module.{name}", value) for name, value in network(seed=0).state_dict().items())
    torch.save({"epoch": 210, "state_dict": state}, tmp_path / "weights/theirs.pth")
    done = benchbox("run", str(study), "--scale", "paper")
    assert done.returncode == 0, done.stderr
    rows = json.loads(benchbox("table", str(study), "--scale", "paper", "--json").stdout)["rows"]
    ours, theirs = (row["jobs"][0] for row in rows)
    assert ours != theirs
    assert keypoints(tmp_path, ours) == keypoints(tmp_path, theirs)
    torch.save(network(seed=1).state_dict(), tmp_path / "weights/theirs.pth")
    planned = json.loads(benchbox("plan", str(study), "--scale", "paper", "--json").stdout)["rows"]
    assert [row["state"] for row in planned] == ["done", "pending"]
    assert planned[1]["job"] not in (ours, theirs)
    assert "model.weights" in planned[1]["difference"]


def test_the_id_hangs_on_the_bytes_and_never_on_the_path(study: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"study\.toml:\d+: model\.weights: .*theirs\.pth: no such file"):
        expand(read_study(study), "paper")
    (tmp_path / "weights/theirs.pth").write_bytes(b"some bytes")
    first = expand(read_study(study), "paper")[1]
    digest = hashlib.sha256(b"some bytes").hexdigest()[:16]
    (tmp_path / "elsewhere.pth").write_bytes(b"some bytes")
    study.write_text(STUDY.replace("weights/theirs.pth", "elsewhere.pth"))
    assert expand(read_study(study), "paper")[1].job == first.job
    pinned = f'model.weights = {{ path = "gone.pth", digest = "{digest}" }}'
    study.write_text(STUDY.replace('model.weights = "weights/theirs.pth"', pinned))
    assert expand(read_study(study), "paper")[1].job == first.job
    (tmp_path / "gone.pth").write_bytes(b"other bytes")
    with pytest.raises(InvalidInput, match=f"the study states {digest}"):
        expand(read_study(study), "paper")


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    file, model = tmp_path / "weights.pth", network()
    good = model.state_dict()
    name = "conv1.weight"
    cases: list[tuple[Any, str]] = [
        ({key: value for key, value in good.items() if key != name}, f"lacks {name}"),
        ({**good, name: good[name][:-1]}, f"{name} is "),
        ({**good, "more": good[name]}, "more is not in the network"),
        ({**good, name: good[name] * float("nan")}, f"{name} holds a value that is not finite"),
        ({}, "holds no weights"),
        ([1, 2], "holds no weights"),
        ({"state_dict": {"a": "text"}}, "holds no weights"),
    ]
    for content, said in cases:
        torch.save(content, file)
        with pytest.raises(InvalidInput) as caught:
            load_weights(file, model)
        assert str(caught.value).startswith(f"{file}: ")
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
    for raw in (b"", b"PK\x03\x04 not a zip", b"text"):
        file.write_bytes(raw)
        with pytest.raises(InvalidInput, match="not a file of weights"):
            load_weights(file, model)
    torch.save(torch.nn.Linear(2, 2), file)  # a whole module needs pickle's full powers
    with pytest.raises(InvalidInput, match="not a file of weights"):
        load_weights(file, model)
