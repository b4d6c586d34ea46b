"""Channel counts of narrower networks than the papers'."""

from __future__ import annotations

import math


def scaled(channels: int, shrink: float) -> int:
    """Return a channel count times `shrink`, rounded half up, at least 4."""
    return max(4, math.floor(channels * shrink + 0.5))
