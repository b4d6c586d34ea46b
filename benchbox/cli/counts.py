"""Parameters and multiply-adds of networks, counted once and then read from the cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchbox import costs
from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.config import JobConfig
from benchbox.console import note

NETWORKS_A_WORKER = 4
"""As many networks are counted in the time that a worker takes to load torch and to count a first one, about."""


def count_networks(configs: Sequence[JobConfig]) -> dict[str, costs.Costs]:
    """Return the costs of every network by cache key; torch runs, in workers, only for those never counted."""
    cache = folders.cache_root()
    wanted = {costs.key(config): config for config in configs}
    found = costs.lookup(cache, wanted)
    missing = [config.model_dump(mode="json") for key, config in wanted.items() if key not in found]
    if missing:
        if len(missing) > NETWORKS_A_WORKER:
            note(f"counting the costs of {len(missing)} networks; they are kept for next time")
        workers = min(os.cpu_count() or 1, -(-len(missing) // NETWORKS_A_WORKER))
        with ThreadPoolExecutor(workers) as pool:
            words = ["count", "--cache", str(cache)]
            list(pool.map(lambda start: ask(words, missing[start::workers]), range(workers)))
        found = costs.lookup(cache, wanted)
    return found
