"""The masks against mrn-attention's equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchbox.attention.masks import GlobalMask, HeatmapMask, ResolutionMask


def unit(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Convolve and normalise over the batch, as in training mode."""
    conv, norm = layer
    x = F.conv2d(x, conv.weight, conv.bias, padding=1)
    return F.batch_norm(x, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)


def by_hand(layer: nn.Module, x: np.ndarray) -> np.ndarray:
    """Return the sigmoid of a 3x3 convolution with the running statistics' batch norm, in plain NumPy."""
    conv, norm = layer
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = x.shape[2:]
    y = np.zeros((len(x), len(weight), height, width))
    for dy in range(3):
        for dx in range(3):
            part = padded[:, :, dy : dy + height, dx : dx + width]
            y += np.einsum("bchw,oc->bohw", part, weight[:, :, dy, dx])
    y += bias[:, None, None]
    mean, variance = norm.running_mean.numpy(), norm.running_var.numpy()
    y = (y - mean[:, None, None]) / np.sqrt(variance + norm.eps)[:, None, None]
    y = y * norm.weight.detach().numpy()[:, None, None] + norm.bias.detach().numpy()[:, None, None]
    return 1 / (1 + np.exp(-y))


def stirred(module: nn.Module) -> nn.Module:
    """Give batch norm statistics and weights that are not 0 and 1, then evaluate in double precision."""
    torch.manual_seed(0)
    for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm2d)):
        for tensor in (norm.running_var, norm.running_mean, norm.weight.data, norm.bias.data):
            tensor.uniform_(0.5, 1.5)
    return module.double().eval()


def test_a_global_mask_multiplies_every_colour_and_adds_nothing() -> None:
    torch.manual_seed(1)
    module, image = GlobalMask(width=5), torch.randn(2, 3, 32, 48)
    mask = module.mask(image)
    assert mask.shape == (2, 1, 32, 48)
    assert ((mask > 0) & (mask < 1)).all()
    torch.testing.assert_close(module(image), image * mask)
    assert module(image).abs().lt(image.abs()).all()  # with "+ I" it would be larger


def test_a_global_mask_comes_from_an_hourglass_with_skips() -> None:
    torch.manual_seed(2)
    module, image = GlobalMask(width=5, slope=0.2), torch.randn(2, 3, 32, 48)

    def active(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = unit(layer, x)
        return torch.where(y > 0, y, 0.2 * y)

    def inner(level: int, x: torch.Tensor) -> torch.Tensor:
        x = active(module.down[level], x)
        if level == 4:
            return x
        pooled = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).amax((3, 5))
        wide = inner(level + 1, pooled).repeat_interleave(2, 2).repeat_interleave(2, 3)
        return active(module.up[level], x + wide)

    torch.testing.assert_close(module.mask(image), unit(module.last, inner(0, image)).sigmoid())


@pytest.mark.parametrize("channels", [1, 16])
def test_a_heatmap_mask_is_equations_3_and_4(channels: int) -> None:
    module = stirred(HeatmapMask(channels))
    x = np.random.default_rng(0).random((2, channels, 6, 5))
    expected = x * by_hand(module.last, x) + x
    np.testing.assert_allclose(module(torch.from_numpy(x)).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_a_resolution_mask_is_equations_5_and_6() -> None:
    module = stirred(ResolutionMask(7))
    top, bottom = np.random.default_rng(0).standard_normal((2, 2, 7, 6, 5))
    mask = by_hand(module.last, bottom)
    assert mask.shape == (2, 1, 6, 5)
    found = module(torch.from_numpy(top), torch.from_numpy(bottom)).detach().numpy()
    np.testing.assert_allclose(found, top * mask + top, rtol=0, atol=1e-12)


def test_parameters() -> None:
    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    assert count(HeatmapMask()) == 9 + 1 + 2
    assert count(ResolutionMask(256)) == 9 * 256 + 1 + 2
    hidden = 9 * 32 * 32 + 32 + 64
    assert count(GlobalMask()) == (9 * 3 * 32 + 32 + 64) + 8 * hidden + (9 * 32 + 1 + 2)
