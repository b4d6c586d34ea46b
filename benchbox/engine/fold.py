"""Fold batch norm into the convolutions before it: the same numbers but for rounding, in fewer passes over memory."""

from __future__ import annotations

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse


def folded(model: nn.Module, precision: str = "fp32") -> nn.Module:
    """Return a copy of a network that predicts as it does, faster, and cannot be trained; the network is left alone.

    Args:
        model: in channels-last memory, as jobs have it; it is put into evaluation mode.
        precision: fp32: outputs within 1e-5 of the largest. bf16: weights and activations are cast; outputs within
            5e-2 of the largest, which is what eight bits of mantissa leave.
    """
    copy: nn.Module = fuse(model.eval())
    copy = copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return copy.to(torch.bfloat16) if precision == "bf16" else copy


def bf16_is_native(device: torch.device) -> bool:
    """Tell whether a device computes in bf16; a processor that does not is hundreds of times slower in it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
