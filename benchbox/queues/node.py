"""What every executor shares that hands jobs to other machines: the work on a node, and the word for what became of it.

`python -m benchbox.queues.node JOB WORDS...` does the same from a command line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchbox.files import read_json, write_json
from benchbox.jobdir import Attempt, JobDir
from benchbox.lease import Watch
from benchbox.queues.local import record_end

LOOK_SECONDS = 1.0
POLL_SECONDS = 0.1


class Told(NamedTuple):
    """What an executor says of a job that it has.

    Args:
        kind: waiting, running, ended, cancelled, or lost where it knows nothing of it.
        failure: the class of a bad end that only the executor knows of (oom, time, infrastructure), else empty.
        said: its own words, for people.
    """

    kind: str
    failure: str = ""
    said: str = ""


class Place(NamedTuple):
    """One of several nodes that have a job together.

    Args:
        node, nodes: its number (from 0) and how many there are.
        meet: address and port at which the first one waits for the others.
        name: of the allocation; another one has another.
    """

    node: int = 0
    nodes: int = 1
    meet: str = ""
    name: str = ""


class Node:
    """Does one job where it is called: claims it, runs its worker, and records its end.

    Where several nodes have the job, each calls it; the first one claims and records.

    Args:
        job: the job's folder.
        words: the worker's command line but for the number of the attempt.
    """

    def __init__(self, job: str, words: Sequence[str]) -> None:
        self.job, self.words = job, list(words)
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Return the worker's exit code; 0 where others have the job."""
        place = self.place()
        attempt = self._agreed(place)
        if attempt is None:
            return 0
        with open(attempt.log, "ab") as log:
            words = [sys.executable, "-m", "benchbox.worker", "run", self.job, "--attempt", str(attempt.number)]
            if place.nodes > 1:
                words += ["--nodes", str(place.nodes), "--which", str(place.node), "--meet", place.meet]
            self._process = subprocess.Popen([*words, *self.words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        code = None
        while code is None:  # not wait(): its lock would keep `save`, which interrupts it, from waiting
            code = self._process.poll()
            time.sleep(POLL_SECONDS)
        if place.node == 0:
            self._agreement(place).unlink(missing_ok=True)
            record_end(attempt, code)
        return code

    def place(self) -> Place:
        """Say which of several nodes this is; the only one here."""
        return Place()

    def save(self) -> None:
        """Let the worker save its state and end."""
        process = self._process
        if process is not None and _lives(process.pid):
            os.kill(process.pid, signal.SIGUSR2)
            while _lives(process.pid):
                time.sleep(POLL_SECONDS)

    def _agreement(self, place: Place) -> Path:
        return Path(self.job) / f"nodes-{place.name}.json"

    def _agreed(self, place: Place) -> Attempt | None:
        """Return the attempt that all nodes work on; None where others have the job."""
        file = self._agreement(place)
        if place.node == 0:
            attempt = self._claimed()
            if place.nodes > 1:
                write_json(file, {"attempt": attempt.number if attempt else 0})
            return attempt
        while (record := read_json(file, {"attempt"})) is None:
            time.sleep(POLL_SECONDS)
        return Attempt(JobDir(Path(self.job)), record["attempt"]) if record["attempt"] else None

    def _claimed(self) -> Attempt | None:
        """Claim the job, from an orphan of another node once that gives no sign of life; None where others have it."""
        job, watch = JobDir(Path(self.job)), Watch()
        while True:
            attempt = job.claim()
            state = job.state()
            if attempt is not None or state.name != "running":
                return attempt
            last = Attempt(job, state.attempt)
            if last.lapsed(watch):
                return job.claim(lapsed=last.number)
            time.sleep(LOOK_SECONDS)


def _lives(pid: int) -> bool:
    """Tell whether a child has not ended, without taking its end from who waits for it."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _main() -> int:
    node = Node(sys.argv[1], sys.argv[2:])
    signal.signal(signal.SIGTERM, lambda *_: node.save())
    return node()


if __name__ == "__main__":
    sys.exit(_main())
