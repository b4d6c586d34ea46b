"""Parts of the study verbs that the command line alone does not reach."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchbox.cli import early, folders, run, study
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.jobdir import State
from benchbox.queues.pool import Need
from benchbox.spec import read_study

Call = Callable[..., subprocess.CompletedProcess[str]]


def selection(root: Path, scale: str) -> study.Selection:
    return study.select(root / "ablations/hrnet_stages.toml", study.Choice(scale, None, None, Path("results")))


@pytest.mark.parametrize(
    ("scale", "asked_for", "hours", "terminal", "answer", "stops"),
    [
        ("paper", None, 25, True, False, True),
        ("paper", None, 25, True, True, False),
        ("paper", None, 23, True, False, False),
        ("paper", "paper", 25, True, False, False),
        ("paper", None, 25, False, False, False),
        ("tiny", None, 25, True, False, False),
    ],
)
def test_a_long_run_nobody_asked_for_is_asked_about(
    scale: str, asked_for: str | None, hours: float, terminal: bool, answer: bool, stops: bool,
    root: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal)
    monkeypatch.setattr(run, "ask", lambda question: answer)
    choice = study.Choice(asked_for, None, None, Path("results"))
    assert run._too_long(selection(root, scale), choice, hours * 3600) == stops


@pytest.mark.parametrize(
    ("todo", "said"),
    [
        (["pending"], "1 done, 1 stale, 1 failed, 1 to do, 2 at a time, about 10 s"),
        (["pending", "stale"], "1 done, 1 failed, 2 to do (1 stale, made anew), 2 at a time, about 10 s"),
        ([], "1 done, 1 stale, 1 failed, nothing to do but --stale, which runs them again"),
    ],
)
def test_the_headline_counts_what_is_done_now(todo: list[str], said: str, root: Path) -> None:
    states = {name: State(name) for name in ("done", "stale", "failed", "pending")}
    told = study.headline(selection(root, "tiny"), states, dict.fromkeys(states, 10.0), todo, at_once=2)
    assert told.partition("4 jobs, ")[2] == said


@pytest.mark.parametrize(
    ("state", "retry", "stale", "runs"),
    [
        (State("pending"), [], False, True),
        (State("interrupted"), [], False, True),
        (State("done"), ["nan"], True, False),
        (State("stale"), [], False, False),
        (State("stale"), [], True, True),
        (State("failed", failure="infrastructure", source="same"), [], False, True),
        (State("failed", failure="oom", source="same"), [], False, True),
        (State("failed", failure="nan", source="same"), [], False, False),
        (State("failed", failure="nan", source="same"), ["nan"], False, True),
        (State("failed", failure="code", source="same"), ["nan"], False, False),
        (State("failed", failure="code", source="other"), [], False, True),
        (State("cancelled"), ["nan"], False, False),
        (State("cancelled"), ["cancelled"], False, True),
    ],
)
def test_what_is_run_again(
    state: State, retry: list[str], stale: bool, runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "source_digest", lambda: "same")
    assert study.waits(state, retry, stale) == runs


def test_the_scale_is_paper_only_with_a_gpu_and_all_of_coco(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    committed = read_study(Path(__file__).parents[2] / "ablations/hrnet_stages.toml")
    monkeypatch.setattr(folders, "gpus", list)
    assert folders.choose_scale(None, committed, tmp_path) == ("tiny", "no CUDA device found")
    alone = replace(committed, scales={})
    assert folders.choose_scale(None, alone, tmp_path) == (
        "paper",
        "no CUDA device found; the study has no scale tiny",
    )
    monkeypatch.setattr(folders, "gpus", lambda: ["0"])
    assert folders.choose_scale(None, committed, None) == ("tiny", "BENCHBOX_DATA is not set, so no COCO")
    assert folders.choose_scale(None, committed, tmp_path)[1] == f"not all of COCO is in {tmp_path}"
    monkeypatch.setattr(folders, "is_full", lambda name, data: True)
    assert folders.choose_scale(None, committed, tmp_path)[0] == "paper"
    assert folders.choose_scale("mini", committed, None) == ("mini", "asked for")


def test_a_data_set_is_counted_once_while_its_files_stay_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[object] = []
    monkeypatch.setenv("BENCHBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folders, "ask", lambda words: asked.append(words) or True)
    file = tmp_path / "mpii/annot/train.json"
    file.parent.mkdir(parents=True)
    file.write_text("[]")
    assert folders.is_full("mpii", tmp_path)
    assert folders.is_full("mpii", tmp_path)
    assert len(asked) == 1
    file.write_text("[ ]")
    assert folders.is_full("mpii", tmp_path)
    assert len(asked) == 2


@pytest.mark.parametrize(("visible", "found"), [("", []), ("-1", []), ("0,2", ["0", "2"]), ("GPU-ab", ["GPU-ab"])])
def test_devices_are_those_cuda_may_see(visible: str, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert folders.gpus() == found


def test_every_process_has_a_gpu_or_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "gpus", lambda: list("01234"))
    pool = folders.pool(None, 2)
    taken = [pool.take(Need(2)), pool.take(Need(2))]
    assert [slot and slot.environment["CUDA_VISIBLE_DEVICES"] for slot in taken] == ["0,1", "2,3"]
    assert [slot and slot.name for slot in taken] == ["gpu0,gpu1", "gpu2,gpu3"]
    assert pool.take(Need(2)) is None
    assert (folders.pool(1, 2).most, folders.pool().most) == (1, 5)
    with pytest.raises(EnvironmentProblem, match="--processes 6: there are 5 GPUs"):
        folders.pool(None, 6)
    monkeypatch.setattr(folders, "gpus", list)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert [folders.pool(asked, 3).most for asked in (None, 5)] == [2, 5]
    assert all(folders.pool(5, 3).possible(Need(3)) for _ in range(5))


def test_going_on_names_the_same_jobs(root: Path) -> None:
    chosen = selection(root, "tiny")
    typed = study.Choice(None, "0,1", ["sub-network 1", "stage"], chosen.results)
    words = run._again(Path("my study.toml"), typed, chosen, run.How(most=1, stale=True, pack=False))
    parts = "--scale tiny --seeds 0,1 --only 'sub-network 1' --only stage -j 1 --stale --no-pack"
    assert words == f"benchbox run 'my study.toml' {parts}"
    whole = study.Choice(None, None, None, chosen.results)
    assert run._again(Path("a.toml"), whole, chosen, run.How()) == "benchbox run a.toml --scale tiny"


def test_a_batch_too_small_to_share_is_refused(root: Path) -> None:
    arms = selection(root, "tiny").arms
    run._check_shares(arms, dict.fromkeys((arm.job for arm in arms), 2))
    with pytest.raises(InvalidInput, match=r"--processes 99: .* has batches of"):
        run._check_shares(arms, dict.fromkeys((arm.job for arm in arms), 99))


def test_a_study_shares_jobs_as_far_as_there_are_gpus(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    first, second, *others = (replace(arm, processes=4) for arm in selection(root, "tiny").arms)
    arms = [first, replace(second, processes=1), *others]

    def shares(gpus: int, how: run.How) -> list[int]:
        monkeypatch.setattr(folders, "gpus", lambda: list(range(gpus)))
        return [run._shares(arms, how)[arm.job] for arm in arms[:3]]

    assert [shares(gpus, run.How()) for gpus in (8, 4, 3, 0)] == [[4, 1, 4], [4, 1, 4], [3, 1, 3], [1, 1, 1]]
    assert shares(0, run.How("slurm")) == [4, 1, 4]
    assert shares(8, run.How(processes=2)) == [2, 2, 2]


@pytest.mark.parametrize("typed", ["", "a", "1,", "-1", "0,0"])
def test_seeds_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="--seeds"):
        early.seeds_of(typed)


def test_a_missing_library_of_opencv_names_the_package(benchbox: Call, tmp_path: Path, root: Path) -> None:
    fake = tmp_path / "broken"
    fake.mkdir()
    (fake / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    path = os.pathsep.join([str(fake), str(root)])
    done = benchbox("run", str(root / "ablations/smoke.toml"), "--only", "baseline", PYTHONPATH=path)
    assert done.returncode == 4, done.stderr
    assert "libGL.so.1: cannot open shared object file" in done.stderr
    assert "apt-get install -y libgl1 libglib2.0-0" in done.stderr
    assert "Traceback" not in done.stderr
