"""The ResNet body of SimpleBaseline and efficient-sam: an image to 2048 channels at 1/32, without a classifier.

Source: He, Zhang, Ren and Sun, CVPR 2016, Table 1 (50, 101 and 152 layers).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, fx, nn

from benchbox.models.channels import scaled
from benchbox.models.residual import EXPANSION, Bottleneck

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Residual units of the four blocks, by depth."""
STEM = 64
PLANES = (64, 128, 256, 512)
PLACES = (1, 2, 3, 4)

Attention = Callable[[int], nn.Module]


def check_input(height: int, width: int) -> None:
    """Raise ValueError unless both sides of an input, in pixels, are divisible by 32."""
    if height % 32 or width % 32 or height < 32 or width < 32:
        raise ValueError(f"resnet needs sides divisible by 32; got {height}x{width}")


fx.wrap("check_input")


def check_options(name: str, joints: int, depth: int, shrink: float, places: Sequence[int], attends: bool) -> None:
    """Raise ValueError, with the network's name, for a depth, size or place that does not exist."""
    if depth not in UNITS:
        raise ValueError(f"{name} has depths {', '.join(map(str, UNITS))}; got {depth}")
    if joints < 1 or shrink <= 0:
        raise ValueError(f"{name} needs joints of at least 1 and shrink above 0; got {joints}, {shrink}")
    for place in places:
        if place not in PLACES:
            raise ValueError(f"{name} has no block {place} to attend to; the four are 1 2 3 4")
    if places and not attends:
        raise ValueError(f"{name} got places for attention but no attention module")


class ResNet(nn.Module):
    """Stem and four blocks; a network adds its head, then calls `attend_to`, so that released weights keep their order.

    Attention behind block b is `attention.<b>`, one-based.
    """

    def __init__(self, *, depth: int, shrink: float) -> None:
        super().__init__()
        stem = scaled(STEM, shrink)
        planes = [scaled(channels, shrink) for channels in PLANES]
        self.conv1 = nn.Conv2d(3, stem, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.channels = [EXPANSION * width for width in planes]
        before = [stem, *self.channels[:-1]]
        for number, (width, source, units) in enumerate(zip(planes, before, UNITS[depth], strict=True), start=1):
            first = Bottleneck(source, width, 1 if number == 1 else 2)
            rest = [Bottleneck(EXPANSION * width, width) for _ in range(units - 1)]
            setattr(self, f"layer{number}", nn.Sequential(first, *rest))

    def attend_to(self, places: Sequence[int], attention: Attention | None) -> None:
        """Add attention modules behind blocks, one-based."""
        made = {str(block): attention(self.channels[block - 1]) for block in sorted(set(places)) if attention}
        self.attention = nn.ModuleDict(made)

    def features(self, x: Tensor) -> Tensor:
        """Return the map (B, C, H/32, W/32) of images (B, 3, H, W)."""
        check_input(x.shape[2], x.shape[3])
        x = self.bn1(self.conv1(x)).relu_()
        x = F.max_pool2d(x, 3, 2, 1)
        for number in PLACES:
            x = getattr(self, f"layer{number}")(x)
            if str(number) in self.attention:
                x = self.attention[str(number)](x)
        return x
