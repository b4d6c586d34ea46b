"""Output that nobody reads, that has no room, or whose encoding lacks a sign."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = (sys.executable, "-m", "benchbox")
TAIL = 'sys.argv[0] = "benchbox"; runpy.run_module("benchbox", run_name="__main__")'
TABLE = ("table", "--paper", "efficient-hrnet", "--table", "I")


@pytest.mark.parametrize("verb", [("init", "--schema"), TABLE, (*TABLE, "--format", "csv")])
def test_who_reads_no_further_is_no_failure(verb: tuple[str, ...], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, *verb], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    assert (process.wait(), "Traceback" in said, "Errno" in said) == (0, False, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("format", ["rich", "json"])
def test_output_without_room_is_one_line(format: str, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *TABLE, "--format", format], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == "benchbox: error: the output: no space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_log_without_room_stops_nothing(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *TABLE], stdout=subprocess.PIPE, stderr=full, text=True, cwd=tmp_path)
        assert (done.returncode, "28.5" in done.stdout) == (0, True)
        done = subprocess.run([*COMMAND, *TABLE], stdout=full, stderr=full, cwd=tmp_path)
        assert done.returncode == 4
        done = subprocess.run([*COMMAND, "tabel"], stderr=full, cwd=tmp_path)
        assert done.returncode == 2


def test_a_closed_output_is_led_nowhere(tmp_path: Path) -> None:
    line = shlex.join([*COMMAND, *TABLE])
    done = subprocess.run(["bash", "-c", f"{line} >&-"], stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    done = subprocess.run(["bash", "-c", f"{line} >&- 2>&- <&-"], cwd=tmp_path)
    assert done.returncode == 0


def test_a_limit_of_files_sizes_is_one_line(tmp_path: Path) -> None:
    """As a quota: it is met when the text is written, not when the file is opened."""
    line = f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); {TAIL}"
    with open(tmp_path / "out", "w") as file:
        words = [sys.executable, "-c", line, *TABLE]
        done = subprocess.run(words, stdout=file, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == "benchbox: error: the output: file too large"


def test_signs_that_an_encoding_lacks_are_spelled(benchbox: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = benchbox(*TABLE)
    assert done.returncode == 0, done.stderr
    assert "= reproduced, != off." in done.stdout
    assert done.stdout.isascii()
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    assert "= reproduced, ≠ off." in benchbox(*TABLE).stdout
