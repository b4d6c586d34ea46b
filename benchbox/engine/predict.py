"""From crops to heatmaps or coordinates, with or without the flip test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from benchbox.engine.normalise import normalised
from benchbox.pose.heatmap import flip_average
from benchbox.pose.points import flip_average_points


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
    crops = _seen(model, images, device)
    heatmaps: np.ndarray = model(crops).float().cpu().numpy()
    if flip_test:
        mirrored = model(crops.flip(-1)).float().cpu().numpy()
        heatmaps = flip_average(heatmaps, mirrored, flip_pairs, shift=flip_shift)
    return heatmaps


@torch.no_grad()
def predict_coordinates(
    model: nn.Module,
    images: np.ndarray,
    *,
    device: torch.device,
    flip_test: bool,
    flip_pairs: Sequence[tuple[int, int]],
) -> np.ndarray:
    """Return the joints (B, K, 2) float32, x and y in pixels of the crops (B, H, W, 3) uint8.

    The model gives fractions of the crop. With `flip_test` the joints are the mean of the crop's and of the mirrored
    crop's, mirrored back.
    """
    model.eval()
    crops = _seen(model, images, device)
    height, width = images.shape[1:3]
    size = np.array([width, height], dtype=np.float32)
    points: np.ndarray = model(crops).float().cpu().numpy() * size
    if flip_test:
        mirrored = model(crops.flip(-1)).float().cpu().numpy() * size
        points = flip_average_points(points, mirrored, flip_pairs, width=width)
    return points


def _seen(model: nn.Module, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return crops as the model takes them, in the type of its weights."""
    dtype = next((parameter.dtype for parameter in model.parameters()), torch.float32)
    return normalised(images, device).to(dtype)
