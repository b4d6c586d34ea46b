"""Losses between predicted and target heatmaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

HARDEST = 8  # Source: HRNet's JointsOHKMMSELoss, topk


def heatmap_mse(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return half the mean squared error over persons, keypoints and cells, weighted per keypoint.

    Args: output, target: (B, K, H, W) float. weight: (B, K, 1) float, 0 for unlabelled keypoints.
    Source: the official HRNet and SimpleBaseline code (JointsMSELoss); efficient-hrnet, Eq. 2 without its 1/2.
    """
    difference = (output - target) * weight[..., None]
    return 0.5 * (difference * difference).mean()


def unweighted_mse(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return `heatmap_mse` with every weight 1: an unlabelled keypoint is taught an empty map.

    Args: as of `heatmap_mse`; weight is not read.
    Source: the official code with USE_TARGET_WEIGHT false.
    """
    return 0.5 * torch.nn.functional.mse_loss(output, target)


def hardest_mse(
    output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, *, hardest: int = HARDEST
) -> torch.Tensor:
    """Return `heatmap_mse` over each person's keypoints of the largest losses (online hard keypoint mining).

    Args: as of `heatmap_mse`. hardest: keypoints of a person that count, from 1 to K.
    Source: the official HRNet code (JointsOHKMMSELoss), which takes 8; Chen et al. 2018 (CPN), Section 3.2.
    """
    difference = (output - target) * weight[..., None]
    losses = 0.5 * (difference * difference).mean(dim=(-2, -1))
    return losses.topk(hardest, dim=1).values.mean()


def supervised(
    outputs: Sequence[torch.Tensor],
    target: torch.Tensor,
    weight: torch.Tensor,
    *,
    criterion: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Return the sum of a loss over all that a network predicts, each judged alike (intermediate supervision).

    Args: outputs: of every stack, at least one. target, weight: as of `criterion`.
    """
    first, *others = (criterion(output, target, weight) for output in outputs)
    return sum(others, first)


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mse": heatmap_mse,
    "unweighted-mse": unweighted_mse,
    "hardest-mse": hardest_mse,
}
