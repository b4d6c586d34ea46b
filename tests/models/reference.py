"""How the reference filled its networks before its outputs were recorded (parity/golden/model_outputs.json)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def noise(k: int, count: int) -> np.ndarray:
    """Return the reference's fill, `count` values in [-1, 1) for entry k (golden model_outputs.json)."""
    mask = np.uint64(0xFFFFFFFF)
    i = np.arange(1, count + 1, dtype=np.uint64)
    x = (i * np.uint64(2654435769) + np.uint64((k + 1) * 2246822519 % 2**32)) & mask
    x ^= x >> np.uint64(15)
    x = x * np.uint64(739982445) & mask
    x ^= x >> np.uint64(12)
    x = x * np.uint64(695872825) & mask
    x ^= x >> np.uint64(15)
    return 2.0 * (x.astype(np.float64) / 2**32) - 1.0


def fill(model: nn.Module) -> None:
    state = model.state_dict()
    for k, (name, tensor) in enumerate(state.items()):
        v = noise(k, tensor.numel()).reshape(tensor.shape)
        if name.endswith("num_batches_tracked"):
            v = np.zeros(tensor.shape)
        elif tensor.ndim == 4:
            v = v * np.sqrt(3 * tensor.shape[0] / tensor.numel())
        elif name.endswith("running_var"):
            v = 1.0 + 0.5 * v  # 0.5 + u, u = (v + 1) / 2
        elif name.endswith("weight"):
            v = 0.75 + 0.25 * v  # 0.5 + 0.5 u
        else:  # a bias or a running mean
            v = 0.1 * v
        tensor.copy_(torch.from_numpy(np.asarray(v)))
