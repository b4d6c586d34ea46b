"""Start one attempt in several processes under torchrun, and say how it ended as one process would."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from benchbox.engine.distributed import MEETING
from benchbox.errors import FAILED, OK, TERMINATED
from benchbox.files import read_json
from benchbox.jobdir import Attempt
from benchbox.worker.together import LAUNCHER, LOST

ON_ONE_MACHINE = {
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",
    "NCCL_SOCKET_IFNAME": "lo",
}
"""What keeps torch from listening on other interfaces than the machine's own."""


class Group(NamedTuple):
    """So many processes here; of several nodes also how many, which one this is, and where they meet (host:port)."""

    processes: int
    nodes: int = 1
    node: int = 0
    meet: str = ""

    def words(self, meeting: str) -> list[str]:
        """Return what torchrun is told.

        Args: meeting: a file that is not there, where the processes of one machine meet. torch's own stores listen on
        every interface, which nothing that happens on one machine needs.
        """
        each = f"--nproc-per-node={self.processes}"
        if self.nodes == 1:
            met = ["--rdzv-backend=c10d", "--rdzv-conf=store_type=file", f"--rdzv-endpoint={meeting}"]
            return [*met, "--local-addr=127.0.0.1", each]
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
    with tempfile.TemporaryDirectory(prefix="benchbox-") as folder:
        while True:
            parts = attempt.asked_parts()
            how = [*group.words(f"{folder}/launchers-{parts}"), f"--log-dir={folder}"]
            if group.nodes == 1:
                os.environ.update(ON_ONE_MACHINE, **{MEETING: f"{folder}/processes-{parts}"})
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
