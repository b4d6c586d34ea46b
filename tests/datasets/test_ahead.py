from __future__ import annotations

import threading
import time

import pytest

from benchbox.datasets.ahead import ahead


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def counting(made: list[int], until: int, fail_at: int = -1):
    for number in range(until):
        if number == fail_at:
            raise ValueError(f"at {number}")
        made.append(number)
        yield number


def wait_for(made: list[int], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(made) < count and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.mark.parametrize("until", [0, 1, 2, 50])
def test_all_things_come_in_their_order(until):
    assert list(ahead(counting([], until))) == list(range(until))
    assert not threads()


def test_nothing_is_made_before_it_is_asked_for_and_then_no_more_than_the_depth():
    made: list[int] = []
    things = ahead(counting(made, 50), depth=2)
    assert made == []
    assert next(things) == 0
    wait_for(made, 4)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3]  # one taken, two ready, one in the making
    things.close()
    assert not threads()


def test_an_error_comes_where_the_thing_would_have_come():
    things = ahead(counting([], 9, fail_at=3))
    taken = []
    with pytest.raises(ValueError, match="at 3"):
        taken.extend(things)
    assert taken == [0, 1, 2]
    assert not threads()


def test_leaving_early_ends_the_thread():
    def left() -> int:
        for number in ahead(counting([], 1000)):
            if number == 2:
                return number
        return -1

    assert left() == 2
    assert not threads()

    def failed() -> None:
        for number in ahead(counting([], 1000)):
            if number == 2:
                raise RuntimeError("the step failed")

    with pytest.raises(RuntimeError, match="the step failed"):
        failed()
    del failed
    deadline = time.monotonic() + 10
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not threads()
