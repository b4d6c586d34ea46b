"""Several comparisons at once: what is one family, and Holm's adjustment within it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values adjusted so that the chance of any false finding among them keeps its level.

    Args:
        p: (M,) in [0, 1]; a NaN is no comparison and stays one.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    p = np.asarray(p, np.float64)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def by_family(p: np.ndarray, families: Sequence[Hashable]) -> np.ndarray:
    """Return p-values adjusted within each family alone; see `holm`."""
    adjusted = np.full(len(p), np.nan)
    for family in dict.fromkeys(families):
        places = [place for place, one in enumerate(families) if one == family]
        adjusted[places] = holm(p[places])
    return adjusted


def family(metric: str, group: str) -> tuple[str, str]:
    """Return which scores of one protocol are adjusted together: those of a metric for one kind of group.

    They are the chances of one claim ("AP is better on some category"), so the claim keeps its level however many other
    metrics, kinds of group and protocols are computed beside it.
    """
    return metric, group.partition(":")[0]
