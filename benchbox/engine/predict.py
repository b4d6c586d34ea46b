"""From crops to heatmaps, with or without the flip test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from benchbox.engine.normalise import normalised
from benchbox.pose.heatmap import flip_average


@torch.no_grad()
def predict(
    model: nn.Module,
    images: np.ndarray,
    *,
    device: torch.device,
    flip_test: bool,
    flip_shift: bool,
    flip_pairs: Sequence[tuple[int, int]],
) -> np.ndarray:
    """Return the heatmaps (B, K, h, w) float32 of crops (B, H, W, 3) uint8, computed in the type of the weights.

    With `flip_test` they are the mean of the crop's and the mirrored crop's, the latter shifted by one column with
    `flip_shift` (the official test setting of HRNet and SimpleBaseline).
    """
    model.eval()
    crops = normalised(images, device).to(next(model.parameters()).dtype)
    heatmaps: np.ndarray = model(crops).float().cpu().numpy()
    if flip_test:
        mirrored = model(crops.flip(-1)).float().cpu().numpy()
        heatmaps = flip_average(heatmaps, mirrored, flip_pairs, shift=flip_shift)
    return heatmaps
