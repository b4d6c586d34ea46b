"""The attention module AM: channel attention, then spatial attention, then the residual add.

Source: efficient-hrnet III-A, Fig. 2; efficient-sam 3.1, Fig. 2.
"""

from __future__ import annotations

from torch import Tensor, nn

from benchbox.attention.cam import ChannelAttention
from benchbox.attention.sam import SpatialAttention


class AttentionModule(nn.Module):
    """Weigh channels, then positions, and add the map: y = x * CAM(x); out = x + y * SAM(y).

    With C channels, C/16 hidden ones and two 3x3 convolutions this is 2 C (C/16) + 18 parameters, and C/16 + C + 2 more
    with biases; that is 0.001 M where efficient-hrnet's Table I reports 0.9 M a module.
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        sam_kernel: str = "3x3+3x3",
        sam_width: int = 0,
        sam_gate: str = "positions",
        bias: bool = True,
    ) -> None:
        """Make both gates.

        Args:
            channels: C of the map.
            reduction: hidden channels of the channel gate are C // reduction, at least 1.
            sam_kernel, sam_width, sam_gate: of the spatial gate; see `SpatialAttention`.
            bias: whether the convolutions have biases (the papers do not say).
        """
        super().__init__()
        self.cam = ChannelAttention(channels, reduction=reduction, bias=bias)
        self.sam = SpatialAttention(channels, sam_kernel=sam_kernel, sam_width=sam_width, sam_gate=sam_gate, bias=bias)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return the weights of channels (B, C, 1, 1), and of positions (B, 1 or C, H, W), of a map (B, C, H, W)."""
        channels = self.cam.gate(x)
        return {"channels": channels, "positions": self.sam.gate(x * channels)}

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map plus the map: (B, C, H, W) -> (B, C, H, W)."""
        y = x * self.cam.gate(x)
        return x + y * self.sam.gate(y)
