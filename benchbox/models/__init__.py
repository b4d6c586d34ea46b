"""Networks by name: each takes `joints` and its own keywords.

They map (B, 3, H, W) to heatmaps (B, K, H/4, W/4); mrn to coordinates (B, K, 2).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchbox.models import hrnet, mrn

MODELS: dict[str, Callable[..., nn.Module]] = {
    "hrnet": hrnet.hrnet,
    "mrn": mrn.mrn,
}
