"""Networks by name: each is made from keywords, `joints` among them, and maps images (B, 3, H, W).

Most put out heatmaps (B, K, H/4, W/4), mrn coordinates (B, K, 2). Those with intermediate supervision put out a tuple
in training mode, the last prediction alone in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchbox.models import acnn, bilinear_resnet, hourglass, hrnet, mrn, simple_baseline

MODELS: dict[str, Callable[..., nn.Module]] = {
    "hrnet": hrnet.hrnet,
    "simple-baseline": simple_baseline.simple_baseline,
    "bilinear-resnet": bilinear_resnet.bilinear_resnet,
    "hourglass": hourglass.hourglass,
    "acnn": acnn.acnn,
    "mrn": mrn.mrn,
}
