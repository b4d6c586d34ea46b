"""Networks by name: each takes `joints` and its own keywords; the network maps (B, 3, H, W) to heatmaps."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchbox.models import acnn, hourglass, hrnet

MODELS: dict[str, Callable[..., nn.Module]] = {
    "hrnet": hrnet.hrnet,
    "hourglass": hourglass.hourglass,
    "acnn": acnn.acnn,
}
