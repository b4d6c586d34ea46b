"""The convolutional block attention module: channels weighed from mean and maximum, then positions likewise.

Source: Woo, Park, Lee and Kweon, "CBAM: Convolutional Block Attention Module", ECCV 2018 (3, Eqs. 2 and 3).
Differs: it stands at the places of the pose papers' modules, behind blocks or transitions, not inside residual units.
Differs: the equations do not say whether the layers have biases; the two of the channel gate have them, the 7x7
convolution has batch norm instead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class CBAM(nn.Module):
    """Weigh channels, then positions: y = x * Mc(x); out = y * Ms(y), without AM's residual add."""

    def __init__(self, channels: int, *, reduction: int = 16, **_: Any) -> None:
        """Make both gates for C channels, C // reduction hidden ones; other modules' keywords are not used here."""
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)
        self.spatial = nn.Sequential(nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1))

    def channel_gate(self, x: Tensor) -> Tensor:
        """Return the weights (B, C, 1, 1), in (0, 1), of a map (B, C, H, W)."""
        # mean and amax: adaptive pooling has no deterministic backward pass on CUDA
        mean, most = x.mean(dim=(2, 3), keepdim=True), x.amax(dim=(2, 3), keepdim=True)
        return (self.excite(self.squeeze(mean).relu()) + self.excite(self.squeeze(most).relu())).sigmoid()

    def spatial_gate(self, x: Tensor) -> Tensor:
        """Return the weights (B, 1, H, W), in (0, 1), of a map (B, C, H, W)."""
        return self.spatial(torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)).sigmoid()

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return the weights of channels (B, C, 1, 1) and of positions (B, 1, H, W) of a map (B, C, H, W)."""
        channels = self.channel_gate(x)
        return {"channels": channels, "positions": self.spatial_gate(x * channels)}

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map: (B, C, H, W) -> (B, C, H, W)."""
        y = x * self.channel_gate(x)
        return y * self.spatial_gate(y)
