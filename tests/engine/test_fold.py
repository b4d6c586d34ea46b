"""Folded networks predict as the unfolded do, within the tolerances that are stated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.engine.fold import folded
from benchbox.models import MODELS
from benchbox.models.initial import initialise

NETWORKS: dict[str, dict[str, Any]] = {
    "hrnet": {"shrink": 0.25, "blocks": 1, "modules": (1, 1, 1), "attention": ATTENTION["am"], "places": [(1, 1)]},
    "simple-baseline": {"shrink": 0.125, "attention": ATTENTION["cbam"], "places": [1, 4]},
    "bilinear-resnet": {"shrink": 0.125, "attention": ATTENTION["se"], "places": [2]},
    "hourglass": {"shrink": 0.125, "stacks": 2, "attention": ATTENTION["am"], "attended": [1]},
    "acnn": {"shrink": 0.125, "stacks": 2},
    "mrn": {"shrink": 0.125, "input": (64, 64), "attention": "multi-resolution"},
}


def trained(name: str) -> nn.Module:
    """Return a network whose batch norms have statistics that matter."""
    model = MODELS[name](joints=4, **NETWORKS[name])
    initialise(model, 0, scheme="he")
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            for tensor, low, high in (
                (module.running_mean, -0.1, 0.1),
                (module.running_var, 0.8, 1.3),
                (module.weight.data, 0.6, 1.2),
                (module.bias.data, -0.1, 0.1),
            ):
                tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=generator))
    return model


def test_no_network_is_left_out() -> None:
    assert set(NETWORKS) == set(MODELS)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_the_unfolded_networks(name: str) -> None:
    model = trained(name).to(memory_format=torch.channels_last)
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    quick = folded(model)
    with torch.no_grad():
        wanted, found = model.eval()(image), quick(image)
    assert (wanted - found).abs().max() <= 1e-5 * wanted.abs().max()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    left = sum(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    assert left < sum(isinstance(module, nn.BatchNorm2d) for module in model.modules()) / 2


@pytest.mark.parametrize("name", ["hrnet", "hourglass"])
def test_outputs_in_bf16_are_near(name: str) -> None:
    model = trained(name)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted, found = model.eval()(image), folded(model, "bf16")(image.to(torch.bfloat16)).float()
    assert 0 < (wanted - found).abs().max() <= 5e-2 * wanted.abs().max()
