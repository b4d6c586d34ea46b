"""Networks by name: each takes `joints` and its own keywords; the network maps (B, 3, H, W) to heatmaps."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchbox.models import bilinear_resnet, hrnet, simple_baseline

MODELS: dict[str, Callable[..., nn.Module]] = {
    "hrnet": hrnet.hrnet,
    "simple-baseline": simple_baseline.simple_baseline,
    "bilinear-resnet": bilinear_resnet.bilinear_resnet,
}
