"""Start one attempt in several processes under torchrun, and say how it ended as one process would."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from benchbox.errors import FAILED, OK, TERMINATED
from benchbox.files import read_json
from benchbox.jobdir import Attempt
from benchbox.worker.together import LAUNCHER, LOST


class Group(NamedTuple):
    """So many processes here; of several nodes also how many, which one this is, and where they meet (host:port)."""

    processes: int
    nodes: int = 1
    node: int = 0
    meet: str = ""

    def words(self) -> list[str]:
        """Return what torchrun is told."""
        each = f"--nproc-per-node={self.processes}"
        if self.nodes == 1:
            return ["--standalone", "--local-addr=127.0.0.1", each]
        address, _, port = self.meet.rpartition(":")
        return [
            f"--nnodes={self.nodes}",
            f"--node-rank={self.node}",
            each,
            f"--master-addr={address}",
            f"--master-port={port}",
        ]


def launch(attempt: Attempt, group: Group, words: Sequence[str]) -> int:
    """Run an attempt by several processes of the worker and return its exit code.

    torchrun's command line is called from here, not started: it answers every failure with 1, but its exception knows
    how each process ended. The first process that fails for a reason of its own has written end.json.

    Args: words: what follows `run` on the worker's command line, for each of them.
    """
    os.environ[LAUNCHER] = str(os.getpid())
    with tempfile.TemporaryDirectory(prefix="benchbox-") as logs:
        how = [*group.words(), f"--log-dir={logs}"]
        while True:
            parts = attempt.asked_parts()
            try:
                run(parse_args([*how, "-m", "benchbox.worker", "run", *words]))  # type: ignore[no-untyped-call]
                return OK
            except SignalException:
                return TERMINATED
            except ChildFailedError as problem:  # AGAIN among others, which need not all be seen
                codes = [failure.exitcode for failure in problem.failures.values()]
            if attempt.asked_parts() == parts:
                return _ended(attempt, codes)
            print(f"out of memory: goes on with mini-batches in {attempt.asked_parts()} parts", flush=True)


def _ended(attempt: Attempt, codes: Sequence[int]) -> int:
    end = read_json(attempt.end_file)
    if end is not None:
        return int(end["exit_code"])
    killed = [code for code in codes if code < 0]
    if killed or LOST in codes:
        # torchrun itself ends the others by SIGTERM.
        code = next((one for one in killed if one != -signal.SIGTERM), -signal.SIGTERM)
        error = f"a process of the job was killed by {signal.Signals(-code).name}"
        attempt.end("failed", failure="infrastructure", error=error, exit_code=code)
    return FAILED
