"""The recipes of the four papers: epochs, rates and what learns, stretch by stretch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.cli.schedule import warn
from benchbox.config import JobConfig, canonical, job_id, late_drops, schedule
from benchbox.console import kept_notes
from benchbox.options.recipes import Phase, stretches
from benchbox.plan import expand
from benchbox.spec import read_study

# efficient-hrnet 4.1 and efficient-sam 4.1: Adam at 1e-3, by 10 lower at epochs 170 and 200, mini-batches of 4.
HRNET = [("1-170", "all", 1e-3, 4), ("171-200", "all", 1e-4, 4), ("201-210", "all", 1e-5, 4)]
RESNET = [*HRNET[:2], ("201-270", "all", 1e-5, 4)]
# acnn, Training Details; powers as read.
ACNN = [
    ("1-120", "pose ones", 5e-4, 12),
    ("121-170", "pose ones", 5e-5, 12),
    ("171-200", "pose ones", 5e-6, 12),
    ("201-320", "masks", 2.5e-4, 12),
    ("321-370", "masks", 2.5e-5, 12),
    ("371-400", "masks", 2.5e-6, 12),
    ("401-450", "all", 2.5e-4, 12),
    ("451-470", "all", 2.5e-5, 12),
    ("471-500", "all", 2.5e-6, 12),
]
PLAIN = [
    ("1-120", "all", 5e-4, 12),
    ("121-170", "all", 5e-5, 12),
    ("171-200", "all", 5e-6, 12),
    ("201-250", "all", 2.5e-4, 12),
    ("251-270", "all", 2.5e-5, 12),
    ("271-300", "all", 2.5e-6, 12),
]
# mrn-attention, Algorithm 1: three cycles of A, B and both; its epochs and first rate are not in the text.
LEARNS = ["pose ones", "masks", "all", *["pose", "masks", "all"] * 2]
MRN = [
    (f"{30 * place + 1}-{30 * place + 30}", learns, 10.0 ** -(3 + place // 3), 30)
    for place, learns in enumerate(LEARNS)
]
MRN_PLAIN = [(f"{30 * place + 1}-{30 * place + 30}", "all", 10.0 ** -(3 + place // 2), 30) for place in range(6)]

PAPERS: dict[tuple[str, str], tuple[str, list[tuple[str, str, float, int]]]] = {
    ("hrnet_stages", ""): ("adam", HRNET),
    ("hrnet_coco", ""): ("adam", HRNET),
    ("sam_kernels", ""): ("adam", RESNET),
    ("resnet_am", ""): ("adam", RESNET),
    ("acnn", "plain hourglass"): ("rmsprop", PLAIN),
    ("acnn", "mask"): ("rmsprop", ACNN),
    ("mrn_attention", "no attention"): ("adam", MRN_PLAIN),
    ("mrn_attention", "("): ("adam", MRN),
}


def told(config: JobConfig) -> list[tuple[str, str, float, int]]:
    lines = []
    for one in stretches(schedule(config)):
        learns = one.phase.trains + (" ones" if one.phase.masks == "ones" else "")
        assert one.phase.batch is not None
        lines.append((f"{one.first}-{one.last}", learns, pytest.approx(one.rate), one.phase.batch))
    return lines


@pytest.mark.parametrize(("study", "arms"), PAPERS)
def test_a_papers_recipe_is_what_its_study_trains(study: str, arms: str, root: Path) -> None:
    optimizer, lines = PAPERS[study, arms]
    for arm in expand(read_study(root / f"ablations/{study}.toml"), "paper"):
        special = [other for name, other in PAPERS if name == study and other and other != arms and other in arm.name]
        if arms in arm.name and not any(len(other) > len(arms) for other in special):
            found = told(arm.config)
            print(arm.name, *found, sep="\n  ")
            assert found == lines, arm.name
            assert arm.config.train.optimizer == optimizer


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.lists(st.integers(0, 40), unique=True).map(sorted), st.floats(1e-6, 1)),
        min_size=1,
        max_size=5,
    )
)
def test_stretches_have_the_rate_of_every_epoch(phases: list[tuple[int, list[int], float]]) -> None:
    made = [Phase(epochs=epochs, lr_drops=tuple(drops), lr=lr) for epochs, drops, lr in phases]
    by_epoch = [phase.rate(epoch) for phase in made for epoch in range(phase.epochs)]
    spread = [one.rate for one in stretches(made) for _ in range(one.first, one.last + 1)]
    assert spread == by_epoch
    for phase, (_, drops, lr) in zip(made, phases, strict=True):
        for epoch in range(phase.epochs):
            assert phase.rate(epoch) == pytest.approx(lr * 0.1 ** len([drop for drop in drops if drop <= epoch]))


BASE: dict[str, Any] = {"dataset": {"name": "mpii"}, "model": {"name": "acnn"}}
PHASES = [{"epochs": 3, "trains": "pose", "masks": "ones"}, {"epochs": 2, "trains": "masks"}, {"epochs": 1, "lr": 1e-4}]


def config(model: dict[str, Any] | None = None, **recipe: Any) -> JobConfig:
    return JobConfig.model_validate(BASE | {"model": BASE["model"] | (model or {}), "train": recipe})


def test_ids_of_phases_never_change() -> None:
    assert job_id(config(phases=PHASES)) == "7c9db79c1e6d"
    assert (
        job_id(config(phases=PHASES, optimizer="rmsprop", weight_decay=1e-4, activity=1e-6, accumulate=2))
        == "bff718342975"
    )


def test_what_has_no_effect_on_a_training_is_not_in_its_id() -> None:
    def phases(*changes: dict[str, Any]) -> list[dict[str, Any]]:
        return [phase | change for phase, change in zip(PHASES, changes, strict=True)]

    same = config(phases=phases({"batch": 32, "lr_drops": [3]}, {"lr": 1e-3, "lr_factor": 0.5}, {"lr_drops": [7]}))
    assert job_id(same) == job_id(config(phases=PHASES))
    for other in (phases({"lr_drops": [2]}, {}, {}), phases({}, {}, {"batch": 8}), PHASES[:2]):
        assert job_id(config(phases=other)) != job_id(config(phases=PHASES))
    without = {"masks": "ones"}
    assert job_id(config(without, phases=PHASES)) == job_id(config(without, phases=[PHASES[0], PHASES[2]]))
    assert canonical(config(epochs=0, phases=PHASES)) == canonical(config(epochs=0))


def test_plan_shows_the_schedule(root: Path, benchbox: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    words = ["plan", str(root / "ablations/acnn.toml"), "--scale", "paper"]
    done = benchbox(*words, "--schedule", "--format", "md")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert "| plain hourglass | 1-120 | all |  | rmsprop | 0.0005 | 12 |" in lines
    assert sum("masks" in line.split("|")[3] for line in lines if line.count("|") > 5) == 3
    rows = json.loads(benchbox(*words, "--schedule", "--json").stdout)["rows"]
    assert [len(row["schedule"]) for row in rows] == [6, 9, 9, 9, 9]
    assert rows[1]["schedule"][3] == {
        "first": 201, "last": 320, "learns": "masks", "masks": "learned", "optimizer": "rmsprop", "rate": 0.00025,
        "batch": 12,
    }  # fmt: skip


def test_drops_of_the_rate_that_never_come_are_told(root: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    text = (root / "ablations/smoke.toml").read_text(encoding="utf-8")
    study.write_text(text.replace("lr_drops = [2]", "lr_drops = [2, 3, 5]"), encoding="utf-8")
    with kept_notes() as notes:
        warn(study, expand(read_study(study), "tiny"))
    assert notes == ["study.toml: train.lr_drops: [3, 5] never comes: train.epochs is 3"]
    one = 'name = "sub-network 1"\ntrain.lr_drops = [9]'
    study.write_text(text.replace('name = "sub-network 1"', one).replace('.attend"]', '.attend", "train"]'))
    with kept_notes() as notes:
        warn(study, expand(read_study(study), "tiny"))
    assert [note.rpartition("3 ")[2] for note in notes] == ["(of 1 arm, first sub-network 1)"]
    phases = {"phases": [{"epochs": 4, "lr_drops": [3]}, {"epochs": 2, "lr_drops": [2]}], "batch": 8}
    config = {"dataset": {"name": "synthetic"}, "model": {"name": "hrnet"}, "train": phases}
    told = late_drops(JobConfig.model_validate(config))
    assert told == {"train.phases.1.lr_drops": "[2] never comes: train.phases.1.epochs is 2"}
    config["train"] = {"epochs": 0, "lr_drops": [2]}
    assert late_drops(JobConfig.model_validate(config)) == {}


def test_no_study_of_ours_has_such_drops(root: Path) -> None:
    for file in (root / "ablations").glob("*.toml"):
        study = read_study(file)
        for scale in ("paper", *study.scales):
            with kept_notes() as notes:
                warn(file, expand(study, scale))
            assert notes == [], (file.name, scale)
