"""Times of calls and what is said of them: rates with their spread, and percentiles."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Spread:
    """Of some repeats of a measurement, the middle one and both ends."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Return median, minimum and maximum of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a `share` in [0, 1] of at least one value lies below, by linear interpolation."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def timed(
    call: Callable[[], object],
    *,
    seconds: float,
    wait: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = perf_counter,
) -> list[float]:
    """Return the seconds of each of so many calls as fill the time, at least one; `wait` ends each, for a device."""
    times: list[float] = []
    while not times or sum(times) < seconds:
        began = clock()
        call()
        wait()
        times.append(clock() - began)
    return times
