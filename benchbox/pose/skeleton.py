"""The joints of the data sets: names, mirror pairs, OKS constants, limbs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Skeleton:
    """Describe the joints of one data set; every tuple of numbers holds joint indices.

    Args:
        name: key in `SKELETONS`.
        joints: names in the order of the data set.
        flip_pairs: (left, right) or (right, left) joints that change places in a mirrored image.
        sigmas: OKS constant of each joint; empty where the data set defines none.
        upper_body: joints of the upper half, for half-body augmentation.
        limbs: pairs of joints to join in a drawing.
    """

    name: str
    joints: tuple[str, ...]
    flip_pairs: tuple[tuple[int, int], ...]
    sigmas: tuple[float, ...]
    upper_body: tuple[int, ...]
    limbs: tuple[tuple[int, int], ...]


def mirror_order(joints: int, pairs: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
    """Return the (K,) joint indices after a mirror: `mirrored = values[mirror_order(K, pairs)]`.

    Args:
        joints: K.
        pairs: (P, 2) joint indices that change places.
    """
    if not isinstance(pairs, tuple):
        pairs = tuple((int(a), int(b)) for a, b in pairs)
    return _mirror_order(joints, pairs)


@functools.lru_cache(maxsize=32)
def _mirror_order(joints: int, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    order = np.arange(joints)
    for a, b in pairs:
        order[a], order[b] = b, a
    order.setflags(write=False)
    return order


COCO17 = Skeleton(
    name="coco17",
    joints=(
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
    flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
    # Source: pycocotools, Params.setKpParams; divided as there, since 0.35 / 10 is not the number 0.035.
    sigmas=tuple(
        tenfold / 10
        for tenfold in (
            *(0.26, 0.25, 0.25, 0.35, 0.35),
            *(0.79, 0.79, 0.72, 0.72, 0.62, 0.62),
            *(1.07, 1.07, 0.87, 0.87, 0.89, 0.89),
        )
    ),
    upper_body=tuple(range(11)),
    limbs=(
        *((0, 1), (0, 2), (1, 3), (2, 4)),
        *((5, 6), (5, 7), (7, 9), (6, 8), (8, 10)),
        *((5, 11), (6, 12), (11, 12)),
        *((11, 13), (13, 15), (12, 14), (14, 16)),
    ),
)

MPII16 = Skeleton(
    name="mpii16",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
    flip_pairs=((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)),
    sigmas=(),
    upper_body=tuple(range(7, 16)),
    limbs=(
        *((0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5)),
        *((6, 7), (7, 8), (8, 9)),
        *((10, 11), (11, 12), (12, 7), (7, 13), (13, 14), (14, 15)),
    ),
)

LSP14 = Skeleton(
    name="lsp14",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "upper_neck",
        "head_top",
    ),
    flip_pairs=((0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9)),
    sigmas=(),
    upper_body=tuple(range(6, 14)),
    limbs=(
        *((0, 1), (1, 2), (2, 3), (3, 4), (4, 5)),
        *((6, 7), (7, 8), (8, 12), (12, 9), (9, 10), (10, 11)),
        *((12, 13), (2, 8), (3, 9)),
    ),
)

SKELETONS: dict[str, Skeleton] = {"coco17": COCO17, "mpii16": MPII16, "lsp14": LSP14}
