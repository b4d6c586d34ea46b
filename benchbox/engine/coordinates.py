"""The loss of coordinate regression, with heatmaps as an auxiliary target if asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def coordinate_mse(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the squared differences of x and of y, summed over a person's keypoints, as the mean over the persons.

    Args: output, target: (B, K, 2) float, fractions of the crop. weight: (B, K, 1) float, 0 for unlabelled keypoints.
    Source: mrn-attention, Eq. 8; the mean over a batch is not in the text.
    """
    return ((output - target).square() * weight).sum(dim=(1, 2)).mean()


def gaussian_maps(target: torch.Tensor, weight: torch.Tensor, *, size: tuple[int, int], sigma: float) -> torch.Tensor:
    """Return one Gaussian per keypoint, with its peak of 1 on the keypoint itself and no end: (B, K, h, w) float32.

    Args:
        target: (B, K, 2) x, y as fractions of the crop; a fraction f of the width is column f * w.
        weight: (B, K, 1), 0 for an empty map.
        size: (h, w) in cells. sigma: cells.
    """
    height, width = size
    columns = torch.arange(width, device=target.device) - target[..., :1] * width
    rows = torch.arange(height, device=target.device) - target[..., 1:] * height
    across, down = (torch.exp(d.square() * (-0.5 / sigma**2)) for d in (columns, rows))
    return (down * weight)[..., None] * across[..., None, :]


def heatmap_loss(heatmaps: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, *, sigma: float) -> torch.Tensor:
    """Return the mean squared error of each stack's heatmaps, over persons, maps and cells, summed over the stacks.

    Args:
        heatmaps: (B, S, M, h, w). With M = 1 it is judged against the highest of all Gaussians at every cell, else,
            M = K, each map against the Gaussian of its keypoint, unlabelled ones left out.
        target, weight: as of `coordinate_mse`. sigma: of the Gaussians in cells.

    Differs: mrn-attention trains by Eq. 8 alone; it tells of training with heatmaps (3.2), not of how.
    """
    maps = gaussian_maps(target, weight, size=(heatmaps.shape[-2], heatmaps.shape[-1]), sigma=sigma)
    if heatmaps.shape[2] == 1:
        difference = heatmaps - maps.amax(dim=1)[:, None, None]
    else:
        difference = (heatmaps - maps[:, None]) * weight[:, None, :, :, None]
    return difference.square().mean(dim=(0, 2, 3, 4)).sum()


def coordinate_loss(
    outputs: Sequence[torch.Tensor],
    target: torch.Tensor,
    weight: torch.Tensor,
    *,
    auxiliary: float = 0.0,
    sigma: float = 1.0,
) -> torch.Tensor:
    """Return `coordinate_mse`, plus `auxiliary` times `heatmap_loss` where that is above 0.

    Args:
        outputs: coordinates (B, K, 2), then heatmaps (B, S, M, h, w) where the network returns them.
        target, weight: as of `coordinate_mse`. auxiliary: factor. sigma: of `heatmap_loss`.

    Raises:
        ValueError: auxiliary heatmaps are asked for and not there.
    """
    coordinates, *heatmaps = outputs
    lost = coordinate_mse(coordinates, target, weight)
    if auxiliary <= 0:
        return lost
    if not heatmaps:
        raise ValueError("auxiliary heatmaps are to be trained, but the network returns none")
    return lost + auxiliary * heatmap_loss(heatmaps[0], target, weight, sigma=sigma)
