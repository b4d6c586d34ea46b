"""A real Slurm on this machine, of two nodes with four pretended GPUs each, on the loopback alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

NEEDED = ("slurmctld", "slurmd", "munged", "sbatch")
CONFIGURATION = """\
ClusterName=bb
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.sock,cred_expire=5
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=100000
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MpiDefault=none
GresTypes=gpu
ReturnToService=2
SlurmctldPort={controller}
SlurmctldPidFile={root}/slurmctld.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdPidFile={root}/slurmd-%n.pid
SlurmdLogFile={root}/log/slurmd-%n.log
SlurmdSpoolDir={root}/spool/%n
StateSaveLocation={root}/state
SwitchType=switch/none
SlurmctldTimeout=60
SlurmdTimeout=20
InactiveLimit=0
MinJobAge=300
KillWait=5
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 \
ThreadsPerCore=1 RealMemory=8000 Gres=gpu:4 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 \
ThreadsPerCore=1 RealMemory=8000 Gres=gpu:4 State=UNKNOWN
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=60 State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
PartitionName=high Nodes=n[1-2] MaxTime=60 State=UP PriorityTier=10
"""


def missing() -> str:
    """Say what is not here to start a cluster with, "" when all is."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "a Slurm of one's own needs root"
    return f"{', '.join(absent)}: not installed (packages slurm-wlm and munge)" if absent else ""


@contextlib.contextmanager
def cluster(root: Path) -> Iterator[dict[str, str]]:
    """Start a cluster; yields the environment that its commands need."""
    environment = {**os.environ, "SLURM_CONF": str(root / "etc/slurm.conf")}
    with contextlib.ExitStack() as stack:
        _configure(root)
        munge = ["munged", "--foreground", "--force", f"--key-file={root}/munge.key", f"--socket={root}/munge.sock"]
        munge += [f"--pid-file={root}/munged.pid", f"--log-file={root}/log/munged.log"]
        _started(stack, [*munge, f"--seed-file={root}/munged.seed"], environment)
        _started(stack, ["slurmctld", "-D", "-c"], environment)
        for node in ("n1", "n2"):
            _started(stack, ["slurmd", "-D", "-N", node], environment)
        deadline = time.monotonic() + 60
        while _said(["sinfo", "-h", "-t", "idle", "-o", "%D"], environment) != "2":
            assert time.monotonic() < deadline, (root / "log/slurmctld.log").read_text()[-3000:]
            time.sleep(0.1)
        yield environment
        _said(["scancel", "--user=root", "--signal=KILL"], environment)
        _said(["scancel", "--user=root"], environment)


def _configure(root: Path) -> None:
    for name in ("etc", "state", "spool", "log", "dev"):
        (root / name).mkdir(parents=True)
    ports = dict(zip(("controller", "first", "second"), _free_ports(3), strict=True))
    text = CONFIGURATION.format(host=socket.gethostname().split(".")[0], root=root, **ports)
    (root / "etc/slurm.conf").write_text(text)
    (root / "etc/cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (root / "etc/gres.conf").write_text(f"Name=gpu File={root}/dev/gpu[0-3]\n")
    for number in range(4):
        os.mknod(root / f"dev/gpu{number}", 0o20666, os.makedev(1, 3))
    (root / "munge.key").write_bytes(os.urandom(128))
    (root / "munge.key").chmod(0o400)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _started(stack: contextlib.ExitStack, words: list[str], environment: dict[str, str]) -> None:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(words, env=environment, **quiet)  # type: ignore[call-overload]

    def end() -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)
    if words[0] == "munged":
        deadline = time.monotonic() + 20
        sock = next(Path(word.partition("=")[2]) for word in words if word.startswith("--socket="))
        while not sock.exists():
            assert time.monotonic() < deadline, "munged did not start"
            time.sleep(0.05)


def _said(words: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30).stdout.strip()
