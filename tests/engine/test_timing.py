"""Times of calls, with a clock of our own, and their statistics against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.engine.timing import percentile, spread, timed

VALUES = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60)


@given(VALUES, st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_percentiles_are_numpys(values: list[float], share: float) -> None:
    assert percentile(values, share) == pytest.approx(np.percentile(values, 100 * share), rel=1e-12)


@given(VALUES)
def test_the_spread_is_numpys(values: list[float]) -> None:
    found = spread(values)
    assert found.median == pytest.approx(np.median(values), rel=1e-12)
    assert (found.least, found.most) == (np.min(values), np.max(values))


@pytest.mark.parametrize(
    ("call", "wait", "seconds", "times"),
    [(2.0, 1.0, 0.0, [3.0]), (2.0, 1.0, 3.0, [3.0]), (2.0, 1.0, 3.5, [3.0, 3.0]), (0.25, 0.0, 1.0, [0.25] * 4)],
)
def test_calls_fill_the_time_and_their_wait_counts(
    call: float, wait: float, seconds: float, times: list[float]
) -> None:
    now = 100.0

    def passes(amount: float) -> None:
        nonlocal now
        now += amount

    assert timed(lambda: passes(call), seconds=seconds, wait=lambda: passes(wait), clock=lambda: now) == times
