"""Which networks a file of weights fits: files with the names and shapes of the released weights."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from benchbox.attention import ATTENTION
from benchbox.models import MODELS
from benchbox.worker.fit import examine
from tests.parity.golden import FOLDER

Call = Callable[..., subprocess.CompletedProcess[str]]


def released(name: str) -> dict[str, Tensor]:
    """Return zeros with the names and shapes of a released checkpoint."""
    listed = json.loads((FOLDER / f"{name}.json").read_text())["ordered_keys"]
    return {key: torch.zeros(shape, dtype=getattr(torch, dtype)) for key, shape, dtype in listed}


def classifier() -> dict[str, Tensor]:
    """Return what torchvision's old ResNet-50 file holds: no counters of batches, and its own head."""
    body = released("simplebaseline_r50_coco17")
    kept = {name: tensor for name, tensor in body.items() if not name.startswith(("deconv_layers.", "final_layer."))}
    kept = {name: tensor for name, tensor in kept.items() if not name.endswith("num_batches_tracked")}
    return {**kept, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}


def test_released_weights_fit_and_the_line_is_a_study(benchbox: Call, tmp_path: Path) -> None:
    state = {f"module.{name}": tensor for name, tensor in released("simplebaseline_r50_coco17").items()}
    torch.save({"epoch": 140, "state_dict": state, "optimizer": {}}, tmp_path / "pose_resnet_50.pth")
    done = benchbox("models", "check", "pose_resnet_50.pth", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["schema"], record["kind"], record["entries"]) == (1, "models-check", 338)
    (row,) = record["rows"]
    assert (row["network"], row["fits"], row["joints"]) == ("simple-baseline-r50", "model.weights", 17)
    assert (row["parameters"], row["colour"]) == (33_999_697, "bgr")
    table = tomllib.loads(row["toml"])["model"]
    path = str(tmp_path / "pose_resnet_50.pth")
    assert table == {"name": "resnet", "depth": 50, "colour": "bgr", "weights": path}
    study = f'schema = 1\ntitle = "t"\nfactor = ["seed"]\n[base]\ndataset = {{ name = "coco" }}\n{row["toml"]}\n'
    (tmp_path / "study.toml").write_text(study + '[[variants]]\nname = "released"\nreference = true\n')
    planned = benchbox("plan", "study.toml", "--scale", "paper", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["rows"][0]["parameters"] == 33_999_697


@pytest.mark.parametrize(
    ("file", "network", "joints"),
    [
        ("hrnet_w32_mpii16", "hrnet-w32", 16),
        ("simplebaseline_r152_coco17", "simple-baseline-r152", 17),
    ],
)
def test_every_released_list_is_recognised(file: str, network: str, joints: int, tmp_path: Path) -> None:
    save_file(released(file), tmp_path / "weights.safetensors")
    answer = examine(tmp_path / "weights.safetensors")
    assert [(row["network"], row["joints"]) for row in answer["fits"]] == [(network, joints)]
    assert answer["fits"][0]["parameters"] == json.loads((FOLDER / f"{file}.json").read_text())["num_parameters"]
    assert answer["fits"][0]["colour"] == ("rgb" if network.startswith("hrnet") else "bgr")
    assert answer["nearest"] is None


def test_a_classifier_fits_as_a_backbone(tmp_path: Path) -> None:
    torch.save(classifier(), tmp_path / "resnet50.pth")
    fits = {row["network"]: row for row in examine(tmp_path / "resnet50.pth")["fits"]}
    assert {row["fits"] for row in fits.values()} == {"model.pretrained"}
    assert {"simple-baseline-r50", "efficient-sam-r50", "efficient-sam-r50-7x7-matched"} <= set(fits)
    assert not any("r101" in name or "hrnet" in name or "hourglass" in name for name in fits)


@pytest.mark.parametrize(
    ("model", "options", "attention", "spelt"),
    [
        ("hrnet", {"width": 40}, None, {"name": "hrnet", "width": 40}),
        (
            "hrnet",
            {"shrink": 0.25, "blocks": 1, "modules": (1, 2, 1), "places": [(1, 2), (3, 4)]},
            "se",
            {"name": "hrnet", "width": 32, "shrink": 0.25, "blocks": 1, "modules": [1, 2, 1], "attention": "se"}
            | {"attend": {"places": [[1, 2], [3, 4]]}},
        ),
        (
            "bilinear-resnet",
            {"depth": 101, "shrink": 0.125, "final_kernel": 3, "places": [2]},
            "cbam",
            {"name": "resnet", "depth": 101, "shrink": 0.125, "head": "bilinear", "final_kernel": 3}
            | {"attention": "cbam", "attend": {"blocks": [2]}},
        ),
        (
            "simple-baseline",
            {"shrink": 0.125},
            None,
            {"name": "resnet", "depth": 50, "shrink": 0.125, "colour": "bgr"},
        ),
        ("hourglass", {"stacks": 3, "shrink": 0.25}, None, {"name": "hourglass", "stacks": 3, "shrink": 0.25}),
    ],
)
def test_sizes_without_a_name_are_read_from_the_shapes(
    model: str, options: dict[str, Any], attention: str | None, spelt: dict[str, Any], tmp_path: Path
) -> None:
    given = options | ({"attention": ATTENTION[attention]} if attention else {})
    torch.save(MODELS[model](joints=14, **given).state_dict(), tmp_path / "weights.pth")
    (row,) = examine(tmp_path / "weights.pth")["fits"]
    assert (row["network"], row["joints"], row["model"]) == ("", 14, spelt)


def test_what_fits_nothing_names_the_nearest_and_the_first_misfit(benchbox: Call, tmp_path: Path) -> None:
    state = released("hrnet_w32_coco17")
    state["stage4.1.fuse_layers.0.1.0.weight"] = torch.zeros(32, 64, 3, 3)
    torch.save(state, tmp_path / "other.pth")
    done = benchbox("models", "check", "other.pth")
    assert done.returncode == 1
    misfit = "stage4.1.fuse_layers.0.1.0.weight is [32, 64, 3, 3], the network's [32, 64, 1, 1]"
    assert done.stderr == f"other.pth: fits no network; the nearest, hrnet-w32: {misfit}\n"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, 2, "weights.pth: no such file"),
        (b"PK\x03\x04 not a zip", 2, "weights.pth: not a file of weights"),
        ({"epoch": 3}, 2, "weights.pth: holds no weights by name"),
        ({"conv1.weight": torch.full((64, 3, 7, 7), torch.nan)}, 2, "conv1.weight holds a value that is not finite"),
    ],
)
def test_what_is_no_file_of_weights_is_one_line(
    content: Any, code: int, said: str, benchbox: Call, tmp_path: Path
) -> None:
    if isinstance(content, bytes):
        (tmp_path / "weights.pth").write_bytes(content)
    elif content:
        torch.save(content, tmp_path / "weights.pth")
    done = benchbox("models", "check", "weights.pth")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("benchbox: error: weights.pth: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "state",
    [
        {"final_layer.weight": torch.zeros(()), "upsampling.0": torch.zeros(1), "conv1.weight": torch.zeros(64)},
        {"conv1.weight": torch.zeros(()), "attention.x": torch.zeros(1), "stem.conv.weight": torch.zeros(9999, 0)},
        {
            "stem.conv.weight": torch.zeros(64, 3),
            "attention": torch.zeros(1),
            "stacks.1.heatmap.weight": torch.zeros(0),
        },
        {"conv1.weight": torch.zeros(1), "stage2.0.branches.0.0.conv1.weight": torch.zeros(900)},
    ],
)
def test_odd_shapes_fit_nothing(state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "odd.pth")
    answer = examine(tmp_path / "odd.pth")
    assert answer["fits"] == []
    assert answer["nearest"]["misfit"]
