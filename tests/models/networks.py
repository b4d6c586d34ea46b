"""Small instances of every network, with and without attention, for tests of what all networks promise."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.models import MODELS
from benchbox.models.initial import initialise

JOINTS = 3
SIDES = {"hrnet": 32, "simple-baseline": 32, "bilinear-resnet": 32, "hourglass": 64, "acnn": 64, "mrn": 64}
"""What the sides of an input are divisible by: 1/4 and five halvings in all, or four halvings of a quarter."""
SAYS = {"simple-baseline": "resnet", "bilinear-resnet": "resnet"}
"""Names in refusals where they are not the registry's: as the options call the network."""
STACKED = ("hourglass", "acnn")

_SMALL: dict[str, dict[str, Any]] = {
    "hrnet": {"shrink": 0.125, "blocks": 1, "modules": (1, 1, 1)},
    "simple-baseline": {"shrink": 0.0625},
    "bilinear-resnet": {"shrink": 0.0625},
    "hourglass": {"shrink": 0.0625, "stacks": 2},
    "acnn": {"shrink": 0.0625, "stacks": 2},
    "mrn": {"shrink": 0.03125},
}
_PLACES: dict[str, dict[str, Any]] = {
    "hrnet": {"places": [(1, 1), (2, 3), (3, 4)]},
    "simple-baseline": {"places": [1, 4]},
    "bilinear-resnet": {"places": [2, 3]},
    "hourglass": {"attended": [1, 2]},
}
_MASKS = ("global", "heatmap", "multi-resolution")

Case = tuple[str, dict[str, Any]]


def _case(network: str, attention: str = "", **options: Any) -> Case:
    """Return a network's name and keywords; with a kind of attention, options beginning with sam_ are the module's."""
    given = _SMALL[network] | {key: value for key, value in options.items() if not key.startswith("sam_")}
    if not attention:
        return network, given
    module = {key: value for key, value in options.items() if key.startswith("sam_")}
    return network, _PLACES[network] | given | {"attention": partial(ATTENTION[attention], reduction=2, **module)}


ATTENDED: dict[str, Case] = {f"{name} {kind}": _case(name, kind) for name in _PLACES for kind in ATTENTION}
"""Every network that has places for attention modules with every kind of them."""

CASES: dict[str, Case] = {
    **{name: _case(name) for name in MODELS},
    **{case: ATTENDED[case] for case in ("hrnet am", "hrnet cbam", "simple-baseline am", "hourglass am")},
    **{f"bilinear-resnet {kind}": ATTENDED[f"bilinear-resnet {kind}"] for kind in ATTENTION},
    **{
        f"bilinear-resnet {kernel} of {width}": _case(
            "bilinear-resnet", "am", places=[1], final_kernel=3, sam_kernel=kernel, sam_width=width
        )
        for kernel, width in (("3x3//3x3", 0), ("7x7", 6), ("3x3//3x3", 6))
    },
    "hrnet am of 6": _case("hrnet", "am", places=[(1, 1)], sam_width=6, sam_gate="channels"),
    "hourglass of one stack": _case("hourglass", stacks=1),
    "acnn binary": _case("acnn", mask="binary", masked_heatmaps=True),
    "acnn identity left": _case("acnn", masked_identity=False),
    "mrn of joints": _case("mrn", heatmaps=JOINTS, merge="features", stacks=3),
    **{
        f"mrn {name}": ("mrn", _SMALL["mrn"] | {"attention": name})
        for name in ("global", "heatmap", "multi-resolution")
    },
}
"""What the tests of every network go over."""


def build(case: str, size: tuple[int, int] = (64, 64), **changes: Any) -> nn.Module:
    """Build a case for inputs of `size` (height, width), on the default device, without initial weights."""
    network, options = (CASES | ATTENDED)[case]
    sized = {"input": size} if network == "mrn" else {}
    return MODELS[network](**{"joints": JOINTS, **sized, **options, **changes})


def settled(case: str, size: tuple[int, int] = (64, 64), **changes: Any) -> nn.Module:
    """Build a case with weights and statistics under which no part of it is dead or saturated."""
    model = build(case, size, **changes)
    initialise(model, 0, scheme="he")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
                module.weight.add_(torch.rand(module.weight.shape, generator=generator) - 0.5)
                module.bias.add_(torch.rand(module.bias.shape, generator=generator) - 0.25)
            elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                module.bias.add_(0.1 * torch.rand(module.bias.shape, generator=generator))
                if name.endswith(("squeeze", "final_layer", "heatmap", "logit")):
                    module.weight.mul_(10)
        model.train()(images(4, size))
    return model


def images(batch: int, size: tuple[int, int] = (64, 64), seed: int = 1) -> torch.Tensor:
    """Return images (B, 3, H, W) of noise."""
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(seed))


def outputs(found: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Return all that a network put out."""
    return found if isinstance(found, tuple) else (found,)
