"""SE, CBAM and the kernels of spatial attention against their equations, in plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchbox.attention.am import AttentionModule
from benchbox.attention.cbam import CBAM
from benchbox.attention.sam import KERNELS, SpatialAttention
from benchbox.attention.se import SqueezeExcitation

CHANNELS, HIDDEN = 12, 3
SHAPE = (2, CHANNELS, 9, 10)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def array(tensor: torch.Tensor | None) -> np.ndarray:
    assert tensor is not None
    return tensor.detach().numpy()


def two_layers(module: nn.Module, mean: np.ndarray) -> np.ndarray:
    """Return W2 relu(W1 z + b1) + b2 for z (B, C)."""
    first, second = module.squeeze, module.excite
    assert first.weight.shape == (HIDDEN, CHANNELS, 1, 1)
    hidden = np.maximum(0, mean @ array(first.weight)[:, :, 0, 0].T + array(first.bias))
    return hidden @ array(second.weight)[:, :, 0, 0].T + array(second.bias)


def convolved(x: np.ndarray, weight: np.ndarray, bias: float | np.ndarray = 0.0) -> np.ndarray:
    """Return the sum over taps of x (B, C, H, W), with zeros around it, times weight (C', C, k, k): (B, C', H, W)."""
    reach = weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    height, width = x.shape[2:]
    total = np.zeros((len(x), len(weight), height, width))
    for dy, dx in np.ndindex(weight.shape[2:]):
        total += np.einsum("bchw,oc->bohw", padded[:, :, dy : dy + height, dx : dx + width], weight[:, :, dy, dx])
    return total + np.reshape(bias, (-1, 1, 1))


def stirred(module: nn.Module) -> nn.Module:
    """Return the module in double precision with weights, biases and statistics that all matter."""
    torch.manual_seed(0)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(-1, 1)
    for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_var.uniform_(0.5, 2)
    return module.double().eval()


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(SHAPE)


def found(module: nn.Module, x: np.ndarray) -> np.ndarray:
    return array(module(torch.from_numpy(x)))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_squeeze_and_excitation(x: np.ndarray) -> None:
    """Equations 2-4 of Hu et al.: z = mean over the map, s = sigmoid(W2 relu(W1 z)), x s."""
    module = stirred(SqueezeExcitation(CHANNELS, reduction=4))
    gate = sigmoid(two_layers(module.channel, x.mean((2, 3))))
    np.testing.assert_allclose(found(module, x), x * gate[:, :, None, None], rtol=0, atol=1e-12)


def test_cbam(x: np.ndarray) -> None:
    """Equations 2 and 3 of Woo et al., one after the other."""
    module = stirred(CBAM(CHANNELS, reduction=4))
    channel = sigmoid(two_layers(module, x.mean((2, 3))) + two_layers(module, x.max((2, 3))))
    y = x * channel[:, :, None, None]
    conv, norm = module.spatial
    seen = np.stack([y.mean(1), y.max(1)], 1)
    z = (convolved(seen, array(conv.weight)) - array(norm.running_mean)) / np.sqrt(array(norm.running_var) + 1e-5)
    spatial = sigmoid(z * array(norm.weight) + array(norm.bias))
    assert spatial.shape == (2, 1, 9, 10)
    np.testing.assert_allclose(found(module, x), y * spatial, rtol=0, atol=1e-12)


def test_parameters_of_se_and_cbam() -> None:
    """Two layers with biases; CBAM also 98 taps and a batch norm of one channel."""
    channels = 2 * 256 * 16 + 16 + 256
    assert parameters(SqueezeExcitation(256)) == channels
    assert parameters(CBAM(256)) == channels + 2 * 7 * 7 + 2
    assert parameters(CBAM(8)) == parameters(SqueezeExcitation(8)) + 100 == 2 * 8 + 1 + 8 + 100


@pytest.mark.parametrize(("kernel", "count"), [("7x7", 50), ("3x3+3x3", 20), ("3x3//3x3", 20)])
def test_parameters_of_the_kernels(kernel: str, count: int) -> None:
    """With biases 7 * 7 + 1 and 2 (3 * 3 + 1), whatever the channels; at n channels n^2 times the taps."""
    assert parameters(SpatialAttention(256, sam_kernel=kernel)) == count
    assert parameters(SpatialAttention(64, sam_kernel=kernel)) == count
    assert parameters(SpatialAttention(64, sam_kernel=kernel, bias=False)) == count - len(KERNELS[kernel])
    taps = count - len(KERNELS[kernel])
    n, outer = 8, (64 * 8 + 8) + (8 + 1)
    wide = SpatialAttention(64, sam_kernel=kernel, sam_width=n)
    assert parameters(wide) == outer + taps * n * n + len(KERNELS[kernel]) * n
    assert parameters(AttentionModule(64, sam_kernel=kernel)) == 2 * 64 * 4 + 4 + 64 + count


def layers_of(gate: SpatialAttention) -> list[nn.Conv2d]:
    return [m for m in gate.modules() if isinstance(m, nn.Conv2d)]


def by_hand(kernel: str, layers: list[nn.Conv2d], y: np.ndarray) -> np.ndarray:
    outputs = [convolved(y, array(layer.weight), array(layer.bias)) for layer in layers]
    if kernel == "3x3//3x3":
        return outputs[0] + outputs[1]
    return outputs[0] if kernel == "7x7" else convolved(outputs[0], array(layers[1].weight), array(layers[1].bias))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernels_convolve_the_channels_mean(kernel: str, x: np.ndarray) -> None:
    module = stirred(SpatialAttention(CHANNELS, sam_kernel=kernel))
    layers = layers_of(module)
    assert [layer.weight.shape[1:] for layer in layers] == [(1, size, size) for size in KERNELS[kernel]]
    gate = sigmoid(by_hand(kernel, layers, x.mean(1, keepdims=True)))
    np.testing.assert_allclose(found(module, x), x + x * gate, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernels_convolve_the_channels_that_they_are_given(kernel: str, x: np.ndarray) -> None:
    module = stirred(SpatialAttention(CHANNELS, sam_kernel=kernel, sam_width=5))
    first, *inner, last = layers_of(module)
    y = by_hand(kernel, inner, convolved(x, array(first.weight), array(first.bias)))
    gate = sigmoid(convolved(y, array(last.weight), array(last.bias)))
    assert gate.shape == (2, 1, 9, 10)
    np.testing.assert_allclose(found(module, x), x + x * gate, rtol=0, atol=1e-12)


def test_side_by_side_is_the_sum_of_torchs_own_convolutions(x: np.ndarray) -> None:
    module = stirred(SpatialAttention(CHANNELS, sam_kernel="3x3//3x3"))
    mean = torch.from_numpy(x).mean(1, keepdim=True)
    one, other = (F.conv2d(mean, layer.weight, layer.bias, padding=1) for layer in layers_of(module))
    torch.testing.assert_close(module.gate(torch.from_numpy(x)), (one + other).sigmoid())
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gate_of_every_channel_normalises_after_every_convolution(kernel: str, x: np.ndarray) -> None:
    module = stirred(SpatialAttention(CHANNELS, sam_kernel=kernel, sam_width=5, sam_gate="channels"))
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    layers = layers_of(module)

    def unit(at: int, y: np.ndarray) -> np.ndarray:
        assert layers[at].bias is None
        mean, variance, weight, bias = (
            array(t)[:, None, None]
            for t in (norms[at].running_mean, norms[at].running_var, norms[at].weight, norms[at].bias)
        )
        return (convolved(y, array(layers[at].weight)) - mean) / np.sqrt(variance + 1e-5) * weight + bias

    y = unit(0, x)
    if kernel == "3x3//3x3":
        y = unit(1, y) + unit(2, y)
    else:
        for at in range(1, len(layers) - 1):
            y = unit(at, y)
    gate = sigmoid(unit(len(layers) - 1, y))
    assert gate.shape == x.shape
    np.testing.assert_allclose(found(module, x), x + x * gate, rtol=0, atol=1e-12)
