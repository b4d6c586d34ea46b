"""Sub-cell places of joints from the shape of a heatmap (DARK)."""

from __future__ import annotations

import cv2
import numpy as np

REACH = 2  # cells: second differences are taken two cells to either side
_FLOOR = 1e-10  # of the highest value: what is below has no logarithm worth having


def smoothing_size(sigma: float) -> int:
    """Return the odd side, in cells, of the square kernel that smooths maps trained with a Gaussian of `sigma` cells.

    OpenCV gives a kernel of n cells a deviation of about 0.15 n + 0.35; the odd n >= 3 that comes nearest `sigma` is 11
    for 2 and 17 for 3, the sizes of the official code.
    """
    return 2 * max(round((sigma - 0.5) / 0.3), 1) + 1


def dark_offset(heatmaps: np.ndarray, positions: np.ndarray, *, sigma: float) -> np.ndarray:
    """Move every peak to the maximum of the parabola through the logarithm of its smoothed map (one Newton step).

    A peak stays where it is if it lies within two cells of a border, if its map or the smoothed one is nowhere above 0,
    if the matrix of second differences is singular, or if the step would leave the map. Zeros surround a map when it is
    smoothed, which draws peaks near the border inwards.

    Args:
        heatmaps: (N, K, H, W).
        positions: (N, K, 2) whole cells x, y, the highest of each map.
        sigma: of the training targets in cells.

    Returns:
        (N, K, 2) float32, finite where `heatmaps` is, within [0, W - 1] x [0, H - 1].

    Source: Zhang et al. 2020, "Distribution-Aware Coordinate Representation for Human Pose Estimation", Eqs. 6 and 9
        and the official code.
    Differs: the smallest value before the logarithm is a share of the map's maximum (officially 1e-10 after scaling the
        smoothed map to the maximum of the raw one), so that the amplitude never matters; a step out of the map is not
        taken (officially it is).
    """
    height, width = heatmaps.shape[-2:]
    refined = positions.astype(np.float32)
    x, y = positions[..., 0].astype(np.int64), positions[..., 1].astype(np.int64)
    inner = (x >= REACH) & (x < width - REACH) & (y >= REACH) & (y < height - REACH)
    n, k = np.nonzero(inner & (heatmaps.max(axis=(-2, -1)) > 0))
    if not n.size:
        return refined
    size = smoothing_size(sigma)
    smooth = np.stack(
        [cv2.GaussianBlur(heatmap, (size, size), 0, borderType=cv2.BORDER_CONSTANT) for heatmap in heatmaps[n, k]]
    ).astype(np.float64)
    highest = smooth.max(axis=(-2, -1))[:, None, None]
    cells = np.arange(-REACH, REACH + 1)
    around = smooth[np.arange(n.size)[:, None, None], y[n, k, None, None] + cells[:, None], x[n, k, None, None] + cells]
    share = around / np.where(highest > 0, highest, np.inf)  # a smoothed map that is nowhere above 0 becomes flat
    place = positions[n, k] + _newton_steps(np.log(np.maximum(share, _FLOOR)))
    on_map = ((place >= 0) & (place <= (width - 1, height - 1))).all(axis=-1)
    refined[n[on_map], k[on_map]] = place[on_map]
    return refined


def _newton_steps(patches: np.ndarray) -> np.ndarray:
    """Return the (M, 2) steps x, y from the middles of (M, 5, 5) patches to their extrema; zero where there is none."""
    right, left, below, above = patches[:, 2, 3], patches[:, 2, 1], patches[:, 3, 2], patches[:, 1, 2]
    slope_x, slope_y = (right - left) / 2, (below - above) / 2
    across = (patches[:, 2, 4] - 2 * patches[:, 2, 2] + patches[:, 2, 0]) / 4
    down = (patches[:, 4, 2] - 2 * patches[:, 2, 2] + patches[:, 0, 2]) / 4
    mixed = (patches[:, 3, 3] - patches[:, 1, 3] - patches[:, 3, 1] + patches[:, 1, 1]) / 4
    determinant = across * down - mixed * mixed
    towards = np.stack([mixed * slope_y - down * slope_x, mixed * slope_x - across * slope_y], axis=-1)
    return towards / np.where(determinant == 0, np.inf, determinant)[:, None]
