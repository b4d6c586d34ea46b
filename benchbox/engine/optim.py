"""Optimizers by name, over what of a network learns; what does not learn is frozen whole, statistics included."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

import torch
from torch import nn

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),
    "rmsprop": torch.optim.RMSprop,
}
"""Both with torch's own values for the rest: Adam with decays of 0.9 and 0.999, RMSProp with one of 0.99."""


def make_optimizer(model: nn.Module, name: str, *, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """Return an optimizer, with a fresh state, over the parameters that require a gradient.

    Args:
        name: a key of `OPTIMIZERS`.
        weight_decay: its product with a weight is added to the gradient, as of half its square times this in the loss;
            for weights of convolutions and linear layers, not for biases and batch norm.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [{"params": learning}]
    if weight_decay > 0:
        decayed = [parameter for parameter in learning if parameter.ndim > 1]
        others = [parameter for parameter in learning if parameter.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others}]
    return OPTIMIZERS[name]([group for group in groups if group["params"]])


def freeze(model: nn.Module, frozen: Collection[str]) -> None:
    """Let all parameters of a network learn but those named."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
        if name in frozen:
            parameter.grad = None


def learn(model: nn.Module) -> None:
    """Put a network into training mode, but for batch norms that are frozen: they keep and use their statistics."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not _learns(module.parameters()):
            module.eval()


def _learns(parameters: Iterable[nn.Parameter]) -> bool:
    return any(parameter.requires_grad for parameter in parameters)
