"""The report on this machine: every check beside a sound part and a broken one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchbox.catalogue import CATALOGUE
from benchbox.cli import doctor, finding, machine_devices, machine_software, machine_storage
from benchbox.cli.finding import Finding, Where
from benchbox.errors import EnvironmentProblem, InvalidInput

Call = Callable[..., subprocess.CompletedProcess[str]]
Stub = Callable[[str, str], None]
SEES = {"version": "2.9.0", "cuda": "12.8", "gpus": [], "why_not": "", "bf16": {"cpu": True, "cuda": None}}


@pytest.fixture
def where(tmp_path: Path) -> Where:
    return Where(tmp_path / "results", tmp_path / "cache", None)


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Put a command of the system before all others; none of what a real machine has is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return make


def package(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Let the worker find a package of this name before the installed one."""
    (folder / "stubs" / name).mkdir(parents=True)
    (folder / "stubs" / name / "__init__.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{folder / 'stubs'}{os.pathsep}{root}")


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.check, one.level) for one in found]


def test_an_opencv_without_its_libraries_is_an_error_with_the_command_that_mends_it(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    problem = "libGL.so.1: cannot open shared object file: No such file or directory"
    package(tmp_path, "cv2", f"raise ImportError({problem!r})", monkeypatch, root)
    (found,) = machine_software.opencv(where)
    assert (found.level, problem in found.text) == ("error", True)
    assert "apt-get install -y libgl1 libglib2.0-0" in found.advice


def test_a_sound_opencv_is_told_by_its_version(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    package(tmp_path, "cv2", "__version__ = '9.8.7'", monkeypatch, root)
    assert machine_software.opencv(where) == [Finding("opencv", "ok", "OpenCV 9.8.7")]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            "raise ImportError('libcudart.so.12: cannot open')",
            "torch cannot be imported (libcudart.so.12: cannot open)",
        ),
        ("raise AttributeError('_ARRAY_API not found')", "AttributeError: _ARRAY_API not found"),
        ("import os; os.abort()", "the worker's torch failed (-6)"),
        ("import os; os.kill(os.getpid(), 9)", "killed from outside"),
    ],
)
def test_a_broken_torch_is_one_line(
    broken: str, said: str, where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    package(tmp_path, "torch", broken, monkeypatch, root)
    package(tmp_path, "cv2", "raise ImportError('told by another line')", monkeypatch, root)
    (found,) = machine_software.torch(where)
    assert (found.check, found.level, found.text.count("\n")) == ("torch", "error", 0)
    assert said in found.text
    assert found.advice


def test_a_torch_that_hangs_is_left(where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    package(tmp_path, "torch", "import time; time.sleep(60)", monkeypatch, root)
    monkeypatch.setattr(machine_software, "TORCH_SECONDS", 0.5)
    (found,) = machine_software.torch(where)
    assert found.level == "error"
    assert "did not answer" in found.text


@pytest.mark.parametrize(
    ("named", "sees", "level", "said"),
    [
        ([], {}, "ok", "jobs run on the CPU"),
        (["0"], {"gpus": ["H200"]}, "ok", "torch can use H200"),
        (["0"], {"cuda": None, "version": "2.9.0+cpu"}, "error", "built without CUDA"),
        (
            ["0"],
            {"why_not": "The NVIDIA driver on your system is too old"},
            "error",
            "driver on your system is too old",
        ),
        (["0", "7"], {"gpus": ["H200"]}, "error", "all GPUs that are named (0, 7): it sees 1"),
    ],
)
def test_cuda_is_held_against_the_gpus_that_jobs_will_be_given(
    named: list[str], sees: dict[str, Any], level: str, said: str, where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_software, "ask", lambda words, seconds: {**SEES, **sees})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(named))
    found = machine_software.torch(where)[1]
    assert (found.check, found.level) == ("cuda", level)
    assert said in found.text


@pytest.mark.parametrize(
    ("gpus", "bf16", "level"),
    [
        ([], {"cpu": True, "cuda": None}, "ok"),
        ([], {"cpu": False, "cuda": None}, "ok"),
        (["V100"], {"cpu": True, "cuda": False}, "warning"),
        (["H200"], {"cpu": False, "cuda": True}, "ok"),
    ],
)
def test_bf16_is_that_of_the_device_that_jobs_have(
    gpus: list[str], bf16: dict[str, Any], level: str, where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_software, "ask", lambda words, seconds: {**SEES, "gpus": gpus, "bf16": bf16})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(len(gpus)))))
    found = machine_software.torch(where)[2]
    assert (found.check, found.level) == ("bf16", level)
    assert ("does not" in found.text) == (not bf16["cuda" if gpus else "cpu"])


def test_an_old_python_is_an_error(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(machine_software.python(where)) == [("python", "ok")]
    monkeypatch.setattr(machine_software.sys, "version_info", (3, 9, 18))
    assert told(machine_software.python(where)) == [("python", "error")]


def test_gpus_are_listed_and_what_others_use_is_a_warning(where: Where, stub: Stub) -> None:
    assert told(machine_devices.gpus(where)) == [("gpu", "ok")]
    stub("nvidia-smi", "echo '0, NVIDIA H200, 143771, 0, 570.1'; echo '1, NVIDIA H200, 143771, 70000, 570.1'")
    free, used = machine_devices.gpus(where)
    assert (free.level, free.text) == ("ok", "0: NVIDIA H200, driver 570.1, 150.8 GB, 0 MB used")
    assert (used.level, "73.4 GB used by another process" in used.text) == ("warning", True)
    stub("nvidia-smi", "echo '0, NVIDIA H100 MIG 1g, [N/A], [N/A], 570.1'")
    assert told(machine_devices.gpus(where)) == [("gpu", "warning")]


def test_a_driver_that_fails_or_hangs_is_a_warning(where: Where, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    (found,) = machine_devices.gpus(where)
    assert found.level == "warning"
    assert "version mismatch" in found.text
    stub("nvidia-smi", "exec /bin/sleep 60")
    monkeypatch.setattr(finding, "COMMAND_SECONDS", 0.3)
    (found,) = machine_devices.gpus(where)
    assert (found.level, found.text) == ("warning", "nvidia-smi: no answer within 0.3 s")


def test_a_gpu_without_its_command_is_a_warning(
    where: Where, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(machine_devices, "DEVICE_FILE", tmp_path / "nvidia0")
    assert told(machine_devices.gpus(where)) == [("gpu", "warning")]


def slurm(where: Where, stub: Stub, sinfo: str, munge: str = "exit 0") -> list[Finding]:
    stub("sbatch", "exit 0")
    stub("sinfo", sinfo)
    stub("munge", munge)
    return machine_software.slurm(where)


def test_slurm_may_be_absent_and_is_told_when_it_answers(where: Where, stub: Stub) -> None:
    assert told(machine_software.slurm(where)) == [("slurm", "ok")]
    (found,) = slurm(where, stub, "echo 'debug* up'; echo 'long down'; echo 'gpu up'")
    assert (found.level, found.text) == ("ok", "partitions that are up: debug*, gpu")


def test_a_slurm_that_cannot_be_used_is_a_warning(where: Where, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    (down,) = slurm(where, stub, "echo 'long down'")
    assert (down.level, down.text) == ("warning", "sinfo: no partition is up")
    (refused,) = slurm(where, stub, "echo 'sinfo: error: Unable to contact slurm controller' >&2; exit 1")
    nobody = "installed, but no cluster answers: sinfo: "
    assert (refused.level, refused.text) == ("warning", nobody + "error: Unable to contact slurm controller")
    assert refused.advice == "run --on local"
    signs = slurm(where, stub, "echo 'gpu up'", "echo 'munge: Error: Did you start munged?' >&2; exit 6")
    assert told(signs) == [("munge", "warning"), ("slurm", "ok")]
    (alone,) = slurm(where, stub, "echo 'sinfo: fatal: no configuration' >&2; exit 1", "exit 6")
    assert (alone.level, alone.advice) == ("warning", "run --on local, or start munged, with the cluster's key")
    monkeypatch.setattr(finding, "COMMAND_SECONDS", 0.3)
    (silent,) = slurm(where, stub, "exec /bin/sleep 60")
    assert (silent.level, silent.text) == ("warning", nobody + "no answer within 0.3 s")
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.setattr(machine_software.importlib.util, "find_spec", lambda name: None)
    first = slurm(where, stub, "echo 'gpu up'")[0]
    assert (first.check, first.level, first.advice) == ("submitit", "warning", "pip install 'benchbox[slurm]'")


def test_a_containers_share_of_cores_and_the_load_of_others_are_told(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_devices, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 0.0, 0.0))
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert told(machine_devices.cores(where)) == [("cores", "ok")]
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    (limited,) = machine_devices.cores(where)
    assert (limited.level, limited.advice) == ("warning", "run -j 2")
    (tmp_path / "cpu.max").unlink()
    monkeypatch.setattr(os, "getloadavg", lambda: (12.0, 0.0, 0.0))
    assert told(machine_devices.cores(where)) == [("cores", "warning")]


def test_memory_for_as_many_jobs_as_cores_is_looked_for(
    where: Where, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_devices, "CGROUP", tmp_path)
    monkeypatch.setattr(machine_devices, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)))
    assert told(machine_devices.memory(where)) == [("memory", "ok")]  # a system that does not tell
    (tmp_path / "meminfo").write_text("MemTotal: 99000000 kB\nMemAvailable:    8000000 kB\n")
    assert told(machine_devices.memory(where)) == [("memory", "ok")]
    (tmp_path / "memory.max").write_text("4000000000\n")
    (tmp_path / "memory.current").write_text("1500000000\n")
    (short,) = machine_devices.memory(where)
    assert (short.level, short.advice) == ("warning", "run -j 2")


def disk(free: float, files: int = 10**6) -> Callable[[Any], Any]:
    """Return a statvfs that tells of so many free bytes and files."""
    told = SimpleNamespace(f_bavail=int(free) // 4096, f_frsize=4096, f_files=10**6, f_favail=files)
    return lambda path: told


def test_a_small_or_missing_shared_memory_is_a_warning(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_devices, "SHARED", tmp_path / "none")
    assert told(machine_devices.shared_memory(where)) == [("shared memory", "warning")]
    monkeypatch.setattr(os, "statvfs", disk(64 * 2**20))
    (small,) = machine_devices.shared_memory(where)
    assert (small.level, "--shm-size" in small.advice) == ("warning", True)
    monkeypatch.setattr(os, "statvfs", disk(8e9))
    assert told(machine_devices.shared_memory(where)) == [("shared memory", "ok")]


@pytest.mark.parametrize(
    ("free", "files", "level"), [(2e9, 5, "ok"), (5e8, 5, "warning"), (5e7, 5, "error"), (2e9, 0, "error")]
)
def test_room_for_results(free: float, files: int, level: str, where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", disk(free, files))
    assert told(machine_storage.results(where)) == [("results", level)]


def test_room_for_the_pack_where_coco_lies(where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", disk(2e9))
    assert told(machine_storage.cache(where)) == [("cache", "ok")]
    annotations = tmp_path / "data" / CATALOGUE["coco"].parts[0].path
    annotations.parent.mkdir(parents=True)
    annotations.touch()
    (short,) = machine_storage.cache(Where(where.results, where.cache, tmp_path / "data"))
    assert (short.level, "--no-pack" in short.advice) == ("warning", True)
    monkeypatch.setattr(os, "statvfs", disk(4e10))
    assert told(machine_storage.cache(Where(where.results, where.cache, tmp_path / "data"))) == [("cache", "ok")]


def test_a_folder_that_cannot_be_written_is_an_error_and_nothing_is_left(where: Where, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    barred = Where(tmp_path / "file" / "results", tmp_path / "file" / "cache", None)
    for check in (machine_storage.results, machine_storage.cache):
        (found,) = check(barred)
        assert found.level == "error"
        assert f"{tmp_path / 'file'}" in found.text
        assert "cannot be written: not a directory" in found.text
        assert check(where)[0].level == "ok"
    assert os.listdir(tmp_path) == ["file"]


def test_a_read_only_folder_is_an_error(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> int:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    (found,) = machine_storage.results(where)
    assert (found.level, "read-only file system" in found.text) == ("error", True)


def test_data_sets_are_found_whole_in_part_or_not(where: Where, tmp_path: Path) -> None:
    assert told(machine_storage.data(where)) == [("data", "ok")]
    gone = Where(where.results, where.cache, tmp_path / "none")
    assert told(machine_storage.data(gone)) == [("data", "error")]
    root = tmp_path / "data"
    (root / "lsp/images").mkdir(parents=True)
    (root / "lsp/images/im0001.jpg").touch()
    (root / "mpii/annot").mkdir(parents=True)
    (root / "mpii/annot/train.json").touch()
    found = {one.text.split(":")[0]: one for one in machine_storage.data(Where(where.results, where.cache, root))}
    assert (found["lsp"].level, "lsp/joints.mat" in found["lsp"].text) == ("warning", True)
    assert "mpii/annot/valid.json, mpii/annot/gt_valid.mat, mpii/images" in found["mpii"].text
    assert "train.json" not in found["mpii"].text
    assert (found["coco"].level, "none in" in found["coco"].text) == ("ok", True)
    (root / "lsp/joints.mat").touch()
    found = {one.text.split(":")[0]: one for one in machine_storage.data(Where(where.results, where.cache, root))}
    assert (found["lsp"].level, "found in" in found["lsp"].text) == ("ok", True)


def test_a_clock_behind_the_code_or_the_results_is_a_warning(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = machine_storage._code_time
    monkeypatch.setattr(machine_storage, "_code_time", lambda: 0.0)
    assert told(machine_storage.clock(where)) == [("clock", "ok")]
    job = where.results / "jobs" / "0123456789ab"
    job.mkdir(parents=True)
    now = time.time()
    os.utime(job, (now, now + 3600))
    (ahead,) = machine_storage.clock(where)
    assert (ahead.level, "what lies in" in ahead.text) == ("warning", True)
    os.utime(job, (now, now - 3600))
    assert told(machine_storage.clock(where)) == [("clock", "ok")]
    monkeypatch.setattr(machine_storage, "_code_time", committed)
    monkeypatch.setattr(machine_storage.time, "time", lambda: 1e9)
    assert "but the code is of" in machine_storage.clock(where)[0].text


@pytest.mark.parametrize(("offset", "said"), [(-60.0, "60 s behind"), (60.0, "60 s ahead of")])
def test_a_disk_with_a_clock_of_its_own_is_a_warning(
    offset: float, said: str, where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_storage, "_write", lambda folder: time.time() + offset)
    (found,) = machine_storage.clock(where)
    assert (found.level, said in found.text) == ("warning", True)


def test_a_check_that_hangs_or_fails_does_not_hide_the_others(where: Where) -> None:
    wait = threading.Event()

    def hangs(where: Where) -> list[Finding]:
        wait.wait(60)
        return []

    def fails(where: Where) -> list[Finding]:
        raise ZeroDivisionError("by nothing")

    checks: dict[str, doctor.Check] = {"a": hangs, "b": fails, "c": lambda where: [Finding("c", "ok", "sound")]}
    found = doctor.findings(checks, where, 0.3)
    wait.set()
    assert told(found) == [("a", "warning"), ("b", "warning"), ("c", "ok")]
    assert found[0].text == "no answer within 0.3 s"
    assert "ZeroDivisionError: by nothing" in found[1].text


@pytest.mark.parametrize(("levels", "code"), [(["ok"], 0), (["ok", "warning"], 0), (["error", "warning", "ok"], 4)])
def test_only_an_error_is_4_and_the_json_tells_the_worst(
    levels: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [Finding("disk", level, "5 % <b>|$") for level in levels]  # type: ignore[arg-type]
    monkeypatch.setattr(doctor, "CHECKS", {"disk": lambda where: made})
    assert doctor.examine(tmp_path, "json") == code
    record = json.loads(capsys.readouterr().out)
    assert (record["schema"], record["kind"]) == (1, "doctor")
    assert record["worst"] == max(levels, key=("ok", "warning", "error").index)
    assert record["counts"] == {level: levels.count(level) for level in ("ok", "warning", "error")}
    assert [set(row) for row in record["rows"]] == [{"check", "level", "text", "advice"}] * len(levels)
    for format, escaped in (("md", r"5 % &lt;b&gt;\|"), ("latex", r"5 \% "), ("html", "&lt;b&gt;"), ("csv", "5 % <b>")):
        assert doctor.examine(tmp_path, format) == code
        assert escaped in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="--format jsn"):
        doctor.examine(tmp_path, "jsn")


def test_the_worker_that_does_not_answer_is_an_environment_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    package(tmp_path, "cv2", "import time; time.sleep(60)", monkeypatch, root)
    with pytest.raises(EnvironmentProblem, match="did not answer within"):
        machine_software.ask(["opencv"], seconds=0.5)


@pytest.mark.engines
def test_every_check_of_this_machine_answers(benchbox: Call, tmp_path: Path) -> None:
    done = benchbox("doctor", "--json", "--results", str(tmp_path / "results"))
    assert done.returncode == 0, done.stdout
    rows = json.loads(done.stdout)["rows"]
    assert {row["check"] for row in rows} >= {*doctor.CHECKS, "cuda", "bf16"}
    assert not [row for row in rows if "could not be examined" in row["text"]]
    assert not (tmp_path / "results").exists()
