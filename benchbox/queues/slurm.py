"""Send jobs to a Slurm cluster through submitit: submit, poll, cancel; the command line may go away meanwhile.

Each job of an array runs `OnNode` on its node, which claims the job there and starts the same worker as every executor.
submitit keeps its own files, pickles of `OnNode` among them, in the results folder; only the user's own jobs read them.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbox.errors import EnvironmentProblem, InvalidInput, nearest
from benchbox.jobdir import JobDir
from benchbox.queues.node import Node, Place, Told

if TYPE_CHECKING:
    import submitit

SAVE_SECONDS = 90
"""How long before its end a job is told to save its state; submitit's own default."""
DEFAULTS: dict[str, Any] = {"job_name": "benchbox", "time": 24 * 60, "signal_delay_s": SAVE_SECONDS}
PORTS = (15_000, 15_000)
"""Where the nodes of a job meet: the first port, and how many there are to choose from by the job's id."""
TIMEOUTS = 10**6
"""Jobs go on after as many time limits and preemptions as it takes."""
ENDED = {
    "OUT_OF_MEMORY": "oom",
    "TIMEOUT": "time",
    "DEADLINE": "time",
    "NODE_FAIL": "infrastructure",
    "BOOT_FAIL": "infrastructure",
    "FAILED": "infrastructure",
    "REVOKED": "infrastructure",
}
"""How Slurm says that a job ended badly, and the class of the failure; what the worker recorded itself goes before."""
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "SUSPENDED")
KINDS = {word: "waiting" for word in WAITING} | {"RUNNING": "running", "CANCELLED": "cancelled", "LOST": "lost"}


class OnNode(Node):
    """What a node does for one job; submitit calls it on each node of the job."""

    def place(self) -> Place:
        """Say which node of the allocation this is; the first one's address is that of who started them all."""
        said = os.environ
        one, address = said["SLURM_JOB_ID"], said.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1")
        meet = f"{address}:{PORTS[0] + int(one) % PORTS[1]}"
        name = f"{one}-{said.get('SLURM_RESTART_COUNT', '0')}"
        return Place(int(said.get("SLURM_NODEID", "0")), int(said.get("SLURM_JOB_NUM_NODES", "1")), meet, name)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Let the worker save its state before the job is put back into the queue; submitit calls this."""
        import submitit

        self.save()
        return submitit.helpers.DelayedSubmission(OnNode(self.job, self.words))


def submit(jobs: Sequence[JobDir], words: Sequence[str], folder: Path, options: Mapping[str, str]) -> list[str]:
    """Submit jobs as one array and return their Slurm ids.

    Args:
        words: the worker's command line but for job and attempt.
        folder: where submitit keeps its files; every node must see it.
        options: of sbatch, by their long names (partition, time in minutes, gpus_per_node, ...).

    Raises: EnvironmentProblem without submitit or Slurm, or where Slurm refuses. InvalidInput for unknown options.
    """
    try:
        import submitit
        from submitit.slurm.slurm import _get_default_parameters
    except ImportError:
        raise EnvironmentProblem("--on slurm needs submitit: pip install 'benchbox[slurm]'") from None
    if submitit.SlurmExecutor.affinity() < 0:
        raise EnvironmentProblem("--on slurm: srun is not on the PATH; run it where jobs can be submitted")
    executor = submitit.SlurmExecutor(folder=folder / "%j", max_num_timeout=TIMEOUTS)
    known = sorted(executor._equivalence_dict().keys() | _get_default_parameters().keys())
    for name in options:
        if name not in known:
            raise InvalidInput(f"--slurm {name}=...: unknown option{nearest(name, known)}")
    executor.update_parameters(**DEFAULTS | {name: _typed(value) for name, value in options.items()})
    try:
        with executor.batch():
            sent = [executor.submit(OnNode(str(job.path.resolve()), list(words))) for job in jobs]
        return [str(job.job_id) for job in sent]
    except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError) as problem:
        raise EnvironmentProblem(f"--on slurm: {_last_line(problem)}") from None


def poll(ids: Iterable[str]) -> dict[str, Told]:
    """Return what Slurm says of jobs.

    sacct knows all; where there is no accounting, squeue knows what waits, runs or has just ended, and scontrol a
    little longer.

    Raises: EnvironmentProblem where no Slurm command answers.
    """
    wanted = set(ids)
    if not wanted:
        return {}
    whole = ",".join(sorted({one.partition("_")[0] for one in wanted}))
    found = _asked("sacct", "-nPX", "-j", whole, "-o", "JobID,State")
    left = wanted - found.keys()
    if left:
        found |= _asked("squeue", "-hr", "-t", "all", "-j", whole, "-o", "%i|%T")
        left = wanted - found.keys()
    for one in sorted(left):
        found |= _controlled(one)
    return {one: _told(found.get(one, "LOST")) for one in wanted}


def _told(word: str) -> Told:
    return Told(KINDS.get(word, "ended"), ENDED.get(word, ""), f"Slurm says {word}")


def cancel(ids: Sequence[str]) -> None:
    """Cancel jobs that wait or run; what runs is told to save its state first.

    Raises: EnvironmentProblem where scancel does not answer.
    """
    if ids:
        _said(["scancel", *ids])


def _asked(*words: str) -> dict[str, str]:
    """Return states by id from lines "id|state"; nothing where the command fails, as sacct without accounting."""
    answer = _said(list(words), missing_ok=words[0] == "sacct")
    rows = (line.strip().split("|") for line in answer.splitlines())
    return {row[0]: row[1].split()[0].rstrip("+") for row in rows if len(row) == 2 and row[1]}


def _controlled(one: str) -> dict[str, str]:
    state = re.search(r"\bJobState=(\w+)", _said(["scontrol", "show", "job", "-o", one]))
    return {one: state[1]} if state else {}


def _said(words: list[str], *, missing_ok: bool = False) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    except FileNotFoundError:
        if missing_ok:
            return ""
        raise EnvironmentProblem(f"{words[0]}: no such command; ask where the Slurm cluster can be reached") from None
    except subprocess.TimeoutExpired:
        raise EnvironmentProblem(f"{words[0]}: Slurm does not answer; sinfo tells more") from None


def _typed(value: str) -> str | int:
    return int(value) if value.isdigit() else value


def _last_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or ["sbatch failed"])[-1]
