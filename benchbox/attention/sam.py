"""Spatial attention: one gate a position, from the mean over the channels.

Source: efficient-hrnet III-A, Fig. 2 (SAM).
"""

from __future__ import annotations

from torch import Tensor, nn


class SpatialAttention(nn.Module):
    """Weigh the positions of a map and add the map: x + x * sigmoid(two 3x3 convolutions of mean_c(x)).

    Differs: the paper describes this gate as the second half of AM; alone it gets AM's residual add, so that the arms
    of a comparison differ in the gate only.
    Differs: `sam_width` above 0 is not from the paper. It replaces the channel mean by a 1x1 convolution to that many
    channels and gates every channel; 216 comes within 0.1 M of every parameter count that the paper's Table I reports
    for W32, and has no other basis.
    """

    def __init__(self, channels: int, *, reduction: int = 16, sam_width: int = 0, bias: bool = True) -> None:
        """Make the gate.

        Args:
            channels: C of the map.
            reduction: not used here; every attention module takes the same keywords.
            sam_width: 0 for the paper's gate on the channel mean; n for 1x1 C->n, two 3x3 n->n, 1x1 n->C, batch norm.
            bias: whether the convolutions have biases (the paper does not say).
        """
        super().__init__()
        self.wide = sam_width > 0
        layers: list[nn.Module] = []
        if self.wide:
            layers.append(nn.Conv2d(channels, sam_width, 1, bias=bias))
        inner = sam_width if self.wide else 1
        layers += [nn.Conv2d(inner, inner, 3, padding=1, bias=bias) for _ in range(2)]
        if self.wide:
            layers += [nn.Conv2d(sam_width, channels, 1, bias=bias), nn.BatchNorm2d(channels)]
        self.layers = nn.Sequential(*layers)

    def gate(self, x: Tensor) -> Tensor:
        """Return the weights, in (0, 1), of a map (B, C, H, W): (B, 1, H, W), or (B, C, H, W) with `sam_width`."""
        return self.layers(x if self.wide else x.mean(dim=1, keepdim=True)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map plus the map: (B, C, H, W) -> (B, C, H, W)."""
        return x + x * self.gate(x)
