"""From bytes to what a network sees: ImageNet mean 0 and deviation 1, on the device that needs it."""

from __future__ import annotations

import numpy as np
import torch

# ImageNet, in RGB order. Of images in BGR the same numbers meet the channels in the same places, as in
# SimpleBaseline's code.
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
_FACTOR = torch.from_numpy((1 / (255 * STD)).astype(np.float32))[:, None, None]
_OFFSET = torch.from_numpy((-MEAN / STD).astype(np.float32))[:, None, None]


def normalised(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return crops as a network's input.

    Args:
        images: (B, H, W, 3) uint8. device: where the network is; the bytes are moved, then made floats.

    Returns:
        (B, 3, H, W) float32 on the device, channels last in memory.
    """
    crops = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
    # Two roundings to float32, not one: a fused multiply-add would give other bits on other devices.
    return crops.to(torch.float32).mul_(_FACTOR.to(device)).add_(_OFFSET.to(device))
