"""Results compared from their records: values, refusals, tables and plans."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchbox import records
from benchbox.jobdir import JobDir
from benchbox.metrics.conventions import CONVENTIONS
from benchbox.metrics.protocol import parse
from benchbox.worker.compare import Asked, Records, compare_pairs
from benchbox.worker.samples import KINDS, sample_of
from benchbox.worker.score import score_people
from tests.end_to_end.quick import wait_until, write

pytestmark = pytest.mark.studies
Call = Callable[..., subprocess.CompletedProcess[str]]
PCKH = "pckh@0.5/coco17/gt-boxes/flip"


@pytest.fixture
def results(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of the quick study's results that a test may change."""
    return Path(shutil.copytree(undisturbed, tmp_path / "results"))


def job_names(results: Path) -> list[str]:
    return sorted(folder.name for folder in (results / "jobs").iterdir())


def table_file(results: Path, job: str, name: str) -> Path:
    attempt = JobDir(results / "jobs" / job).result()
    assert attempt is not None
    return attempt.table(name)


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_samples_have_the_scores_on_record(undisturbed: Path, cache: Path) -> None:
    """Every score of every protocol that scoring wrote, to 1e-9."""
    kept, compared = Records(undisturbed, None, cache), 0
    for job in job_names(undisturbed):
        written = {
            (row["protocol"], row["metric"], row["group"]): row["value"]
            for row in pq.read_table(table_file(undisturbed, job, "scores")).to_pylist()
        }
        one = kept.result(job)
        assert {str(protocol) for protocol in one.scored} == {protocol for protocol, _, _ in written}
        for protocol in one.scored:
            sample = sample_of(one.people, one.ground, protocol, KINDS)
            found = sample.replicate(np.ones((1, len(sample.people.images))))[0]
            for (metric, group), value in zip(sample.names, found, strict=True):
                expected = written.get((str(protocol), metric, group), np.nan)
                assert value == pytest.approx(expected, abs=1e-9, nan_ok=True), (metric, group)
                compared += 1
        groups = {group for protocol, metric, group in written if protocol == PCKH}
        assert groups == {group for _, group in sample.names}
    assert compared > 150


def test_every_convention_has_the_scores_of_scoring(undisturbed: Path, cache: Path) -> None:
    one = Records(undisturbed, None, cache).result(job_names(undisturbed)[0])
    named = [f"pckh@0.3/{name}" for name, convention in CONVENTIONS.items() if convention.skeleton == "coco17"]
    for protocol in map(parse, [*named, "coco-kp/no-nms"]):
        rows = {(row["metric"], row["group"]): row["value"] for row in score_people(one.people, one.ground, [protocol])}
        sample = sample_of(one.people, one.ground, protocol, ("all", "category"))
        found = sample.replicate(np.ones((1, len(sample.people.images))))[0]
        for name, value in zip(sample.names, found, strict=True):
            assert value == pytest.approx(rows.get(name, np.nan), abs=1e-9, nan_ok=True)


def test_two_arms_compared_on_the_command_line(results: Path, tmp_path: Path, benchbox: Call) -> None:
    study, words = str(write(tmp_path)), ["--results", str(results)]
    a, b = f"{study}:baseline", f"{study}:stage 1"
    done = benchbox("compare", a, b, "--json", *words)
    assert done.returncode == 0, done.stderr
    found = answer(done)
    table = answer(benchbox("table", study, "--json", *words))["rows"]
    cells = [row["cells"] for row in table]
    rows = {(row["protocol"], row["metric"], row["group"]): row for row in found["rows"]}
    for (protocol, metric, group), row in rows.items():
        if group == "all" and f"{metric} {protocol}" in cells[0]:
            key = f"{metric} {protocol}"
            assert row["a"] == pytest.approx(cells[0][key]["measured"], abs=1e-9)
            assert row["b"] == pytest.approx(cells[1][key]["measured"], abs=1e-9)
            assert row["difference"] == pytest.approx(row["b"] - row["a"], abs=1e-9)
        assert row["seeds"] == [1, 1]
        assert row["low"] <= row["difference"] <= row["high"]
        assert 0 < row["p"] <= row["p_holm"] <= 1
    assert (PCKH, "PCKh", "pair:Head") in rows
    assert any("says nothing of training's noise" in note for note in found["footnotes"])
    assert found["footnotes"][0] == f"A: {found['a']['name']}. B: {found['b']['name']}."
    assert found["a"]["results"] == table[0]["jobs"]
    again = answer(benchbox("compare", table[0]["jobs"][0][:6], table[1]["jobs"][0], "--json", *words))
    assert again["rows"] == found["rows"]
    joints = benchbox("compare", a, b, "--by", "joint", "--protocol", "pckh@0.5/coco17", "--format", "csv", *words)
    listed = list(csv.DictReader(io.StringIO(joints.stdout)))
    assert [row["group"] for row in listed[1:]] == [f"joint:{name}" for name in joint_names(results)]
    assert {row["word"] for row in listed} <= {"better", "worse", "no difference seen", "unclear"}


def joint_names(results: Path) -> list[str]:
    rows = pq.read_table(table_file(results, job_names(results)[0], "scores")).to_pylist()
    groups = [row["group"] for row in rows if row["protocol"] == PCKH]
    return [group.partition(":")[2] for group in groups if group.startswith("joint:")]


def test_what_cannot_be_compared_is_said(results: Path, tmp_path: Path, benchbox: Call) -> None:
    study, words = str(write(tmp_path)), ["--results", str(results)]
    first, second = job_names(results)
    cases = {
        (f"{study}:stage 2", second): (2, 'did you mean "stage 1"?'),
        ("nothing", second): (2, "nothing: neither a job nor saved predictions"),
        (first, second, "--by", "jiont"): (2, 'did you mean "joint"?'),
        (first, second, "--confidence", "95"): (2, "--confidence 95"),
        (first, second, "--protocol", "pck@0.2/lsp-v1"): (2, "lsp-v1 is for lsp14"),
    }
    for asked, (code, said) in cases.items():
        done = benchbox("compare", *asked, *words)
        assert (done.returncode, done.stdout) == (code, ""), asked
        assert said in done.stderr, asked
        assert done.stderr.count("\n") == 1
    file = table_file(results, first, "people")
    people = pq.read_table(file).to_pylist()
    people[5]["truth"][0] += 0.25
    records.write(file, "people", people)
    done = benchbox("compare", first, second, "--protocol", PCKH, *words)
    assert done.returncode == 3
    assert f"person {people[5]['person']} differs (1 such)" in done.stderr
    records.write(file, "people", people[1:])
    done = benchbox("compare", first, second, "--protocol", PCKH, *words)
    assert done.returncode == 3
    assert f"person {people[0]['person']} is only on the second side (1 such)" in done.stderr
    table_file(results, first, "published").with_suffix(".json").unlink()
    assert benchbox("compare", first, second, *words).returncode == 3


def test_predictions_made_in_other_ways_are_compared_only_when_asked(results: Path, cache: Path) -> None:
    first, second = job_names(results)
    kept = Records(results, None, cache)
    one = kept.result(second)
    other = one.ground.__class__(one.ground.skeleton, ("gt-boxes", "noflip"), one.ground.truth, one.ground.aspect)
    scored = [protocol.__class__(**{**_fields(protocol), "prediction": other.prediction}) for protocol in one.scored]
    kept.read[second] = one.__class__(one.name, one.people, other, scored)
    (refused,) = compare_pairs(kept, [([first], [second])], Asked(resamples=100))
    assert "other protocols: " in refused["problem"]
    (found,) = compare_pairs(kept, [([first], [second])], Asked(mixed=True, resamples=100))
    assert "pckh@0.5/coco17/gt-boxes/flip | pckh@0.5/coco17/gt-boxes/noflip" in {
        row["protocol"] for row in found["rows"]
    }


def _fields(protocol: Any) -> dict[str, Any]:
    return {name: getattr(protocol, name) for name in protocol.__dataclass_fields__}


def test_a_row_stays_as_it_is_when_another_protocol_is_added(results: Path, tmp_path: Path, benchbox: Call) -> None:
    study, words = str(write(tmp_path)), ["--results", str(results)]
    sides = (f"{study}:baseline", f"{study}:stage 1")
    before = answer(benchbox("compare", *sides, "--json", *words))["rows"]
    done = benchbox("rescore", study, "--protocol", "coco-kp/nms-0.5", *words)
    assert done.returncode == 0, done.stderr
    after = answer(benchbox("compare", *sides, "--json", *words))["rows"]
    assert len(after) > len(before)
    assert [row for row in after if row in before] == before


def test_several_results_on_a_side_are_its_seeds(undisturbed: Path, cache: Path) -> None:
    first, second = job_names(undisturbed)
    (found,) = compare_pairs(
        Records(undisturbed, None, cache), [([first, second], [second, first])], Asked(resamples=100)
    )
    for row in found["rows"]:
        assert row["seeds"] == (2, 2)
        assert row["difference"] == 0
        assert row["p"] == 1
        assert row["kind"] == "seeds and persons"
    spread = next(row for row in found["rows"] if row["metric"] == "PCKh" and row["group"] == "all")
    assert spread["low"] < 0 < spread["high"]


def test_tables_show_differences_when_asked_and_stay_as_they_were_otherwise(
    results: Path, tmp_path: Path, benchbox: Call
) -> None:
    study, words = str(write(tmp_path)), ["--results", str(results)]
    plain, more = (answer(benchbox("table", study, "--json", *extra, *words)) for extra in ((), ("--compare",)))
    rows = answer(benchbox("compare", f"{study}:baseline", f"{study}:stage 1", "--json", *words))["rows"]
    compared = {(row["metric"], row["protocol"]): row for row in rows if row["group"] == "all"}
    for before, after in zip(plain["rows"], more["rows"], strict=True):
        for key, cell in after["cells"].items():
            gap = cell.pop("against_reference")
            assert cell == before["cells"][key]
            if before["reference"]:
                assert gap is None
                continue
            one = compared[cell["metric"], cell["protocol"]]
            assert {name: gap[name] for name in ("difference", "low", "high", "p")} == {
                name: one[name] for name in ("difference", "low", "high", "p")
            }
            assert gap["p_holm"] == one["p_holm"] == gap["p"]  # one arm beside the reference
    text = benchbox("table", study, "--compare", "--format", "md", *words).stdout
    assert text.count("| - reference |") == 2
    by_joint = answer(benchbox("table", study, "--by", "joint", "--compare", "--json", *words))["rows"][1]["cells"]
    whole = by_joint.pop("PCKh " + PCKH)["against_reference"]
    assert whole["p_holm"] == whole["p"]
    p = sorted(cell["against_reference"]["p"] for cell in by_joint.values())
    assert min(cell["against_reference"]["p_holm"] for cell in by_joint.values()) == pytest.approx(
        min(1, p[0] * len(p))
    )
    assert benchbox("table", "--paper", "efficient-hrnet", "--compare", *words).returncode == 3
    assert benchbox("table", study, "--compare", "--results", str(tmp_path / "none")).returncode == 3


def test_a_plan_says_what_an_effect_takes(results: Path, tmp_path: Path, benchbox: Call) -> None:
    file = write(tmp_path)
    words = ["--results", str(results)]
    done = benchbox("plan", str(file), "--effect", "50", "--json", *words)
    assert done.returncode == 0, done.stderr
    found = answer(done)
    (row,) = found["rows"]
    assert (row["seeds"], row["seed_deviation"], found["metric"]) == (1, None, "PCKh")
    assert row["sees"] < 50
    assert row["hours"] > 0
    assert any("--seeds 0,1,2" in note for note in found["footnotes"])
    small = answer(benchbox("plan", str(file), "--effect", "0.1", "--json", *words))["rows"][0]
    assert small["seeds"] is None
    assert small["persons"] > 40
    shown = benchbox("plan", str(file), "--effect", "0.0001", *words).stdout
    assert "power of 80 %" in shown
    assert "alpha of 5 %" in shown
    assert "No number of persons: with 1 seed, 10,000 times as many as on record are too few." in " ".join(
        shown.split()
    )
    enough = benchbox("plan", str(file), "--effect", "50", "--format", "md", *words).stdout
    assert "No number of persons" not in enough
    assert re.search(r"CPU time|GPU time", enough)
    assert re.search(r"\| \d+ s \|", enough)  # of a training of seconds
    nothing = benchbox("plan", str(file), "--effect", "0.3", "--results", str(tmp_path / "none"))
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert "--seeds 0,1,2" in nothing.stderr
    assert benchbox("plan", str(file), "--effect", "0", *words).returncode == 2
    for effect, warned in ((0.1, 1), (50, 0)):
        file.write_text(file.read_text().replace("factor =", f"effect = {effect}\nfactor ="))
        said = benchbox("plan", str(file), *words)
        assert said.returncode == 0
        assert said.stderr.count("looks for 0.1 points of PCKh; with 1 seed, 1 of 1 arms can show only") == warned
        write(tmp_path)
    file.write_text(file.read_text().replace("factor =", "effect = -1\nfactor ="))
    wrong = benchbox("plan", str(file), *words)
    assert wrong.returncode == 2
    assert "effect: Input should be greater than 0" in wrong.stderr


def test_a_comparison_ends_with_who_asked_for_it(results: Path, cache: Path) -> None:
    """A kill that reaches the command line only must not leave a process that computes on."""
    asked = {"pairs": [[[job] for job in job_names(results)[:2]]], "resamples": 10**9}
    words = ["compare", "--results", str(results), "--cache", str(cache)]
    script = f"from benchbox.cli.ask import ask; ask({words!r}, {asked!r})"
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: bool(children.read_text()))
        worker = Path(f"/proc/{children.read_text().split()[0]}")
        wait_until(lambda: b"numpy" in (worker / "maps").read_bytes())
    finally:
        process.kill()
        process.wait()

    def ended() -> bool:
        try:
            return "\nState:\tZ" in (worker / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True

    wait_until(ended)
