"""SimpleBaseline: a ResNet and three transposed convolutions.

Source: Xiao, Wu and Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018 (2, Fig. 1).
At the defaults the parameters have the names, order and shapes of the authors' released weights.

Differs: `shrink` makes smaller networks than the paper's; attention behind the blocks is from efficient-sam.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from benchbox.models.channels import scaled
from benchbox.models.resnet import Attention, ResNet, check_options

DECONVOLUTION = 256


class SimpleBaseline(ResNet):
    """The network: an image (B, 3, H, W) to heatmaps (B, joints, H/4, W/4), H and W divisible by 32."""

    def __init__(
        self, *, joints: int, depth: int, shrink: float, attention: Attention | None, places: Sequence[int]
    ) -> None:
        super().__init__(depth=depth, shrink=shrink)
        width = scaled(DECONVOLUTION, shrink)
        layers: list[nn.Module] = []
        for source in (self.channels[-1], width, width):
            up = nn.ConvTranspose2d(source, width, 4, 2, padding=1, bias=False)
            layers += [up, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(width, joints, 1)
        self.attend_to(places, attention)

    def forward(self, x: Tensor) -> Tensor:
        """Return the heatmaps (B, joints, H/4, W/4) of images (B, 3, H, W)."""
        return self.final_layer(self.deconv_layers(self.features(x)))


def simple_baseline(
    *,
    joints: int,
    depth: int = 50,
    shrink: float = 1.0,
    attention: Attention | None = None,
    places: Sequence[int] = (),
) -> SimpleBaseline:
    """Build a SimpleBaseline.

    Args:
        joints: number of heatmaps.
        depth: of the ResNet: 50, 101 or 152.
        shrink: every channel count is multiplied by it, rounded half up, and is at least 4.
        attention: makes a module that keeps a map's shape from the map's channel count.
        places: the blocks, one-based, behind which one sits.

    Raises:
        ValueError: for a depth or a block that does not exist, places without attention, or a size below 1.
    """
    check_options("simple-baseline", joints, depth, shrink, places, attention is not None)
    return SimpleBaseline(joints=joints, depth=depth, shrink=shrink, attention=attention, places=places)
