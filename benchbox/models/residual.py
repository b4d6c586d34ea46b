"""Residual blocks of ResNet and HRNet, and the layers that they are made of; names as in the released weights.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
Differs: a block halves the resolution in its 3x3 convolution, not in its first 1x1, as the released weights expect.
"""

from __future__ import annotations

from torch import Tensor, nn

EXPANSION = 4


def conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution without bias that keeps H x W (divided by the stride)."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)


def unit(in_channels: int, out_channels: int, kernel: int, stride: int = 1, *, relu: bool) -> nn.Sequential:
    """Return convolution, batch norm and, if asked, ReLU."""
    layers: list[nn.Module] = [conv(in_channels, out_channels, kernel, stride), nn.BatchNorm2d(out_channels)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class Basic(nn.Module):
    """Residual block of two 3x3 convolutions: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, 3)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = conv(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(x + F(x))."""
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y))
        return y.add_(x).relu_()


class Bottleneck(nn.Module):
    """Residual block 1x1, 3x3, 1x1: (B, C, H, W) -> (B, 4 planes, H / stride, W / stride)."""

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = EXPANSION * planes
        self.conv1 = conv(in_channels, planes, 1)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv(planes, planes, 3, stride)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = conv(planes, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        changes = stride != 1 or in_channels != out_channels
        self.downsample = unit(in_channels, out_channels, 1, stride, relu=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(x + F(x)), with x projected where channel counts or resolutions differ."""
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        y = self.bn3(self.conv3(y))
        return y.add_(self.downsample(x)).relu_()
