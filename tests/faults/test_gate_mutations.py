"""Mutations of a baseline and of what is held against it: none is passed; and reports stand on every path."""

from __future__ import annotations

import json
import os
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchbox.gates import judge
from benchbox.gates import reference as references
from tests.gates import made

pytestmark = pytest.mark.faults
Mutation = Callable[[Path], None]
REFERENCE = "reference/made.json"


def edited(folder: Path, change: Callable[[dict[str, Any]], None], *, sealed: bool = False) -> None:
    """Change a reference's record; `sealed` with a digest that fits, as somebody would who means it."""
    path = folder / REFERENCE
    record = json.loads(path.read_text())
    change(record)
    if sealed:
        record["digest"] = references._digest({k: v for k, v in record.items() if k not in ("digest", "provenance")})
    path.write_text(json.dumps(record))


def edit(change: Callable[[dict[str, Any]], None], *, sealed: bool = False) -> Mutation:
    return lambda folder: edited(folder, change, sealed=sealed)


def redeclared(**change: str) -> Mutation:
    return lambda folder: str(made.declare(folder, change)) and None


def remade(**how: Any) -> Mutation:
    def again(folder: Path) -> None:
        made.unpublish(folder)
        made.write(folder, **how)

    return again


def truncated(folder: Path) -> None:
    text = (folder / REFERENCE).read_text()
    (folder / REFERENCE).write_text(text[: len(text) // 2])


def renamed_arm(folder: Path) -> None:
    study = folder / "study.toml"
    study.write_text(study.read_text().replace('"baseline"', '"base line"'))


def other_arm_of_that_name(folder: Path) -> None:
    renamed_arm(folder)
    made.declare(folder, {"arm": '"base line"'})


def no_gates(folder: Path) -> None:
    (folder / "gates.toml").write_text('schema = 1\nstudy = "study.toml"\ngates = []\n')


def other_scale(folder: Path) -> None:
    study = folder / "study.toml"
    study.write_text(study.read_text() + "\n[scales.mini]\ntrain.epochs = 1\n")
    made.write(folder, scale="mini")
    made.declare(folder, {"scale": '"mini"'})


def score_is_nan(row: dict[str, Any]) -> None:
    if row["person"] == 5:
        row["keypoints"] = np.full(34, np.nan)
        row["joint_errors"] = np.full(17, np.nan)


def one_person_less(row: dict[str, Any]) -> None:
    if row["person"] == 17:
        row["person"] = 1017


def records_without_persons(folder: Path) -> None:
    for file in folder.glob("results/jobs/*/attempts/*/people.parquet"):
        file.unlink()


def records_damaged(folder: Path) -> None:
    for file in folder.glob("results/jobs/*/attempts/*/scores.parquet"):
        file.write_bytes(file.read_bytes()[:100])


def stale(folder: Path) -> None:
    for file in folder.glob("results/jobs/*/attempts/*/published.json"):
        record = json.loads(file.read_text())
        file.write_text(json.dumps(record | {"source": "0" * 16}))


def a_job_failed(folder: Path) -> None:
    published = sorted(folder.glob("results/jobs/*/attempts/*/published.json"))[0]
    published.unlink()
    (published.parent / "end.json").write_text(
        json.dumps({"schema": 1, "state": "failed", "class": "nan", "error": "x", "exit_code": 1, "source": "y"})
    )


def drop_person(record: dict[str, Any]) -> None:
    del record["persons"][17]


def score_up(record: dict[str, Any]) -> None:
    record["scores"][0][3] -= 5.0


def hit_lost(record: dict[str, Any]) -> None:
    row = record["persons"][3]
    row[5] = row[5].replace("1", "0", 1)


MUTATIONS: dict[str, Mutation] = {
    "the reference is missing": lambda folder: (folder / REFERENCE).unlink(),
    "the reference is empty": lambda folder: str((folder / REFERENCE).write_text("")) and None,
    "the reference is truncated": truncated,
    "the reference is another file": lambda folder: str((folder / REFERENCE).write_text('{"schema": 1}')) and None,
    "the reference is of a later version": edit(lambda record: record.update(schema=2), sealed=True),
    "the reference is of another scale": edit(lambda record: record.update(scale="mini"), sealed=True),
    "the reference is of another arm": edit(lambda record: record.update(arm="stage 1"), sealed=True),
    "the reference is of another study": edit(lambda record: record.update(study="other"), sealed=True),
    "the reference lost a person": edit(drop_person),
    "the reference lost a person, sealed": edit(drop_person, sealed=True),
    "a stored score was changed": edit(score_up),
    "a stored score was changed, sealed": edit(score_up, sealed=True),
    "a joint was changed, sealed": edit(hit_lost, sealed=True),
    "a stored score is NaN": edit(lambda record: record["scores"][0].__setitem__(3, float("nan")), sealed=True),
    "a stored score is gone": edit(lambda record: record["scores"].pop(0), sealed=True),
    "the reference has fewer seeds": edit(
        lambda record: record.update(seeds=[0, 1], jobs=record["jobs"][:2]), sealed=True
    ),
    "a head size was changed, sealed": edit(lambda record: record["persons"][3].__setitem__(3, 99.0), sealed=True),
    "the truth was changed, sealed": edit(lambda record: record["persons"][3].__setitem__(2, "0" * 12), sealed=True),
    "the arm was renamed": renamed_arm,
    "the arm was renamed, the gate with it": other_arm_of_that_name,
    "no such arm": redeclared(arm='"baselin"'),
    "no such metric": redeclared(metric='"AP"'),
    "no such group": redeclared(group='"joint:left_wirst"'),
    "no such category": redeclared(group='"category:flying"'),
    "another protocol": redeclared(protocol='"pckh@0.2/coco17"'),
    "another scale": other_scale,
    "more seeds are asked for": redeclared(seeds="4"),
    "more persons are asked for": redeclared(persons="241"),
    "no gates": no_gates,
    "nothing ran": made.unpublish,
    "a seed is missing": remade(seeds=[0, 1]),
    "a job failed": a_job_failed,
    "stale": stale,
    "a prediction is NaN": remade(change=score_is_nan),
    "other persons": remade(people=made.persons(239)),
    "one other person": remade(change=one_person_less),
    "records without persons": records_without_persons,
    "records damaged": records_damaged,
    "a paper that there is not": redeclared(against='"paper"'),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline that passes; only to be copied."""
    folder = tmp_path_factory.mktemp("sound")
    made.baseline(folder)
    assert made.call(folder) == 0
    return folder


@pytest.fixture(autouse=True)
def _copied(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_not_judged(name: str, tmp_path: Path) -> None:
    MUTATIONS[name](tmp_path)
    code = made.call(tmp_path)
    report = json.loads((tmp_path / "report/gate.json").read_text())
    assert code == 3, report
    assert report["exit_code"] == 3
    if name == "no gates":
        assert "no gates are declared" in report["problem"]
        return
    (row,) = report["rows"]
    assert row["outcome"] == "could not judge"
    assert "\n" not in row["reason"]
    print(f"{name}: {row['reason']}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no such arm", 'did you mean "baseline"?'),
        ("no such group", 'did you mean "joint:left_wrist"?'),
        ("the arm was renamed", 'did you mean "base line"?'),
        ("one other person", "000011.jpg person 17 is only in the reference (1 such)"),
        ("a seed is missing", "seed 2"),
        ("stale", "--stale"),
        ("a prediction is NaN", "000003.jpg person 5"),
        ("a stored score was changed, sealed", "the persons on record give"),
        ("the reference is of a later version", "written by a later benchbox"),
    ],
)
def test_a_mutation_is_named(name: str, said: str, tmp_path: Path) -> None:
    MUTATIONS[name](tmp_path)
    made.call(tmp_path)
    assert said in made.verdicts(tmp_path)[0]["reason"]


def regressed(folder: Path) -> None:
    remade(predict=made.near(0.6))(folder)


def crash(folder: Path, patch: pytest.MonkeyPatch) -> None:
    def broken(*words: Any) -> None:
        raise ZeroDivisionError("a bug")

    patch.setattr(judge.Judge, "judge", broken)


PATHS: dict[str, tuple[int, Mutation]] = {
    "passed": (0, lambda folder: None),
    "regressed": (1, regressed),
    "usage": (2, redeclared(metric='"PCKx"')),
    "could not judge": (3, MUTATIONS["the reference is missing"]),
    "no gates": (3, no_gates),
    "environment": (4, lambda folder: None),
    "crash": (1, lambda folder: None),
}


@pytest.mark.parametrize("path", PATHS)
def test_every_report_stands_on_every_path(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, change = PATHS[path]
    for name in ("gate.json", "gate.md", "junit.xml"):
        (tmp_path / "report" / name).unlink()
    change(tmp_path)
    if path == "environment":
        weights = '[[variants]]\nname = "theirs"\nmodel.weights = "gone.pth"\n\n[[variants]]\nname = "stage 1"'
        study = (tmp_path / "study.toml").read_text().replace('[[variants]]\nname = "stage 1"', weights)
        (tmp_path / "study.toml").write_text(study.replace('["model.attend"]', '["model.attend", "model.weights"]'))
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    capsys.readouterr()
    if path == "crash":
        crash(tmp_path, monkeypatch)
        with pytest.raises(ZeroDivisionError):
            made.call(tmp_path)
    else:
        assert made.call(tmp_path) == code
    report = json.loads((tmp_path / "report/gate.json").read_text())
    suites = ET.parse(tmp_path / "report/junit.xml").getroot()
    text = (tmp_path / "report/gate.md").read_text()
    assert report["exit_code"] == code
    assert bool(int(suites.get("failures", "")) + int(suites.get("errors", ""))) == (code != 0)
    assert summary.read_text().strip() == text.strip()
    annotations = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert bool(annotations) == (code != 0)
    for line in annotations:
        assert f"file={tmp_path}/gates.toml,line=" in line
        assert line.startswith("::error ")
    if path == "crash":
        assert "ZeroDivisionError: a bug" in report["problem"]


def test_a_folder_that_cannot_be_written_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert made.call(tmp_path, report=tmp_path / "file/report") == 4


@pytest.mark.parametrize("kind", ["pipe", "folder", "nowhere/summary.md"])
def test_a_summary_that_cannot_be_written_is_told_and_waits_for_nobody(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / kind))
    assert made.call(tmp_path) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "GITHUB_STEP_SUMMARY" in line]
    assert str(tmp_path / kind) in line
    assert line.endswith("; nothing written there")


def test_reports_are_readable_where_names_are_hostile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    name = r'"a|b <i>\u001b[31m & *c*, d: 100 %\n::error::x \u202e"'
    made.declare(tmp_path, {"name": name, "arm": name})
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    capsys.readouterr()
    assert made.call(tmp_path, format="md") == 3
    out = capsys.readouterr().out
    suites = ET.parse(tmp_path / "report/junit.xml").getroot()
    (case,) = suites.iter("testcase")
    assert "\x1b" not in str(case.get("name"))
    text = (tmp_path / "report/gate.md").read_text()
    assert not [one for one in ("\x1b", "\u202e", "<i>", " a|b", " *c*") if one in text]
    assert not [one for one in ("\x1b", "\u202e") if one in out]
    row = next(line for line in text.splitlines() if line.startswith("| ❓"))
    assert row.replace("\\|", "").count("|") == 9
    (annotation,) = [line for line in out.splitlines() if line.startswith("::")]
    properties = annotation.split("::")[1]
    assert "100 %25%0A%3A%3Aerror%3A%3Ax" in properties
    assert properties.count(",") == 2
    assert os.linesep not in annotation
