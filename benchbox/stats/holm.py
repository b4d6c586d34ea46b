"""Several comparisons at once."""

from __future__ import annotations

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
