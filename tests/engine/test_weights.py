"""Weights of a backbone alone, and files of safetensors."""

from __future__ import annotations

import hashlib
import resource
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from benchbox.attention import ATTENTION
from benchbox.engine.weights import load_backbone, load_weights, read_weights, save_weights
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.models import MODELS
from benchbox.plan import expand
from benchbox.spec import read_study

HEAD = ("deconv_layers.", "upsampling.", "final_layer.", "attention.")
STUDY = """\
schema = 1
title = "From a classifier"
factor = ["model.pretrained"]

[base]
dataset = { name = "synthetic" }
model = { name = "resnet" }

[[variants]]
name = "from nothing"
reference = true

[[variants]]
name = "from ImageNet"
model.pretrained = "resnet50-19c8e357.pth"
"""


def network(head: str = "simple-baseline", seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    model = MODELS[head](joints=4, shrink=0.0625, attention=ATTENTION["se"], places=[4])
    for buffer in model.buffers():
        buffer.copy_(torch.rand(buffer.shape) * 9)
    return model


def classifier(seed: int = 1) -> dict[str, Tensor]:
    """Return the body as torchvision's old files hold it: without counters of batches, with a head of its own."""
    state = network(seed=seed).state_dict()
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(HEAD)}
    return {name: tensor for name, tensor in kept.items() if "num_batches" not in name} | {
        "fc.weight": torch.zeros(1000, 128),
        "fc.bias": torch.zeros(1000),
    }


@pytest.mark.parametrize("head", ["simple-baseline", "bilinear-resnet"])
def test_a_backbone_is_loaded_and_the_rest_stays(head: str, tmp_path: Path) -> None:
    model, file, given = network(head), tmp_path / "resnet.pth", classifier()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.save(given, file)
    load_backbone(file, model)
    after = model.state_dict()
    assert sum(name in given for name in after) == len(given) - 2
    for name, tensor in after.items():
        assert torch.equal(tensor, given.get(name, before[name])), name
    assert any(not torch.equal(after[name], before[name]) for name in given if name in after)


def test_counters_are_loaded_where_they_are(tmp_path: Path) -> None:
    model, other = network(), network(seed=1).state_dict()
    torch.save({name: tensor for name, tensor in other.items() if not name.startswith(HEAD)}, tmp_path / "resnet.pth")
    load_backbone(tmp_path / "resnet.pth", model)
    assert torch.equal(model.state_dict()["bn1.num_batches_tracked"], other["bn1.num_batches_tracked"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layer3.0.conv1.weight": None}, "lacks layer3.0.conv1.weight"),
        ({"layer3.0.bn1.running_mean": None}, "lacks layer3.0.bn1.running_mean"),
        ({"conv1.weight": torch.zeros(4, 1, 7, 7)}, "conv1.weight is [4, 1, 7, 7], the network's [4, 3, 7, 7]"),
        ({"conv1.weight": torch.full((4, 3, 7, 7), torch.inf)}, "conv1.weight holds a value that is not finite"),
    ],
)
def test_a_backbone_that_is_another_is_refused(change: dict[str, Tensor | None], said: str, tmp_path: Path) -> None:
    file, model = tmp_path / "resnet.pth", network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.save({name: tensor for name, tensor in {**classifier(), **change}.items() if tensor is not None}, file)
    with pytest.raises(InvalidInput) as caught:
        load_backbone(file, model)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_missing_entry_of_a_big_file_is_a_short_line(tmp_path: Path) -> None:
    torch.save({f"entry{number}": torch.zeros(1) for number in range(3000)}, tmp_path / "other.pth")
    with pytest.raises(InvalidInput) as caught:
        load_weights(tmp_path / "other.pth", network())
    assert len(str(caught.value)) < 200 + len(str(tmp_path))


def test_safetensors_come_back_as_they_went(tmp_path: Path) -> None:
    model, other, file = network(), network(seed=1), tmp_path / "weights.safetensors"
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_weights(file, model)
    read = read_weights(file)
    assert list(sorted(read)) == sorted(model.state_dict())
    assert all(torch.equal(read[name], tensor) for name, tensor in model.state_dict().items())
    load_weights(file, other)
    assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[:-9], lambda data: b"{}" + data])
def test_damaged_safetensors_are_one_line(spoil: object, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_weights(file, nn.Linear(3, 3))
    file.write_bytes(spoil(file.read_bytes()))  # type: ignore[operator]
    with pytest.raises(InvalidInput, match="not a file of weights") as caught:
        read_weights(file)
    assert "\n" not in str(caught.value)


def test_a_backbone_is_found_in_torch_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDY)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub-of-one"))
    with pytest.raises(EnvironmentProblem, match=r"study\.toml:\d+: model\.pretrained: .*resnet50.*: no such file"):
        expand(read_study(study), "paper")
    jobs = []
    for place in (tmp_path / "hub-of-one/hub/checkpoints", tmp_path / "hub-of-another/hub/checkpoints"):
        place.mkdir(parents=True)
        (place / "resnet50-19c8e357.pth").write_bytes(b"some bytes")
        monkeypatch.setenv("TORCH_HOME", str(place.parents[1]))
        plain, pretrained = expand(read_study(study), "paper")
        assert pretrained.config.model.pretrained.path == str(place / "resnet50-19c8e357.pth")  # type: ignore[union-attr]
        assert pretrained.config.model.pretrained.digest == hashlib.sha256(b"some bytes").hexdigest()[:16]  # type: ignore[union-attr]
        jobs.append(pretrained.job)
    assert jobs[0] == jobs[1] != plain.job
    (place / "resnet50-19c8e357.pth").write_bytes(b"other bytes")
    assert expand(read_study(study), "paper")[1].job != jobs[0]


def test_weights_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_weights(file, nn.Linear(3, 3))
    before, limits = file.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save_weights(file, nn.Linear(100, 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(file, before)]
