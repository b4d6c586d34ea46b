"""A tiny job with its table and page: no variable's value in what they write or say, and no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from tests.end_to_end import quick

pytestmark = pytest.mark.faults
HOOK = """\
import os, sys
def _watch(event, given):
    if event in ("socket.bind", "socket.connect", "socket.sendto", "socket.getaddrinfo"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {given[1:]!r} {sys.argv}\\n")
sys.addaudithook(_watch)
with open(os.environ["WATCHED"], "a") as file:
    file.write(f"watched {sys.argv[:1]} {sys.orig_argv[1:4]}\\n")
"""
"""Python calls it for every socket; those of jobs in several processes are watched in tests/engines/test_processes."""
TOKEN = "s3cr3t-t0k3n"
SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "HF_TOKEN",
    "WANDB_API_KEY",
    "PASSWORD",
    "DATABASE_URL",
    "BENCHBOX_X",
)


class Done(NamedTuple):
    """What a job, its table and its page left: the folder, what was said, what the hook saw."""

    folder: Path
    said: str
    watched: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cache: Path, root: Path) -> Done:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "hook").mkdir()
    (folder / "hook/sitecustomize.py").write_text(HOOK)
    study = quick.write(folder)
    study.write_text(study.read_text().replace("epochs = 3", "epochs = 1"))
    given = {**os.environ, **dict.fromkeys(SECRETS, TOKEN)}
    given |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "remote.origin.url"}
    given |= {"GIT_CONFIG_VALUE_0": f"https://user:{TOKEN}@example.org/repository"}
    given |= {"PYTHONPATH": f"{folder / 'hook'}:{root}", "WATCHED": str(folder / "hook/watched.txt")}
    given |= {"BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}
    said = ""
    calls = (
        ("run", "quick.toml", "--only", "baseline"),
        ("table", "quick.toml", "--json"),
        ("report", "quick.toml", "--full"),
        ("results", "tensorboard", "quick.toml"),
        ("models", "export", "quick.toml:baseline", "--out", "one.onnx"),
        ("gate", "quick.toml"),
        ("doctor", "--json"),
    )
    for words in calls:
        command = [sys.executable, "-m", "benchbox", *words]
        call = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True)
        assert call.returncode == (3 if "gate" in words else 0), call.stderr
        said += call.stdout + call.stderr
    return Done(folder, said, (folder / "hook/watched.txt").read_text())


def test_no_variable_reaches_results_logs_or_the_page(done: Done) -> None:
    assert TOKEN not in done.said
    files = [file for file in done.folder.rglob("*") if file.is_file()]
    names = {"log.txt", "runs.parquet", "report.html", "job.json", "one.onnx", "gate.json", "junit.xml"}
    assert names <= {file.name for file in files}
    assert any(file.name.startswith("events.out.tfevents") for file in files)
    for file in files:
        assert TOKEN.encode() not in file.read_bytes(), file
        if file.suffix == ".parquet":  # packed, so that its bytes tell nothing
            assert TOKEN not in str(pq.read_table(file).to_pylist()), file


def test_nothing_binds_connects_or_asks_for_an_address(done: Done) -> None:
    assert "benchbox.worker" in done.watched, "the worker was not watched"
    assert not [line for line in done.watched.splitlines() if line.startswith("socket.")]


def test_the_watch_sees_a_socket(done: Done) -> None:
    code = "import socket; socket.socket().bind(('127.0.0.1', 0))"
    log = done.folder / "hook/seen.txt"
    given = {**os.environ, "PYTHONPATH": str(done.folder / "hook"), "WATCHED": str(log)}
    subprocess.run([sys.executable, "-c", code], env=given, check=True)
    assert "socket.bind" in log.read_text()
