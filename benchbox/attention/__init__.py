"""Attention modules by name: each takes `(channels, *, reduction=16, sam_width=0)` and keeps a map's shape."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchbox.attention import am, cam, sam

ATTENTION: dict[str, Callable[..., nn.Module]] = {
    "none": nn.Identity,  # takes and ignores any arguments
    "cam": cam.ChannelAttention,
    "sam": sam.SpatialAttention,
    "am": am.AttentionModule,
}
