"""Attention modules by name: each is made from a map's channel count and keeps the map's shape.

Each tells by `gates`, from the inputs of its forward pass, the weights it gives to channels, to positions, or to both.
All take the keywords reduction, sam_kernel, sam_width and sam_gate, and use those that concern them.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchbox.attention import am, cam, cbam, sam, se

ATTENTION: dict[str, Callable[..., nn.Module]] = {
    "none": nn.Identity,  # takes and ignores any arguments
    "cam": cam.ChannelAttention,
    "sam": sam.SpatialAttention,
    "am": am.AttentionModule,
    "se": se.SqueezeExcitation,
    "cbam": cbam.CBAM,
}
