"""Squeeze-and-excitation: one weight a channel, from the mean over the map.

Source: Hu, Shen and Sun, "Squeeze-and-Excitation Networks", CVPR 2018 (3.1, 3.2, reduction 16).
Differs: it stands at the places of the pose papers' modules, behind blocks or transitions, not inside residual units.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from benchbox.attention.cam import ChannelAttention


class SqueezeExcitation(nn.Module):
    """Weigh the channels of a map: x * sigmoid(W2 relu(W1 mean_hw(x))), without AM's residual add."""

    def __init__(self, channels: int, *, reduction: int = 16, **_: Any) -> None:
        """Make the gate for C channels with C // reduction hidden ones; other modules' keywords are not used here."""
        super().__init__()
        self.channel = ChannelAttention(channels, reduction=reduction)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return the weights of channels (B, C, 1, 1) of a map (B, C, H, W)."""
        return self.channel.gates(x)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map: (B, C, H, W) -> (B, C, H, W)."""
        return x * self.channel.gate(x)
