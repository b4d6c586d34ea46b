"""Object keypoint similarity between predicted people, and what it is used for: suppression and rescoring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_EPSILON = float(np.spacing(1))  # as pycocotools adds to an area
SOFT_LIMIT = 20  # Source: HRNet's soft_oks_nms keeps at most so many


def oks_matrix(keypoints: np.ndarray, area: np.ndarray, *, sigmas: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the OKS of every pair of people, over all joints whatever their confidence.

    Args:
        keypoints: (N, K, 2) or (N, K, 3) x, y in pixels, third column ignored.
        area: (N,) square pixels; a pair is compared at the mean of its two.
        sigmas: (K,) constants of the joints.

    Returns:
        (N, N) float64 in [0, 1].

    Source: HRNet's `oks_iou`.
    """
    points = np.asarray(keypoints, dtype=np.float64)[..., :2]
    area = np.asarray(area, dtype=np.float64)
    squared = ((points[:, None] - points[None, :]) ** 2).sum(axis=-1)
    spread = 2.0 * (2.0 * np.asarray(sigmas)) ** 2
    mean_area = (area[:, None] + area[None, :]) / 2 + _EPSILON
    similarity: np.ndarray = np.exp(-squared / spread / mean_area[..., None]).mean(axis=-1)
    return similarity


def nms(oks: np.ndarray, scores: np.ndarray, *, threshold: float) -> np.ndarray:
    """Keep people by falling score, dropping those whose OKS with a kept one is above `threshold`.

    Args:
        oks: (N, N) of `oks_matrix`.
        scores: (N,); of equal ones the first wins.
        threshold: in [0, 1].

    Returns:
        (M,) indices in the order kept.
    """
    waiting = np.argsort(-np.asarray(scores), kind="stable")
    kept = []
    while waiting.size:
        best = waiting[0]
        kept.append(best)
        waiting = waiting[1:]
        waiting = waiting[oks[best, waiting] <= threshold]
    return np.array(kept, dtype=np.int64)


def soft_nms(oks: np.ndarray, scores: np.ndarray, *, threshold: float, limit: int = SOFT_LIMIT) -> np.ndarray:
    """Order people by score, lowering the score of each by its likeness to those already kept.

    Args:
        oks: (N, N) of `oks_matrix`.
        scores: (N,); of equal ones the first wins.
        threshold: a score is multiplied by exp(-OKS^2 / threshold).
        limit: most people to keep.

    Returns:
        (M,) indices in the order kept, M <= limit.
    """
    scores = np.array(scores, dtype=np.float64)
    waiting = np.arange(len(scores))
    kept: list[int] = []
    while waiting.size and len(kept) < limit:
        best = waiting[np.argmax(scores[waiting])]
        kept.append(int(best))
        waiting = waiting[waiting != best]
        scores[waiting] *= np.exp(-(oks[best, waiting] ** 2) / threshold)
    return np.array(kept, dtype=np.int64)


def rescore(
    keypoints: np.ndarray,
    box_scores: np.ndarray,
    image_ids: np.ndarray,
    area: np.ndarray,
    *,
    sigmas: Sequence[float] | np.ndarray,
    visible_threshold: float | None = 0.2,
    oks_threshold: float | None = 0.9,
    soft: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Score people by box and joints, then suppress the doubles of each image.

    Args:
        keypoints: (N, K, 3) x, y in pixels, confidence.
        box_scores: (N,) confidences of the boxes.
        image_ids: (N,).
        area: (N,) square pixels; officially that of the enlarged box, prod(200 x scale).
        sigmas: (K,) constants of the joints.
        visible_threshold: only confidences above it enter the mean; None leaves the scores to the boxes.
        oks_threshold: of the suppression; None suppresses nobody.
        soft: use `soft_nms`.

    Returns:
        kept (M,) indices: images in the order of their first person, inside an image in the order of the suppression;
        scores (N,) float64 = box score x mean of the confidences above the threshold, 0 where none is.

    Source: HRNet's `COCODataset.evaluate`.
    """
    scores = np.asarray(box_scores, dtype=np.float64)
    if visible_threshold is not None:
        confidence = np.asarray(keypoints)[..., 2]
        counted = confidence > visible_threshold  # in the type of the keypoints: a float32 of 0.2 is not above 0.2
        mean = (confidence * counted).sum(axis=1, dtype=np.float64) / np.maximum(counted.sum(axis=1), 1)
        scores = scores * mean
    if oks_threshold is None:
        return np.arange(len(scores)), scores
    suppress = soft_nms if soft else nms
    members: dict[int, list[int]] = {}
    for index, image in enumerate(np.asarray(image_ids).tolist()):
        members.setdefault(image, []).append(index)
    kept = [np.empty(0, dtype=np.int64)]
    for indices in members.values():
        group = np.array(indices)
        oks = oks_matrix(keypoints[group], area[group], sigmas=sigmas)
        kept.append(group[suppress(oks, scores[group], threshold=oks_threshold)])
    return np.concatenate(kept), scores
