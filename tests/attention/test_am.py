"""The attention modules against their equations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from benchbox.attention import ATTENTION
from benchbox.attention.am import AttentionModule
from benchbox.attention.cam import ChannelAttention
from benchbox.attention.sam import SpatialAttention


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture
def image() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 32, 6, 5)


def channel_gate(cam: ChannelAttention, x: torch.Tensor) -> torch.Tensor:
    hidden = F.relu(F.linear(x.mean((2, 3)), cam.squeeze.weight[:, :, 0, 0], cam.squeeze.bias))
    return torch.sigmoid(F.linear(hidden, cam.excite.weight[:, :, 0, 0], cam.excite.bias))[:, :, None, None]


def spatial_gate(sam: SpatialAttention, y: torch.Tensor) -> torch.Tensor:
    first, second = sam.layers
    mean = y.mean(1, keepdim=True)
    return torch.sigmoid(
        F.conv2d(F.conv2d(mean, first.weight, first.bias, padding=1), second.weight, second.bias, padding=1)
    )


def test_am_is_the_papers_equation(image: torch.Tensor) -> None:
    am = AttentionModule(32)
    y = image * channel_gate(am.cam, image)
    expected = image + y * spatial_gate(am.sam, y)
    torch.testing.assert_close(am(image), expected)


def test_the_halves_alone_add_the_map_too(image: torch.Tensor) -> None:
    cam, sam = ChannelAttention(32), SpatialAttention(32)
    torch.testing.assert_close(cam(image), image + image * channel_gate(cam, image))
    torch.testing.assert_close(sam(image), image + image * spatial_gate(sam, image))


@pytest.mark.parametrize("channels", [32, 64, 128, 256])
def test_parameters_of_am(channels: int) -> None:
    hidden = channels // 16
    assert parameters(AttentionModule(channels, bias=False)) == 2 * channels * hidden + 18
    assert parameters(AttentionModule(channels)) == 2 * channels * hidden + 18 + hidden + channels + 2


def test_a_narrow_map_keeps_one_hidden_channel() -> None:
    assert ChannelAttention(8).squeeze.out_channels == 1
    assert ChannelAttention(64, reduction=8).squeeze.out_channels == 8


def test_the_wide_spatial_gate_weighs_every_channel(image: torch.Tensor) -> None:
    sam = SpatialAttention(32, sam_width=216, sam_gate="channels")
    convs, norms = sam.layers[0::2], sam.layers[1::2]
    assert [tuple(c.weight.shape) for c in convs] == [
        (216, 32, 1, 1),
        (216, 216, 3, 3),
        (216, 216, 3, 3),
        (32, 216, 1, 1),
    ]
    assert [n.num_features for n in norms] == [216, 216, 216, 32]
    assert all(c.bias is None for c in convs)
    assert sam.gate(image).shape == image.shape
    assert AttentionModule(32, sam_width=216).sam.wide


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize("sam_width", [0, 6])
def test_every_module_keeps_shapes_and_passes_gradients(name: str, sam_width: int, image: torch.Tensor) -> None:
    module = ATTENTION[name](32, reduction=8, sam_width=sam_width)
    x = image.requires_grad_()
    out = module(x)
    out.square().sum().backward()
    assert out.shape == x.shape
    assert x.grad is not None
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_names_mean_what_they_say() -> None:
    assert ATTENTION["cam"] is ChannelAttention
    assert ATTENTION["sam"] is SpatialAttention
    assert ATTENTION["am"] is AttentionModule


def test_none_changes_nothing(image: torch.Tensor) -> None:
    module = ATTENTION["none"](32, reduction=16, sam_width=0)
    assert parameters(module) == 0
    assert torch.equal(module(image), image)
