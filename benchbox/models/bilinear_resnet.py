"""efficient-sam's network: a ResNet with attention behind its blocks, and three steps of bilinear up-sampling.

Source: efficient-sam 3.1, Figs. 1 and 2.

Differs: the text gives a step as "one bilinear layer and one convolution layer" with batch norm and ReLU, without its
kernel or width; 3x3 to 256 channels is the only usual choice that comes near the printed parameter counts.
Differs: the text ends the backbone at 1/16; a ResNet ends at 1/32, from where three steps lead to the 64x48 heatmaps
that the text names.
Differs: with `final_kernel` 3 and a `sam_width` of 64 in the attention module the parameters are those of Table 2 (and
of Table 1 but for its 51.3M, which contradicts Table 2's 50.2M for the same network); the text has neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchbox.models.channels import scaled
from benchbox.models.residual import unit
from benchbox.models.resnet import Attention, ResNet, check_options

UPSAMPLED = 256


def twice(x: Tensor, dim: int) -> Tensor:
    """Return a map with one side doubled by linear interpolation between pixel centres, its border repeated.

    Twice applied, along H and W, it is bilinear up-sampling by two. torch's own has no deterministic backward pass on
    CUDA; this one is made of slices and sums.
    """
    size = x.shape[dim]
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, size - 1)], dim)
    after = torch.cat([x.narrow(dim, 1, size - 1), x.narrow(dim, size - 1, 1)], dim)
    near = 0.75 * x
    return torch.stack([near + 0.25 * before, near + 0.25 * after], dim + 1).flatten(dim, dim + 1)


class Upsample(nn.Module):
    """Bilinear up-sampling by two: (B, C, H, W) -> (B, C, 2H, 2W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the larger map."""
        return twice(twice(x, 2), 3)


class BilinearResNet(ResNet):
    """The network: an image (B, 3, H, W) to heatmaps (B, joints, H/4, W/4), H and W divisible by 32."""

    def __init__(
        self,
        *,
        joints: int,
        depth: int,
        shrink: float,
        final_kernel: int,
        attention: Attention | None,
        places: Sequence[int],
    ) -> None:
        super().__init__(depth=depth, shrink=shrink)
        width = scaled(UPSAMPLED, shrink)
        layers: list[nn.Module] = []
        for source in (self.channels[-1], width, width):
            layers += [Upsample(), unit(source, width, 3, relu=True)]
        self.upsampling = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(width, joints, final_kernel, padding=final_kernel // 2)
        self.attend_to(places, attention)

    def forward(self, x: Tensor) -> Tensor:
        """Return the heatmaps (B, joints, H/4, W/4) of images (B, 3, H, W)."""
        return self.final_layer(self.upsampling(self.features(x)))


def bilinear_resnet(
    *,
    joints: int,
    depth: int = 50,
    shrink: float = 1.0,
    final_kernel: int = 1,
    attention: Attention | None = None,
    places: Sequence[int] = (),
) -> BilinearResNet:
    """Build efficient-sam's network.

    Args:
        joints: number of heatmaps.
        depth: of the ResNet: 50, 101 or 152.
        shrink: every channel count is multiplied by it, rounded half up, and is at least 4.
        final_kernel: of the convolution that makes the heatmaps: 1, or 3.
        attention: makes a module that keeps a map's shape from the map's channel count.
        places: the blocks, one-based, behind which one sits.

    Raises:
        ValueError: for a depth or a block that does not exist, places without attention, or a size below 1.
    """
    check_options("bilinear-resnet", joints, depth, shrink, places, attention is not None)
    if final_kernel not in (1, 3):
        raise ValueError(f"bilinear-resnet has a final kernel of 1 or 3; got {final_kernel}")
    return BilinearResNet(
        joints=joints, depth=depth, shrink=shrink, final_kernel=final_kernel, attention=attention, places=places
    )
