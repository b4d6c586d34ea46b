"""Attention masks of one channel a position: over the image, over a heatmap, over one resolution of a network.

Each is made by a 3x3 convolution, batch norm and a sigmoid, and lies in (0, 1).

Source: mrn-attention 3.3, Eqs. 1-6, Figs. 4-6; convolutions with batch norm and masks by a sigmoid: 3.4.
Differs: the text gives no layer of any of these modules. One layer for heatmaps ("a redundant layer") and for
resolutions, an hourglass of `width` 32 and four poolings for images are our reading. "Leaky ReLU ... except the
attention layers" is read as the layers that make the masks: without it an hourglass would be hardly more than linear.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

POOLINGS = 4  # as many as between the resolutions of the paper's network


def _unit(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a 3x3 convolution that keeps H x W, and its batch norm."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels))


class GlobalMask(nn.Module):
    """Multiply an image by a mask of its own: X = I * M, one channel for all three (Eqs. 1, 2)."""

    def __init__(self, *, width: int = 32, slope: float = 0.3) -> None:
        """Make the hourglass.

        Args:
            width: its channels at every resolution; not in the text.
            slope: of its LeakyReLU for negative values; not in the text.
        """
        super().__init__()
        self.slope = slope
        self.down = nn.ModuleList(_unit(width if level else 3, width) for level in range(POOLINGS + 1))
        self.up = nn.ModuleList(_unit(width, width) for _ in range(POOLINGS))
        self.last = _unit(width, 1)

    def mask(self, image: Tensor) -> Tensor:
        """Return the mask (B, 1, H, W) of images (B, 3, H, W), H and W divisible by 16."""
        x, skips = image, []
        for level, layer in enumerate(self.down):
            x = F.leaky_relu(layer(x if level == 0 else F.max_pool2d(x, 2)), self.slope)
            skips.append(x)
        for level in reversed(range(POOLINGS)):
            x = skips[level] + F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = F.leaky_relu(self.up[level](x), self.slope)
        return self.last(x).sigmoid()

    def gates(self, image: Tensor) -> dict[str, Tensor]:
        """Return the mask as weights of positions (B, 1, H, W)."""
        return {"positions": self.mask(image)}

    def forward(self, image: Tensor) -> Tensor:
        """Return the masked images: (B, 3, H, W) -> (B, 3, H, W)."""
        return image * self.mask(image)


class HeatmapMask(nn.Module):
    """Weigh predicted heatmaps and add them: Y = X * M + X, a mask for each of them (Eqs. 3, 4)."""

    def __init__(self, channels: int = 1) -> None:
        """Make the layer for that many heatmaps."""
        super().__init__()
        self.last = _unit(channels, channels)

    def mask(self, heatmaps: Tensor) -> Tensor:
        """Return the masks, as many and as large as the heatmaps (B, C, H, W)."""
        return self.last(heatmaps).sigmoid()

    def gates(self, heatmaps: Tensor) -> dict[str, Tensor]:
        """Return the masks as weights of positions (B, C, H, W)."""
        return {"positions": self.mask(heatmaps)}

    def forward(self, heatmaps: Tensor) -> Tensor:
        """Return the weighed heatmaps plus the heatmaps: (B, C, H, W) -> (B, C, H, W)."""
        return heatmaps * self.mask(heatmaps) + heatmaps


class ResolutionMask(nn.Module):
    """Weigh an up-sampled map by a mask from the map that went down, and add it: Y = X_t * M + X_t (Eqs. 5, 6)."""

    def __init__(self, channels: int) -> None:
        """Make the layer for maps of that many channels."""
        super().__init__()
        self.last = _unit(channels, 1)

    def mask(self, bottom: Tensor) -> Tensor:
        """Return the mask (B, 1, H, W) that X_b (B, C, H, W) gives."""
        return self.last(bottom).sigmoid()

    def gates(self, top: Tensor, bottom: Tensor) -> dict[str, Tensor]:
        """Return the mask as weights of positions (B, 1, H, W), given X_t and X_b."""
        return {"positions": self.mask(bottom)}

    def forward(self, top: Tensor, bottom: Tensor) -> Tensor:
        """Return the weighed X_t plus X_t, given X_t and X_b, all (B, C, H, W)."""
        return top * self.mask(bottom) + top
