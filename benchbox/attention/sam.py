"""Spatial attention: one gate a position, from the mean over the channels.

Source: efficient-hrnet III-A, Fig. 2 (SAM).
"""

from __future__ import annotations

from torch import Tensor, nn


def _unit(in_channels: int, out_channels: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    """Return a convolution that keeps H x W, and its batch norm."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    return conv, nn.BatchNorm2d(out_channels)


class SpatialAttention(nn.Module):
    """Weigh the positions of a map and add the map: x + x * sigmoid(two 3x3 convolutions of mean_c(x)).

    Differs: the paper describes this gate as the second half of AM; alone it gets AM's residual add, so that the arms
    of a comparison differ in the gate only.
    Differs: `sam_width` above 0 is not from the paper. It replaces the channel mean by a 1x1 convolution to that many
    channels, puts batch norm after every convolution, and gates every channel. With 216 the network comes within 0.1 M
    of every W32 parameter count that the paper's Table I reports; 216 has no other basis.
    """

    def __init__(self, channels: int, *, reduction: int = 16, sam_width: int = 0, bias: bool = True) -> None:
        """Make the gate.

        Args:
            channels: C of the map.
            reduction: not used here; every attention module takes the same keywords.
            sam_width: 0 for the paper's gate on the channel mean; n for 1x1 C->n, two 3x3 n->n and 1x1 n->C.
            bias: whether the paper's convolutions have biases (it does not say); those before batch norm have none.
        """
        super().__init__()
        self.wide = sam_width > 0
        if self.wide:
            self.layers = nn.Sequential(
                *_unit(channels, sam_width, 1),
                *_unit(sam_width, sam_width, 3),
                *_unit(sam_width, sam_width, 3),
                *_unit(sam_width, channels, 1),
            )
        else:
            self.layers = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, bias=bias) for _ in range(2)))

    def gate(self, x: Tensor) -> Tensor:
        """Return the weights, in (0, 1), of a map (B, C, H, W): (B, 1, H, W), or (B, C, H, W) with `sam_width`."""
        return self.layers(x if self.wide else x.mean(dim=1, keepdim=True)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map plus the map: (B, C, H, W) -> (B, C, H, W)."""
        return x + x * self.gate(x)
