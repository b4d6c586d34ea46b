"""Gates on real records of a trained study: AP, from match records that a worker writes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchbox import store
from benchbox.jobdir import JobDir
from benchbox.metrics.protocol import parse
from benchbox.plan import expand
from benchbox.spec import read_study
from benchbox.stats.compare import compare
from benchbox.worker.samples import sample_of
from benchbox.worker.source import ground_of, open_source
from tests import readme
from tests.end_to_end import quick

pytestmark = pytest.mark.studies

Call = Callable[..., subprocess.CompletedProcess[str]]
PROTOCOL = "coco-kp/gt-boxes/flip"
GROUPS = (("AP", "all"), ("AR", "all"), ("AP", "joint:nose"), ("AP50", "category:dancing"))


def gates(folder: Path, arm: str, against: str) -> None:
    lines = ["schema = 1", 'study = "quick.toml"']
    for metric, group in GROUPS:
        lines += ["[[gates]]", f'metric = "{metric}"', f'group = "{group}"', f'name = "{metric} {group}"']
        lines += [f'arm = "{arm}"', 'scale = "tiny"', f'against = "{against}"', "tolerance = 90"]
    (folder / "gates.toml").write_text("\n".join(lines))


@pytest.fixture
def study(tmp_path: Path, undisturbed: Path) -> Path:
    shutil.copytree(undisturbed, tmp_path / "results")
    return quick.write(tmp_path)


def test_a_gate_on_ap_is_a_comparison_of_the_records(study: Path, tmp_path: Path, cache: Path, benchbox: Call) -> None:
    gates(tmp_path, "stage 1", "reference-arm")
    done = benchbox("gate", "gates.toml", "--json")
    assert done.returncode == 0, done.stderr
    rows = {(row["metric"], row["group"]): row for row in json.loads(done.stdout)["rows"]}
    sides = []
    for arm in expand(read_study(study), "tiny"):
        config = JobDir.of(tmp_path / "results", arm.job).read()
        ground = ground_of(config, open_source(config, None, cache))
        sides.append([sample_of(store.people(tmp_path / "results", arm.job), ground, parse(PROTOCOL))])
    # each interval is 1 - 0.05 / 4 wide, so that all four hold together
    expected = compare(*sides, confidence=1 - 0.05 / len(GROUPS))
    for name in GROUPS:
        found = [rows[name][key] for key in ("reference", "measured", "change", "low", "high")]
        one = expected[name]
        assert found == [one.a, one.b, one.difference, one.low, one.high]


def test_a_reference_for_ap_stands_without_the_results(study: Path, tmp_path: Path, benchbox: Call) -> None:
    gates(tmp_path, "baseline", "made.json")
    made = benchbox("gate", "gates.toml", "--update", "--allow-dirty", "--json")
    assert made.returncode == 0
    assert readme.undocumented(json.loads(made.stdout)) == set()
    done = benchbox("gate", "gates.toml", "--json")
    assert done.returncode == 0, done.stderr
    assert {row["reason"] for row in json.loads(done.stdout)["rows"]} == {"the same to the bit"}
    record = json.loads((tmp_path / "made.json").read_text())
    (seed,) = record["coco"][PROTOCOL]["seeds"]
    image, score, *words = seed["predictions"][0].split(" ")
    broken = f"{image} {score} {' '.join('0' * len(word) for word in words)}"
    assert broken != seed["predictions"][0]
    text = (tmp_path / "made.json").read_text()
    (tmp_path / "made.json").write_text(text.replace(seed["predictions"][0], broken))
    assert benchbox("gate", "gates.toml").returncode == 3
