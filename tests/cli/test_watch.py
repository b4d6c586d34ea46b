"""What `status` says of a job, from the files that its worker writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbox.cli.early_results import job
from benchbox.cli.watch import _detail, cancel, status
from benchbox.console import kept_notes
from benchbox.files import write_json
from benchbox.jobdir import Attempt, JobDir, State
from benchbox.plan import expand
from benchbox.queues import cluster
from benchbox.spec import read_study

TRAIN = {"epoch": 2, "epochs": 6, "rate": 330.4, "data_wait": 0.021, "seconds_left": 130, "score": {"PCKh": 61.04}}


@pytest.mark.parametrize(
    ("state", "record", "said"),
    [
        ("running", {"phase": "pack", "done": 12, "of": 1500}, "pack 12/1500"),
        ("running", {"phase": "predict", "done": 3, "of": 9}, "predict 3/9"),
        ("running", {"phase": "data"}, "data"),
        ("interrupted", {"phase": "train", **TRAIN}, "at epoch 2/6, PCKh 61.0"),
        ("interrupted", {"phase": "predict", "done": 3, "of": 9}, "at predict 3/9"),
        ("interrupted", {}, ""),
        (
            "running",
            {"phase": "train", **TRAIN},
            "epoch 2/6, 330 persons/s (2 % waiting for data), 2 min left PCKh 61.0",
        ),
        ("done", {"phase": "done", "score": {"AP": 17.5}, "rate": 330.4, "data_wait": 0.0}, None),
        ("done", {"phase": "done", "score": {"AP": 17.5}}, "AP 17.5"),
    ],
)
def test_the_phase_the_speed_and_the_wait_for_data_are_shown(
    tmp_path: Path, state: str, record: dict, said: str | None
) -> None:
    folder = JobDir(tmp_path / "jobs" / "abc")
    attempt = Attempt(folder, 1)
    attempt.path.mkdir(parents=True)
    write_json(attempt.progress, record)
    expected = said if said is not None else "AP 17.5, 330 persons/s (0 % waiting for data)"
    assert _detail(folder, State(state, 1)) == expected


def test_an_arm_is_as_good_as_its_jobs(root: Path, tmp_path: Path) -> None:
    study = root / "ablations/smoke.toml"
    arms = [arm for arm in expand(read_study(study), "tiny") if arm.name == "baseline"]
    for arm in arms:
        JobDir.of(tmp_path, arm.job).write(arm.config)
    named = f"{study}:baseline"
    with kept_notes() as notes:
        assert job(named, tmp_path) == arms[0].job
    assert notes == []
    with kept_notes() as notes:
        cancel([named], None, None, tmp_path)
    assert notes == ["1 waiting: will not begin"]
    assert JobDir.of(tmp_path, arms[0].job).state().name == "cancelled"


def test_what_is_stale_is_told_with_the_command_that_makes_it_anew(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = root / "ablations/smoke.toml"
    monkeypatch.setattr(cluster, "states", lambda found: ({one.id: State("stale", 1) for one in found}, ""))
    with kept_notes() as notes:
        status(study, "tiny", "0,1", tmp_path / "other results", "json")
    command = f"benchbox run {study} --scale tiny --seeds 0,1 --stale --results '{tmp_path}/other results'"
    assert f"stale: made by other code or data than today's; {command} makes it anew" in notes


def test_of_several_seeds_logs_shows_the_first_and_cancel_stops_all(root: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text((root / "ablations/smoke.toml").read_text().replace("[base]", "seeds = [0, 1, 2]\n[base]"))
    arms = [arm for arm in expand(read_study(study), "tiny") if arm.name == "baseline"]
    for arm in arms[1:]:
        JobDir.of(tmp_path, arm.job).write(arm.config)
    with kept_notes() as notes:
        assert job(f"{study}:baseline", tmp_path) == arms[1].job
    assert notes == [f"{study}:baseline: 2 seeds were begun; this is the first, job {arms[1].job}"]
    with kept_notes() as notes:
        cancel([f"{study}:baseline"], None, None, tmp_path)
    assert notes == ["2 waiting: will not begin"]
