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

_HRNET: dict[str, Any] = {"shrink": 0.125, "blocks": 1, "modules": (1, 1, 1)}
_RESNET: dict[str, Any] = {"shrink": 0.0625}
_HOURGLASS: dict[str, Any] = {"shrink": 0.0625, "stacks": 2}
_MRN: dict[str, Any] = {"shrink": 0.03125}


def _with(kind: str, places: list[Any], **options: Any) -> dict[str, Any]:
    return {"attention": partial(ATTENTION[kind], **{"reduction": 2, **options}), "places": places}


def _stacks(kind: str) -> dict[str, Any]:
    return {"attention": partial(ATTENTION[kind], reduction=2), "attended": [1, 2]}


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "hrnet": ("hrnet", _HRNET),
    "hrnet am": ("hrnet", _HRNET | _with("am", [(1, 1), (2, 3), (3, 4)])),
    "hrnet cbam": ("hrnet", _HRNET | _with("cbam", [(1, 2), (2, 2), (3, 1)])),
    "hrnet am of 6": ("hrnet", _HRNET | _with("am", [(1, 1)], sam_width=6, sam_gate="channels")),
    "simple-baseline": ("simple-baseline", _RESNET),
    "simple-baseline am": ("simple-baseline", _RESNET | _with("am", [1, 4])),
    "bilinear-resnet": ("bilinear-resnet", _RESNET),
    **{f"bilinear-resnet {kind}": ("bilinear-resnet", _RESNET | _with(kind, [2, 3])) for kind in ATTENTION},
    **{
        f"bilinear-resnet {kernel} of {width}": (
            "bilinear-resnet",
            _RESNET | {"final_kernel": 3} | _with("am", [1], sam_kernel=kernel, sam_width=width),
        )
        for kernel, width in (("7x7", 0), ("3x3//3x3", 0), ("7x7", 6), ("3x3+3x3", 6), ("3x3//3x3", 6))
    },
    "hourglass": ("hourglass", _HOURGLASS),
    "hourglass of one stack": ("hourglass", _HOURGLASS | {"stacks": 1}),
    "hourglass am": ("hourglass", _HOURGLASS | _stacks("am")),
    "hourglass cbam": ("hourglass", _HOURGLASS | _stacks("cbam")),
    "acnn": ("acnn", _HOURGLASS),
    "acnn binary": ("acnn", _HOURGLASS | {"mask": "binary", "masked_heatmaps": True}),
    "acnn identity left": ("acnn", _HOURGLASS | {"masked_identity": False}),
    "mrn": ("mrn", _MRN),
    "mrn of joints": ("mrn", _MRN | {"heatmaps": JOINTS, "merge": "features", "stacks": 3}),
    **{f"mrn {name}": ("mrn", _MRN | {"attention": name}) for name in ("global", "heatmap", "multi-resolution")},
}


def build(case: str, size: tuple[int, int] = (64, 64), **changes: Any) -> nn.Module:
    """Build a case for inputs of `size` (height, width), on the default device, without initial weights."""
    network, options = CASES[case]
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
        model.train()(images(8, size))
    return model


def images(batch: int, size: tuple[int, int] = (64, 64), seed: int = 1) -> torch.Tensor:
    """Return images (B, 3, H, W) of noise."""
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(seed))


def outputs(found: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Return all that a network put out."""
    return found if isinstance(found, tuple) else (found,)
