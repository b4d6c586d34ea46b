"""Channel attention: one gate a channel, from the mean over the map.

Source: efficient-hrnet III-A, Fig. 2 (CAM).
Differs: a map of fewer than `reduction` channels keeps one hidden channel (the paper's narrowest map has 32).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Weigh the channels of a map and add the map: x + x * sigmoid(W2 relu(W1 mean_hw(x))).

    Differs: the paper describes this gate as the first half of AM; alone it gets AM's residual add, so that the arms
    of a comparison differ in the gate only.
    """

    def __init__(self, channels: int, *, reduction: int = 16, bias: bool = True, **_: Any) -> None:
        """Make the gate.

        Args:
            channels: C of the map.
            reduction: hidden channels are C // reduction, at least 1.
            bias: whether the two 1x1 convolutions have biases (the paper does not say). Other modules' keywords are
                not used here.
        """
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1, bias=bias)
        self.excite = nn.Conv2d(hidden, channels, 1, bias=bias)

    def gate(self, x: Tensor) -> Tensor:
        """Return the weights (B, C, 1, 1), in (0, 1), of a map (B, C, H, W)."""
        mean = x.mean(dim=(2, 3), keepdim=True)  # adaptive pooling has no deterministic backward pass on CUDA
        return self.excite(self.squeeze(mean).relu()).sigmoid()

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return the weights of channels (B, C, 1, 1) of a map (B, C, H, W)."""
        return {"channels": self.gate(x)}

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map plus the map: (B, C, H, W) -> (B, C, H, W)."""
        return x + x * self.gate(x)
