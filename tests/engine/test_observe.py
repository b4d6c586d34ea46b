"""Looking inside a forward pass moves no bit of it and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.engine.normalise import normalised
from benchbox.engine.observe import observe, stage_predictions
from benchbox.models import MODELS
from benchbox.models.initial import initialise

CPU = torch.device("cpu")
NETWORKS: dict[str, dict[str, Any]] = {
    "hrnet": {
        "width": 8,
        "blocks": 1,
        "modules": (1, 1, 1),
        "attention": ATTENTION["am"],
        "places": [(3, 4), (1, 2), (2, 1), (1, 1)],
    },
    "acnn": {"stacks": 3, "shrink": 0.05, "mask_offset": 0.0},
    "mrn": {"input": (64, 64), "shrink": 0.05, "attention": "multi-resolution"},
}
ORDER = {
    "hrnet": ["attention.1.1", "attention.1.2", "attention.2.1", "attention.3.4"],
    "acnn": ["mask_layers.1", "mask_layers.2"],
    # a stack goes down first; its masks act on the way up, from the lowest resolution on
    "mrn": [f"attention.resolution.{stack}.{level}" for stack in (0, 1) for level in (4, 3, 2, 1, 0)],
}


def network(name: str) -> nn.Module:
    model = MODELS[name](joints=5, **NETWORKS[name])
    initialise(model, 0, scheme="he")
    return model


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)


def attention(model: nn.Module) -> dict[str, nn.Module]:
    return {
        name: module
        for name, module in model.named_modules()
        if type(module).__name__ in ("AttentionModule", "Mask", "ResolutionMask")
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_seen_is_what_the_network_computes(name: str) -> None:
    model = network(name)
    with torch.no_grad():
        before = model.eval()(normalised(images(), CPU))
    state = {key: value.clone() for key, value in model.state_dict().items()}

    def take(module: Any, inputs: tuple[torch.Tensor, ...], output: Any) -> dict[str, torch.Tensor]:
        return {"inputs": inputs[0], "output": output, **module.gates(*inputs)}

    seen = observe(model, images(), device=CPU, modules=attention(model), take=take)
    assert list(dict.fromkeys(one.module for one in seen)) == ORDER[name]
    for module in ORDER[name]:
        found = {one.what: one.values for one in seen if one.module == module}
        x, gate = found["inputs"], found["positions"]
        expected = {
            "hrnet": lambda x=x, f=found, g=gate: x + x * f["channels"] * g,
            "acnn": lambda g=gate: g,
            "mrn": lambda x=x, g=gate: x * g + x,
        }[name]()
        np.testing.assert_array_equal(expected, found["output"])
    whole: list[torch.Tensor] = []
    observe(model, images(), device=CPU, modules={"": model}, take=lambda *call: whole.append(call[2].clone()) or {})
    assert torch.equal(whole[0], before)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_no_hook_stays_behind_where_a_pass_fails() -> None:
    model = network("acnn")
    with pytest.raises(ValueError, match="64"):
        observe(model, images()[:, :60], device=CPU, modules=attention(model), take=lambda *call: {})
    assert not any(module._forward_hooks for module in model.modules())


def test_stages_are_those_of_the_equation_in_evaluation_mode() -> None:
    """P(1) = H(1); P(i) = H(i) + P(i-1) (1 - M(i-1)) (acnn, Eq. 4); the last is the network's output."""
    model = network("acnn")
    modules = {**{f"H{number}": stack for number, stack in model.stacks.items()}, **attention(model)}

    def take(module: Any, inputs: Any, output: Any) -> dict[str, torch.Tensor]:
        return {"": output[1] if isinstance(output, tuple) else output}

    seen = {one.module: one.values for one in observe(model, images(), device=CPU, modules=modules, take=take)}
    state = {key: value.clone() for key, value in model.state_dict().items()}
    first, second, third = stage_predictions(model, images(), device=CPU)
    np.testing.assert_array_equal(first, seen["H1"])
    np.testing.assert_array_equal(second, seen["H2"] + first * (1 - seen["mask_layers.1"]))
    with torch.no_grad():
        output = model.eval()(normalised(images(), CPU)).numpy()
    np.testing.assert_array_equal(third, output)
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
