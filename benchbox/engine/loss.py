"""Losses between predicted and target heatmaps."""

from __future__ import annotations

import torch


def heatmap_mse(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return half the mean squared error over persons, keypoints and cells, weighted per keypoint.

    Args: output, target: (B, K, H, W) float. weight: (B, K, 1) float, 0 for unlabelled keypoints.
    Source: the official HRNet and SimpleBaseline code (JointsMSELoss); efficient-hrnet, Eq. 2 without its 1/2.
    """
    difference = (output - target) * weight[..., None]
    return 0.5 * (difference * difference).mean()
