"""Two machines share a results folder over a network: each sees it late, and neither sees the other's processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchbox.jobdir import JobDir
from tests.end_to_end import quick

SERVER = Path("/usr/lib/openssh/sftp-server")
MISSING = not (shutil.which("sshfs") and SERVER.exists() and Path("/dev/fuse").exists())
LATE = "dcache_timeout=5,dcache_stat_timeout=5,dcache_dir_timeout=5,entry_timeout=3,attr_timeout=3"
"""What a mount remembers without asking, in seconds; NFS's defaults are of the same size."""
OTHER_MACHINE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(MISSING or os.geteuid() != 0, reason="needs root, sshfs and openssh-sftp-server"),
]


@contextmanager
def mounted(folder: Path, mount: Path) -> Iterator[Path]:
    """Mount a folder as another machine would, through a server process of its own."""
    mount.mkdir()
    ours, theirs = socket.socketpair()
    with ExitStack() as stack:
        for end in (ours, theirs):
            stack.callback(end.close)
        server = stack.enter_context(subprocess.Popen([SERVER], stdin=ours, stdout=ours))
        words = ["sshfs", "-f", "-o", f"passive,{LATE}", f":{folder}", str(mount)]
        stack.enter_context(subprocess.Popen(words, stdin=theirs, stdout=theirs))
        quick.wait_until(lambda: os.path.ismount(mount))
        try:
            yield mount
        finally:
            subprocess.run(["umount", "--lazy", str(mount)], check=True)
            server.kill()


def start(study: Path, results: Path, cache: Path) -> subprocess.Popen[str]:
    """Start `benchbox run` where no process of any other machine is to be seen."""
    given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}
    command = [*OTHER_MACHINE, sys.executable, "-m", "benchbox", "run", str(study), "--results", str(results)]
    return subprocess.Popen([*command, "-j", "1"], env=given, stderr=subprocess.PIPE, text=True)


def test_one_machine_takes_over_what_another_one_left(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    study, shared = quick.write(tmp_path), tmp_path / "shared"
    shared.mkdir()
    with mounted(shared, tmp_path / "first") as first, mounted(shared, tmp_path / "second") as second:
        dying = start(study, first / "results", cache)
        quick.wait_until(lambda: quick.reached(shared / "results", 1))
        going_on = start(study, second / "results", cache)
        quick.wait_until(lambda: len(list((shared / "results").glob("jobs/*/attempts/1/claim.json"))) == 2)
        os.kill(dying.pid, signal.SIGKILL)
        dying.communicate()
        code, said = quick.finish(going_on)
    assert code == 0, said
    assert "another process runs it" in said
    folders = [JobDir(path) for path in (shared / "results/jobs").iterdir()]
    assert sorted(len(folder.numbers()) for folder in folders) == [1, 2]
    spaces = {json.loads(file.read_text())["space"] for file in shared.glob("results/jobs/*/attempts/*/claim.json")}
    assert len(spaces) == 2
    assert quick.rows(shared / "results") == quick.rows(undisturbed)
