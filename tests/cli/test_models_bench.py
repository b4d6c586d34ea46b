"""Measuring a network: what is printed, what is kept, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchbox import records
from tests import readme

Call = Callable[..., subprocess.CompletedProcess[str]]

SMALL = ["models", "bench", "hrnet-w32", "--device", "cpu", "--input", "64x64", "--batch", "2", "--repeats", "1"]


@pytest.mark.studies
def test_a_measurement_is_printed_and_kept(benchbox: Call, tmp_path: Path) -> None:
    done = benchbox(*SMALL, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "hrnet-w32: measuring (1 of 1)\n"
    record = json.loads(done.stdout)
    assert (record["schema"], record["kind"]) == (1, "models-bench")
    assert readme.undocumented(record | {"rows": [{"file": ""}]}) == set()
    assert record["setting"] == {"device": "cpu", "batch": 2, "precision": "fp32", "repeats": 1, "threads": 1}
    (row,) = record["rows"]
    (file,) = (tmp_path / "results/bench").iterdir()
    assert file.name.endswith("Z-1.parquet")
    (kept,) = records.read(file, "bench").to_pylist()
    assert kept == {key: row.get(key, records.VERSION) for key in kept}
    assert {name for name, value in kept.items() if value is None} == set()
    assert (kept["network"], kept["height"], kept["width"], kept["joints"]) == ("hrnet-w32", 64, 64, 17)
    assert kept["parameters"] == 28_536_113
    assert kept["macs"] * 12 == 7_645_003_776  # a twelfth of 256x192
    assert (kept["torch"], kept["threads"], kept["precision"]) == (torch.__version__, 1, "fp32")
    assert json.loads(kept["provenance"])["device"] == "cpu"
    for name in ("images_per_second", "training_images_per_second"):
        assert 0 < kept[f"{name}_min"] <= kept[name] <= kept[f"{name}_max"]
    for name in ("latency", "single_latency"):
        assert 0 < kept[f"{name}_p50"] <= kept[f"{name}_p90"] <= kept[f"{name}_p99"]
    # a batch of two takes no less than a third of the time that its rate says, and no more than three times as much
    assert 1 / 3 < kept["images_per_second"] * kept["latency_p50"] / 2 < 3
    assert kept["training_images_per_second"] < kept["images_per_second"]
    assert 28_536_113 * 4 < kept["forward_peak_bytes"] <= kept["training_peak_bytes"]
    share = 2 * kept["macs"] * kept["images_per_second"] / record["rates"]["fp32"]
    assert kept["matrix_share"] == pytest.approx(share)
    assert 0.01 < share < 3


@pytest.mark.studies
def test_ctrl_c_leaves_nothing_half_written(cache: Path, tmp_path: Path) -> None:
    given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}
    command = [sys.executable, "-m", "benchbox", *SMALL, "--repeats", "300", "--results", str(tmp_path / "results")]
    how: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    # as at a terminal: what a script starts in the background would not hear Ctrl-C
    how["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    work = subprocess.Popen(command, cwd=tmp_path, env=given, **how)
    assert work.stderr is not None
    assert "measuring (1 of 1)" in work.stderr.readline()
    time.sleep(3)
    os.killpg(work.pid, signal.SIGINT)
    said = work.stderr.read()
    assert work.wait(timeout=60) == 130
    assert said == "stopped; measured and kept: 0 of 1\n"
    assert list((tmp_path / "results/bench").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["hrnet-w23"], 2, 'hrnet-w23: unknown network; did you mean "hrnet-w32"?'),
        (["hrnet-w32", "--device", "gpu"], 2, "--device gpu: unknown"),
        (["hrnet-w32", "--precision", "bf61"], 2, '--precision bf61: unknown; did you mean "bf16"?'),
        (["hrnet-w32", "--input", "256"], 2, "--input 256: height x width in pixels, e.g. 256x192"),
        (["hrnet-w32", "--input", "100x64"], 2, "hrnet-w32 at 100x64: hrnet needs sides divisible by 32; got 100x64"),
        (["hourglass-2", "--input", "96x64"], 2, "hourglass-2 at 96x64: hourglass needs sides divisible by 64"),
        (["hrnet-w32", "--format", "yaml"], 2, "--format yaml: unknown"),
        (["hrnet-w32", "--results", "taken/results"], 4, "cannot be written"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], code: int, said: str, benchbox: Call, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = benchbox("models", "bench", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("benchbox: error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_device_that_is_not_there_is_4(benchbox: Call, tmp_path: Path) -> None:
    done = benchbox(*SMALL, "--device", "cuda")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "benchbox: error: --device cuda: no CUDA device found\n"
    assert list((tmp_path / "results/bench").iterdir()) == []
