"""The weights that attention modules tell are those they use: put into the papers' equations they give the output."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from benchbox.attention import ATTENTION
from benchbox.attention.masks import GlobalMask, HeatmapMask, ResolutionMask
from benchbox.models.acnn import Mask

EQUATIONS: dict[str, Callable[[Tensor, dict[str, Tensor]], Tensor]] = {
    "cam": lambda x, gates: x + x * gates["channels"],
    "sam": lambda x, gates: x + x * gates["positions"],
    "am": lambda x, gates: x + x * gates["channels"] * gates["positions"],
    "se": lambda x, gates: x * gates["channels"],
    "cbam": lambda x, gates: x * gates["channels"] * gates["positions"],
}


def evaluated(module: nn.Module) -> nn.Module:
    for norm in (part for part in module.modules() if isinstance(part, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    return module.eval()


SETTINGS = [{}, {"sam_width": 3, "sam_gate": "positions"}, {"sam_width": 3, "sam_gate": "channels"}]


@pytest.mark.parametrize("name", [name for name in ATTENTION if name != "none"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_every_module_keeps_the_shape_and_tells_weights_that_fit_it(name: str, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    module, x = evaluated(ATTENTION[name](32, **settings)), torch.randn(2, 32, 6, 4)
    with torch.no_grad():
        first, second, gates = module(x), module(x), module.gates(x)
    assert first.shape == x.shape
    assert torch.equal(first, second)
    assert gates
    for weights in gates.values():
        assert (x * weights).shape == x.shape


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_weights_give_the_output(name: str, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    module, x = evaluated(ATTENTION[name](32, **settings)), torch.randn(2, 32, 6, 4)
    with torch.no_grad():
        gates = module.gates(x)
        assert torch.equal(EQUATIONS[name](x, gates), module(x))
    shapes = {
        "channels": (2, 32, 1, 1),
        "positions": (2, 32 if settings.get("sam_gate") == "channels" and name != "cbam" else 1, 6, 4),
    }
    for what, values in gates.items():
        assert values.shape == shapes[what]
        assert 0 < values.min() < values.max() < 1


def test_the_masks_give_the_output() -> None:
    torch.manual_seed(0)
    image, maps, other = torch.randn(2, 3, 32, 32), torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        over_image, over_maps, over_map = (
            evaluated(GlobalMask(width=4)),
            evaluated(HeatmapMask(4)),
            evaluated(ResolutionMask(4)),
        )
        assert torch.equal(image * over_image.gates(image)["positions"], over_image(image))
        assert torch.equal(maps * over_maps.gates(maps)["positions"] + maps, over_maps(maps))
        assert torch.equal(maps * over_map.gates(maps, other)["positions"] + maps, over_map(maps, other))
        between = Mask(4, binary=False, offset=0.0)
        assert torch.equal(between.gates(maps)["positions"], between(maps))
