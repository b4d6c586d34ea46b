"""Joints as heatmaps and back: targets, decoding, the flip test."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from benchbox.errors import InvalidInput, nearest
from benchbox.pose.dark import dark_offset
from benchbox.pose.points import image_points
from benchbox.pose.skeleton import mirror_order

REFINEMENTS = ("argmax", "quarter", "dark")


def gaussian_targets(
    joints: np.ndarray,
    visible: np.ndarray,
    *,
    heatmap_size: tuple[int, int],
    stride: float | Sequence[float],
    sigma: float,
    subcell: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one Gaussian per visible joint, peak 1, zero beyond 3 sigma along either axis.

    The peak sits on the cell trunc(x / stride + 0.5). With `subcell` it sits on x / stride itself; the square that is
    not zero stays around the cell, and the highest value on the map may be a little below 1. A joint whose square
    misses the map has weight 0; one that misses it by exactly one cell at the left or the top keeps weight 1 with an
    empty map, as the official code has it.

    Args:
        joints: (K, 2) or (K, 3) x, y in input pixels, third column ignored.
        visible: (K,) above 0 where the joint counts.
        heatmap_size: (height, width) in cells.
        stride: input pixels per cell, one number or (x, y).
        sigma: cells.
        subcell: centre the Gaussian on the exact place, as UDP does.

    Returns:
        target (K, height, width) float32, weight (K, 1) float32 of 0 and 1.

    Source: HRNet's `JointsDataset.generate_target`, and UDP's.
    """
    height, width = heatmap_size
    place = joints[:, :2] / np.asarray(stride)
    peak = (place + 0.5).astype(np.int64)
    bell = _bell(sigma)
    radius = len(bell) - 2
    x, y = peak[:, 0], peak[:, 1]
    inside = (x < width + radius) & (y < height + radius) & (np.minimum(x, y) >= -radius - 1)
    weight = (inside & (visible > 0)).astype(np.float32)[:, None]
    to_x, to_y = np.abs(np.arange(width) - peak[:, :1]), np.abs(np.arange(height) - peak[:, 1:])
    if subcell:
        across = np.where(to_x <= radius, _exact_bell(np.arange(width) - place[:, :1], sigma), np.float32(0))
        down = np.where(to_y <= radius, _exact_bell(np.arange(height) - place[:, 1:], sigma), np.float32(0))
    else:
        across, down = bell[np.minimum(to_x, radius + 1)], bell[np.minimum(to_y, radius + 1)]
    return np.einsum("kh,kw->khw", down * weight, across), weight


def argmax_positions(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the first highest cell of every map; (0, 0) where the highest value is not above 0.

    Args:
        heatmaps: (..., H, W).

    Returns:
        positions (..., 2) float32, x, y in cells; confidences (...), the highest values.
    """
    width = heatmaps.shape[-1]
    flat = heatmaps.reshape(*heatmaps.shape[:-2], -1)
    index = flat.argmax(axis=-1)
    confidence = np.take_along_axis(flat, index[..., None], axis=-1)
    positions = np.stack([index % width, index // width], axis=-1).astype(np.float32)
    return positions * (confidence > 0), confidence[..., 0]


def quarter_offset(heatmaps: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Move every peak a quarter cell towards its higher neighbour, along each axis.

    Only where 1 < x < W - 1 and 1 < y < H - 1: cell 1 is not refined, W - 2 is, as in the official code.

    Args:
        heatmaps: (N, K, H, W).
        positions: (N, K, 2) whole cells x, y.

    Returns:
        (N, K, 2) float32.
    """
    height, width = heatmaps.shape[-2:]
    x, y = positions[..., 0].astype(np.int64), positions[..., 1].astype(np.int64)
    refined = positions.astype(np.float32)
    n, k = np.nonzero((x > 1) & (x < width - 1) & (y > 1) & (y < height - 1))
    x, y = x[n, k], y[n, k]
    refined[n, k, 0] += 0.25 * np.sign(heatmaps[n, k, y, x + 1] - heatmaps[n, k, y, x - 1])
    refined[n, k, 1] += 0.25 * np.sign(heatmaps[n, k, y + 1, x] - heatmaps[n, k, y - 1, x])
    return refined


def refined_positions(heatmaps: np.ndarray, *, refine: str, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the joints on heatmaps, in cells.

    Args:
        heatmaps: (N, K, H, W).
        refine: argmax (whole cells), quarter (`quarter_offset`) or dark (`benchbox.pose.dark`).
        sigma: of the training targets in cells; for dark only.

    Returns:
        positions (N, K, 2) float32 x, y in cells; confidences (N, K), the highest values.

    Raises:
        InvalidInput: `refine` is none of the three.
    """
    positions, confidence = argmax_positions(heatmaps)
    if refine == "quarter":
        positions = quarter_offset(heatmaps, positions)
    elif refine == "dark":
        positions = dark_offset(heatmaps, positions, sigma=sigma)
    elif refine != "argmax":
        raise InvalidInput(f'refine = "{refine}"{nearest(refine, REFINEMENTS)}')
    return positions, confidence


def decode(
    heatmaps: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    *,
    refine: str = "quarter",
    sigma: float = 2.0,
    coordinates: str = "official",
) -> tuple[np.ndarray, np.ndarray]:
    """Read the joints off heatmaps, in pixels of the image.

    Args:
        heatmaps: (N, K, H, W) float32.
        center: (N, 2) x, y of the boxes in image pixels.
        scale: (N, 2) box (width, height) / 200; only the width counts in official coordinates.
        refine: argmax, quarter or dark, see `refined_positions`.
        sigma: of the training targets in cells; for dark only.
        coordinates: official, or udp where the crops were made so (`benchbox.pose.udp`).

    Returns:
        points (N, K, 2) float32 x, y in image pixels; confidences (N, K) float32.

    Raises:
        InvalidInput: `refine` or `coordinates` is none of these.

    Source: HRNet's `get_final_preds`, and UDP's.
    """
    positions, confidence = refined_positions(heatmaps, refine=refine, sigma=sigma)
    height, width = heatmaps.shape[-2:]
    return image_points(positions, center, scale, size=(height, width), coordinates=coordinates), confidence


def flip_back(heatmaps: np.ndarray, pairs: Sequence[Sequence[int]] | np.ndarray, *, shift: bool) -> np.ndarray:
    """Turn the heatmaps of a mirrored image into heatmaps of the image.

    Args:
        heatmaps: (N, K, H, W).
        pairs: (P, 2) joints that change places.
        shift: move the result one cell to the right (column 0 stays), the official alignment after a stride-4 network.

    Returns:
        (N, K, H, W), a new array.
    """
    restored = heatmaps[:, mirror_order(heatmaps.shape[1], pairs), :, ::-1]
    if not shift:
        return np.ascontiguousarray(restored)
    return np.concatenate([restored[..., :1], restored[..., :-1]], axis=-1)


def flip_average(
    heatmaps: np.ndarray, mirrored: np.ndarray, pairs: Sequence[Sequence[int]] | np.ndarray, *, shift: bool = True
) -> np.ndarray:
    """Average the heatmaps of an image and of its mirror image (the flip test).

    Args:
        heatmaps: (N, K, H, W) of the image.
        mirrored: (N, K, H, W) of the mirror image, as the network gave them.
        pairs: (P, 2) joints that change places.
        shift: see `flip_back`.

    Returns:
        (N, K, H, W).
    """
    mean: np.ndarray = (heatmaps + flip_back(mirrored, pairs, shift=shift)) * 0.5
    return mean


@functools.lru_cache(maxsize=8)
def _bell(sigma: float) -> np.ndarray:
    """Return exp(-d^2 / (2 sigma^2)) for the distances d = 0, 1, ... 3 sigma, then one 0, as float32."""
    return np.append(_exact_bell(np.arange(int(3 * sigma) + 1), sigma), np.float32(0))


def _exact_bell(distance: np.ndarray, sigma: float) -> np.ndarray:
    """Return exp(-d^2 / (2 sigma^2)) as float32."""
    bell: np.ndarray = np.exp(distance * distance * (-0.5 / (sigma * sigma))).astype(np.float32)
    return bell
