"""What a network costs: parameters, multiply-adds, and the field's own GFLOPs."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """The cost of one image through a network.

    `parameters` leaves out batch norm's statistics. `macs` are true multiply-adds of convolutions and matrix products.
    `field_gflops` is what pose papers print: weights times output positions over all convolutions and linear layers,
    divided by 1024^3. It counts a transposed convolution of stride 2 four times.
    Source: the columns "GFLOPs" of HRNet (CVPR 2019) and SimpleBaseline (ECCV 2018), Table 1, follow this rule.
    """

    parameters: int
    macs: int
    field_gflops: float


def count(model: nn.Module, height: int, width: int, *, spare: bool = True) -> Cost:
    """Count the cost of one 3 x height x width image, in evaluation mode, without computing a number.

    Args:
        model: the network, on any device (built under `torch.device("meta")` it costs no memory).
        height, width: the input's sides in pixels.
        spare: leave the model as it is; a model built only to be counted needs no copy, a quarter of the time.
    """
    parameters = sum(math.prod(parameter.shape) for parameter in model.parameters())
    shadow = _without_norms((copy.deepcopy(model) if spare else model).to("meta").eval())
    weighted = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal weighted
        assert isinstance(module.weight, Tensor)
        channels = output.shape[-1] if isinstance(module, nn.Linear) else output.shape[1]
        weighted += module.weight.numel() * (output.numel() // channels)

    for module in shadow.modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            module.register_forward_hook(add)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.empty(1, 3, height, width, device="meta"))
    return Cost(
        parameters=parameters,
        macs=counter.get_total_flops() // 2,
        field_gflops=weighted / 1024**3,
    )


def _without_norms(model: nn.Module) -> nn.Module:
    """Take batch norm out of a network, in place: it counts for nothing, and its shapes take two thirds of the time."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.modules.batchnorm._BatchNorm):
                setattr(module, name, nn.Identity())
    return model
