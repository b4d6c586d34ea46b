"""Make things ahead of whoever takes them, in one thread and in their order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.1


def ahead(things: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """Yield what `things` yields while a thread makes up to `depth` more; nothing is made before the first is asked.

    An error of `things` is raised where the thing would have come. When the generator is closed, the thread ends with
    the thing that it is making.
    """
    made: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(depth)
    closed = threading.Event()

    def put(thing: T | None, problem: BaseException | None, last: bool) -> None:
        while not closed.is_set():
            try:
                made.put((thing, problem, last), timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for thing in things:
                put(thing, None, False)
                if closed.is_set():
                    return
        except BaseException as problem:
            put(None, problem, True)
        else:
            put(None, None, True)

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            thing, problem, last = made.get()
            if problem is not None:
                raise problem
            if last:
                return
            yield thing  # type: ignore[misc]
    finally:
        closed.set()
        thread.join()
