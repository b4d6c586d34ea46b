"""How far the scores of results on record would move on other persons: each alone, not in comparison."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from benchbox.errors import CannotJudge
from benchbox.stats.resample import bootstrap
from benchbox.worker.compare import Records

CONFIDENCE = 0.95


def spreads(kept: Records, jobs: Sequence[str], kinds: Collection[str]) -> list[dict[str, Any]]:
    """Return the half-width of every score's interval, in points, over images drawn anew.

    Args: jobs: or saved predictions. kinds: of groups.

    Returns:
        job, protocol, metric, group and half; nothing where records cannot give a protocol.

    Source: percentile bootstrap over images; see `stats.resample.bootstrap`.
    """
    rows = []
    for job in jobs:
        for protocol in kept.result(job).scored:
            try:
                sample = kept.sample(job, protocol, tuple(kinds))
            except CannotJudge:
                continue
            (drawn,) = bootstrap([sample], sample.resamples, 0)
            tail = 50 * (1 - CONFIDENCE)
            for (metric, group), scores in zip(sample.names, drawn.T, strict=True):
                if not np.isnan(scores).all():
                    low, high = np.nanpercentile(scores, [tail, 100 - tail])
                    row = {"job": job, "protocol": str(protocol), "metric": metric, "group": group}
                    rows.append(row | {"half": float(high - low) / 2})
    return rows
