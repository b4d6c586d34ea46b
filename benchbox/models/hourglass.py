"""Stacked hourglass: each stack looks at five resolutions, predicts all heatmaps and hands both on to the next.

Source: Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016 (3, Figs. 1-4), with
the layers of the authors' Torch7 training code: pre-activation bottlenecks, biases in every convolution, nearest
up-sampling, no convolution back after the last stack.

Differs: `shrink` and fewer `stacks` make smaller networks than the paper's eight stacks of 256 channels.
Differs: efficient-hrnet (Table II) and efficient-sam print 25.1 M parameters for eight stacks; these layers have
25.43 M with 16 joints, 25.08 M of them behind the stem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from benchbox.models.channels import scaled

STEM = 64
HALF = 128
FEATURES = 256
LEVELS = 4


def check_input(height: int, width: int) -> None:
    """Raise ValueError unless both sides of an input, in pixels, are divisible by 64: a quarter is halved 4 times."""
    if height % 64 or width % 64 or height < 64 or width < 64:
        raise ValueError(f"hourglass needs sides divisible by 64; got {height}x{width}")


torch.fx.wrap("check_input")  # a traced network still checks its inputs, instead of the symbols it was traced with


class Residual(nn.Module):
    """Pre-activation bottleneck 1x1, 3x3, 1x1: (B, C, H, W) -> (B, out_channels, H, W)."""

    def __init__(self, in_channels: int, hidden: int, out_channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, hidden, 1)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(hidden)
        self.conv3 = nn.Conv2d(hidden, out_channels, 1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return x + F(x), with x projected where the channel counts differ."""
        y = self.conv1(self.bn1(x).relu_())
        y = self.conv2(self.bn2(y).relu_())
        y = self.conv3(self.bn3(y).relu_())
        return y.add_(self.skip(x))


class Stem(nn.Module):
    """Bring an image to a quarter of its sides: (B, 3, H, W) -> (B, features, H/4, W/4)."""

    def __init__(self, *, narrow: int, half: int, features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, narrow, 7, stride=2, padding=3)
        self.bn = nn.BatchNorm2d(narrow)
        self.residual1 = Residual(narrow, narrow, half)
        self.residual2 = Residual(half, narrow, half)
        self.residual3 = Residual(half, half, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the first stack's input."""
        x = self.residual1(self.bn(self.conv(x)).relu_())
        return self.residual3(self.residual2(F.max_pool2d(x, 2)))


class Level(nn.Module):
    """One resolution of an hourglass and, inside it, all lower ones: (B, C, H, W) -> (B, C, H, W).

    H and W are divisible by 2^levels.
    """

    def __init__(self, channels: int, hidden: int, levels: int) -> None:
        super().__init__()
        self.side = Residual(channels, hidden, channels)
        self.down = Residual(channels, hidden, channels)
        self.inner = Level(channels, hidden, levels - 1) if levels > 1 else Residual(channels, hidden, channels)
        self.up = Residual(channels, hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return what this resolution sees plus what the lower ones see."""
        low = self.up(self.inner(self.down(F.max_pool2d(x, 2))))
        # "nearest" gathers in its backward pass on CUDA, so it is deterministic there; "bilinear" is not
        return self.side(x).add_(F.interpolate(low, scale_factor=2, mode="nearest"))


class Stack(nn.Module):
    """An hourglass, the features and heatmaps after it, and the way back into the next stack."""

    def __init__(self, channels: int, hidden: int, joints: int, *, last: bool) -> None:
        super().__init__()
        self.last = last
        self.hourglass = Level(channels, hidden, LEVELS)
        self.residual = Residual(channels, hidden, channels)
        self.conv = nn.Conv2d(channels, channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        self.heatmap = nn.Conv2d(channels, joints, 1)
        if not last:
            self.feature_back = nn.Conv2d(channels, channels, 1)
            self.heatmap_back = nn.Conv2d(joints, channels, 1)

    def forward(self, x: Tensor, attend: Callable[[Tensor], Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return the feature (B, C, H, W) and the heatmaps (B, joints, H, W) made of it.

        Args:
            x: the stack's input (B, C, H, W).
            attend: applied to the residual's output, before its 1x1 convolution, batch norm and ReLU.
        """
        x = self.residual(self.hourglass(x))
        if attend is not None:
            x = attend(x)
        feature = self.bn(self.conv(x)).relu_()
        return feature, self.heatmap(feature)

    def back(self, feature: Tensor, heatmap: Tensor) -> Tensor:
        """Return what the next stack's input gains (B, C, H, W); the last stack has no layers for it."""
        return self.feature_back(feature) + self.heatmap_back(heatmap)


class Hourglass(nn.Module):
    """The network: an image (B, 3, H, W) to heatmaps (B, joints, H/4, W/4), H and W divisible by 64."""

    def __init__(
        self,
        *,
        joints: int,
        stacks: int,
        shrink: float,
        attention: Callable[[int], nn.Module] | None,
        attended: Sequence[int],
    ) -> None:
        super().__init__()
        narrow, half, features = (scaled(count, shrink) for count in (STEM, HALF, FEATURES))
        self.stem = Stem(narrow=narrow, half=half, features=features)
        # one-based names: stacks.<stack>, attention.<stack>
        self.stacks = nn.ModuleDict(
            {str(n): Stack(features, half, joints, last=n == stacks) for n in range(1, stacks + 1)}
        )
        self.attention = nn.ModuleDict()
        if attention is not None:
            for number in sorted(set(attended)):
                self.attention[str(number)] = attention(features)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the heatmaps of images (B, 3, H, W): in training every stack's, first to last, else the last's."""
        check_input(x.shape[2], x.shape[3])
        x = self.stem(x)
        attention = dict(self.attention.items())
        predictions = []
        for number, stack in self.stacks.items():
            assert isinstance(stack, Stack)
            feature, heatmap = stack(x, attention.get(number))
            predictions.append(heatmap)
            if not stack.last:
                x = x + stack.back(feature, heatmap)
        return tuple(predictions) if self.training else predictions[-1]


def hourglass(
    *,
    joints: int,
    stacks: int = 8,
    shrink: float = 1.0,
    attention: Callable[[int], nn.Module] | None = None,
    attended: Sequence[int] = (),
) -> Hourglass:
    """Build a stacked hourglass.

    Args:
        joints: number of heatmaps.
        stacks: hourglasses one after the other; each but the last teaches the next.
        shrink: every channel count is multiplied by it, rounded half up, and is at least 4.
        attention: makes a module that keeps a map's shape from the map's channel count.
        attended: one-based numbers of the stacks that get one, on the residual behind the hourglass.

    Raises:
        ValueError: for a stack that does not exist, attended stacks without attention, or a size below 1.
    """
    if min(joints, stacks) < 1 or shrink <= 0:
        raise ValueError(
            f"hourglass needs joints and stacks of at least 1 and shrink above 0; got {joints}, {stacks}, {shrink}"
        )
    for number in attended:
        if not 1 <= number <= stacks:
            raise ValueError(f"hourglass has no stack {number} to attend to; it has 1 to {stacks}")
    if attended and attention is None:
        raise ValueError("hourglass got stacks to attend to but no attention module")
    return Hourglass(joints=joints, stacks=stacks, shrink=shrink, attention=attention, attended=attended)
