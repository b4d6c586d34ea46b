"""Look inside a forward pass by hooks: what a network puts out keeps its bits, and no hook is left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchbox.engine.normalise import normalised

Take = Callable[[nn.Module, tuple[Tensor, ...], Any], Mapping[str, Tensor]]
"""Picks, from a module, its inputs and its output, what is to be kept, by name."""


class Seen(NamedTuple):
    """Hold what one call of a module gave: the module's name, what it is, and values (B, ...) float32."""

    module: str
    what: str
    values: np.ndarray


@torch.no_grad()
def observe(
    model: nn.Module, images: np.ndarray, *, device: torch.device, modules: Mapping[str, nn.Module], take: Take
) -> list[Seen]:
    """Run a network once, in evaluation mode, and return what some of its modules gave, in the order of their calls.

    Args:
        images: crops (B, H, W, 3) uint8.
        modules: of the network, by the names that they are to have.
        take: what is kept of each call.
    """
    found: list[Seen] = []

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Any], None]:
        def seen(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
            found.extend(Seen(name, what, _array(values)) for what, values in take(module, inputs, output).items())

        return seen

    handles = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    try:
        model.eval()(normalised(images, device))
    finally:
        for handle in handles:
            handle.remove()
    return found


@torch.no_grad()
def stage_predictions(model: nn.Module, images: np.ndarray, *, device: torch.device) -> list[np.ndarray]:
    """Return the heatmaps (B, K, h, w) float32 of every stage, the last being the network's own.

    For networks that put out those of all stages in training mode. Only the network itself is put into it: its parts
    stay in evaluation mode, and the values are those of evaluation.

    Args: images: crops (B, H, W, 3) uint8.
    """
    model.eval().training = True
    try:
        return [_array(heatmaps) for heatmaps in model(normalised(images, device))]
    finally:
        model.eval()


def _array(values: Tensor) -> np.ndarray:
    """Return a copy, which no later layer can change in place."""
    return np.array(values.float().cpu().numpy())
