"""The Python interface gives what the verbs print, wherever it is called, and says nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import benchbox
from benchbox.cli import compare, scores, tables
from benchbox.datasets import coco, mpii
from benchbox.datasets.synthetic.files import prepare
from benchbox.errors import BenchboxError, CannotJudge, EnvironmentProblem, InvalidInput
from tests.end_to_end import quick

PCKH = "pckh@0.5/coco17/gt-boxes/flip"


@pytest.fixture
def study(tmp_path: Path, undisturbed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The quick study's file, its results where BENCHBOX_RESULTS says, this process elsewhere."""
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    monkeypatch.setenv("BENCHBOX_RESULTS", str(undisturbed))
    monkeypatch.chdir("/")
    return quick.write(tmp_path)


def printed(capsys: pytest.CaptureFixture[str], verb: Callable[..., int], *given: Any, **named: Any) -> dict[str, Any]:
    """Return the JSON that a verb prints."""
    assert verb(*given, **named) == 0
    return json.loads(capsys.readouterr().out)


def table_json(capsys: pytest.CaptureFixture[str], study: Path, results: Path, by: str | None) -> dict[str, Any]:
    return printed(capsys, tables.table, study, None, None, False, tables.Shown(by, [], False, []), results, "json")


@pytest.mark.parametrize("by", [None, "joint"])
def test_a_table_has_the_numbers_that_the_verb_prints(
    by: str | None, study: Path, undisturbed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = table_json(capsys, study, undisturbed, by)
    frame = benchbox.table(study, by=by)
    assert frame["arm"].tolist() == [row["arm"] for row in said["rows"]] == ["baseline", "stage 1"]
    assert frame["reference"].tolist() == [True, False]
    assert len(said["rows"][0]["cells"]) > 4
    for key, first in said["rows"][0]["cells"].items():
        cells = [row["cells"][key] for row in said["rows"]]
        assert frame[key].tolist() == [cell["measured"] for cell in cells]
        assert frame[f"{key} seeds"].tolist() == [1, 1]
        assert frame[f"{key} deviation"].isna().all()
        assert (f"{key} counted" in frame) == ("counted" in first) == (by == "joint")
    if by is None:
        assert frame["parameters"].tolist() == [row["costs"]["parameters"] for row in said["rows"]]
    assert frame.attrs["footnotes"] == said["footnotes"]
    assert json.loads(benchbox.table(study, by=by, format="json")) == said
    assert benchbox.table(study, by=by, format="md").startswith("**Two arms in seconds")
    assert capsys.readouterr() == ("", "")


def test_every_score_on_record_is_read(study: Path, undisturbed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = benchbox.read_results(study)
    for row in table_json(capsys, study, undisturbed, None)["rows"]:
        for cell in row["cells"].values():
            of_arm = frame[(frame["arm"] == row["arm"]) & (frame["group"] == "all")]
            found = of_arm[(of_arm["metric"] == cell["metric"]) & (of_arm["protocol"] == cell["protocol"])]
            assert found["value"].tolist() == [cell["measured"]]
            assert found["job"].tolist() == row["jobs"]
            assert found["parameters"].tolist() == [row["costs"]["parameters"]]
    assert set(frame["state"]) == {"done"}
    assert (set(frame["study"]), set(frame["scale"]), set(frame["seed"])) == ({"quick"}, {"tiny"}, {0})
    assert frame["value"].between(0, 100).sum() > 40
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert (types["seed"], types["n"], types["value"], types["reference"]) == ("Int64", "Int64", "float64", "boolean")
    alone = benchbox.read_results(undisturbed)
    assert alone["arm"].isna().all()
    assert set(alone["seed"]) == {0}
    shared = ["job", "protocol", "metric", "group", "value", "n", "wall_seconds"]
    ordered = [one.sort_values(shared[:4], ignore_index=True)[shared] for one in (alone, frame)]
    pd.testing.assert_frame_equal(*ordered)


def test_an_arm_without_a_result_is_a_row(study: Path, tmp_path: Path) -> None:
    frame = benchbox.read_results(study, results=tmp_path / "nothing")
    assert frame["arm"].tolist() == ["baseline", "stage 1"]
    assert frame["state"].tolist() == ["pending", "pending"]
    assert frame["value"].isna().all()
    assert str(frame["value"].dtype) == "float64"


def test_where_it_is_called_changes_nothing(study: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = benchbox.read_results(study), benchbox.table(study, format="csv")
    monkeypatch.chdir(study.parent)
    monkeypatch.delenv("BENCHBOX_RESULTS")
    given = {"results": os.path.relpath(undisturbed)}
    here = benchbox.read_results("quick.toml", **given), benchbox.table("quick.toml", format="csv", **given)
    pd.testing.assert_frame_equal(there[0], here[0])
    assert there[1] == here[1]


def test_a_paper_is_a_frame_with_the_printed_numbers(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = benchbox.table(paper="efficient-hrnet", tables=["I"], scale="tiny")
    assert frame["AP reported"].tolist()[:3] == ["74.4", "75.4", "75.9"]
    assert frame["parameters counted"].tolist()[0] == 28_536_113
    assert set(frame["table"]) == {"I"}
    assert frame["AP measured"].isna().all()
    assert set(frame["AP verdict"]) == {"pending"}
    twice = benchbox.table(paper="efficient-hrnet", tables=["I", "I"], scale="tiny")
    pd.testing.assert_frame_equal(twice[len(frame) :].reset_index(drop=True), frame)


def test_comparisons_are_the_verbs(study: Path, undisturbed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides, asked = (f"{study}:baseline", f"{study}:stage 1"), {"resamples": 100, "protocols": [PCKH]}
    given = {"scale": None, "by": "joint", "how": asked, "results": undisturbed, "format": "json"}
    said = printed(capsys, compare.compare, *sides, **given)
    frame = benchbox.compare(*sides, by="joint", resamples=100, protocol=PCKH)
    assert len(frame) == len(said["rows"]) == 18
    for name in ("metric", "group", "a", "b", "difference", "low", "high", "p", "p_holm", "word", "persons", "kind"):
        assert frame[name].tolist() == [row[name] for row in said["rows"]], name
    assert frame["seeds_a"].tolist() == [1] * 18
    assert frame.attrs["footnotes"] == said["footnotes"]
    assert capsys.readouterr() == ("", "")


def test_an_array_of_the_truth_is_all_right_and_one_a_head_away_all_wrong(
    study: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = prepare(cache, train=160, test=40)
    people = mpii.read_people(root / "mpii", "valid")
    truth = np.array([person.keypoints[:, :2] for person in people], np.float64)
    given = {"dataset": "mpii", "truth": root / "mpii/annot/valid.json", "protocol": "pckh@0.5/all-joints-v1"}
    right = benchbox.score(truth, **given)
    assert right.query("group == 'all'")["value"].tolist() == [100.0]
    head = np.nanmax([person.head_size for person in people])
    assert benchbox.score(truth + head, **given).query("group == 'all'")["value"].tolist() == [0.0]
    (tmp_path / "one-based.json").write_text(json.dumps((truth + 1).tolist()))
    verb = {"truth": given["truth"], "protocols": [given["protocol"]], "origin": 1, "save": "", "by": None}
    said = printed(capsys, scores.score, tmp_path / "one-based.json", "mpii", **verb, results=tmp_path, format="json")
    assert said["rows"] == right.to_dict("records")
    assert benchbox.score(tmp_path / "one-based.json", **given).to_dict("records") == said["rows"]


def test_an_array_for_coco_needs_its_images(study: Path, cache: Path) -> None:
    root = prepare(cache, train=160, test=40)
    people = [person for person in coco.read_people(root / "coco", "val") if person.keypoints[:, 2].any()]
    points = np.array([person.keypoints[:, :2] for person in people])
    given = {"dataset": "coco", "truth": coco.annotation_file(root / "coco", "val")}
    frame = benchbox.score(points, image_ids=[person.image_id for person in people], **given)
    assert frame.query("metric == 'AP' and group == 'all'")["value"].tolist() == [pytest.approx(100.0)]
    assert f"{len(people)} predictions for" in frame.attrs["notes"][0]
    shuffled = benchbox.score(points[::-1], image_ids=[person.image_id for person in people], **given)
    assert shuffled.query("metric == 'AP' and group == 'all'")["value"].item() < 50


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda study: benchbox.read_results("nowhere.toml"), InvalidInput, "nowhere.toml: no such file"),
        (lambda study: benchbox.read_results(study, scale="tinny"), InvalidInput, 'did you mean "tiny"?'),
        (lambda study: benchbox.read_results(study.parent), InvalidInput, "neither a study's file nor a results"),
        (lambda study: benchbox.read_results(study.parent, scale="tiny"), InvalidInput, "go with a study's file"),
        (lambda study: benchbox.table(), InvalidInput, "give either a study's file or --paper NAME"),
        (lambda study: benchbox.table(study, format="latx"), InvalidInput, 'did you mean "latex"?'),
        (lambda study: benchbox.table(study, format="rich"), InvalidInput, "format rich: unknown"),
        (lambda study: benchbox.table(study, by="jiont"), InvalidInput, 'did you mean "joint"?'),
        (lambda study: benchbox.table(study, by=7), InvalidInput, "by: must be a text; got 7"),
        (lambda study: benchbox.table(study, format=7), InvalidInput, "format: must be a text; got 7"),
        (lambda study: benchbox.read_results(study, scale=3), InvalidInput, "scale: must be a text; got 3"),
        (lambda study: benchbox.compare("1", "2", by=7), InvalidInput, "by: must be a text; got 7"),
        (lambda study: benchbox.compare("1", "2", seeds=[7]), InvalidInput, "--seeds 7: goes with an arm"),
        (lambda study: benchbox.table(study, by="pair", results="none"), CannotJudge, "tiny; benchbox run"),
        (lambda study: benchbox.table(paper="acn"), InvalidInput, 'did you mean "acnn"?'),
        (lambda study: benchbox.compare(f"{study}:stage", f"{study}:x"), InvalidInput, 'did you mean "stage 1"?'),
        (lambda study: benchbox.score("x.mat", dataset="mpii", image_ids=[1]), InvalidInput, "go with an array"),
        (lambda study: benchbox.score("x.mat", dataset="mpii"), EnvironmentProblem, "BENCHBOX_DATA is not set"),
        (lambda study: benchbox.score(np.zeros((2, 17)), dataset="coco"), InvalidInput, "an array of (2, 17)"),
        (lambda study: benchbox.score([[1]], dataset="coco"), InvalidInput, "list, expected a file or numbers"),
        (lambda study: benchbox.score(np.zeros((2, 17, 2)), dataset="coco"), InvalidInput, "needs image_ids"),
        (
            lambda study: benchbox.score(np.zeros((2, 17, 2)), dataset="coco", image_ids=[1]),
            InvalidInput,
            "2 persons, 1 image_ids, 2 scores: must be as many",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_raised_as_one_line_and_nothing_is_printed(
    call: Callable[[Path], object],
    kind: type[BenchboxError],
    said: str,
    study: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(kind) as problem:
        call(study)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda study: benchbox.read_results(None), "study_or_folder: must be a path; got None"),
        (lambda study: benchbox.read_results(study, seeds="0,1"), "seeds: must be whole numbers, e.g. [0, 1, 2]"),
        (lambda study: benchbox.read_results(study, seeds=0), "seeds: must be whole numbers, e.g. [0, 1, 2]; got 0"),
        (lambda study: benchbox.read_results(study, results=3), "results: must be a path; got 3"),
        (lambda study: benchbox.table(study, protocol=3), "protocol: must be a text or a list of texts; got 3"),
        (lambda study: benchbox.compare("a", "b", resamples=-3), "resamples: must be a whole number from 100 to"),
        (lambda study: benchbox.compare("a", "b", resamples=True), "resamples: must be a whole number from 100 to"),
        (lambda study: benchbox.compare("a", "b", resamples="100"), "resamples: must be a whole number from 100 to"),
        (lambda study: benchbox.compare("a", "b", confidence="x"), "confidence: must be a number from 0.5 up"),
        (lambda study: benchbox.compare(1, "b"), "a: must be a text; got 1"),
        (lambda study: benchbox.score(np.zeros((1, 16, 2)), dataset=None), "dataset: must be a text; got None"),
    ],
)
def test_an_argument_of_another_kind_is_one_line(call: Callable[[Path], object], said: str, study: Path) -> None:
    with pytest.raises(InvalidInput) as problem:
        call(study)
    assert str(problem.value).startswith(said)


def test_an_array_is_not_told_as_a_file(study: Path, cache: Path) -> None:
    truth = prepare(cache, train=160, test=40) / "mpii/annot/valid.json"
    with pytest.raises(InvalidInput) as problem:
        benchbox.score(np.zeros((3, 16, 2)), dataset="mpii", truth=truth)
    assert str(problem.value).startswith("predictions: ")
    assert "array.json" not in str(problem.value)


def test_seeds_that_run_was_given_are_asked_for_as_numbers(study: Path) -> None:
    rows = benchbox.read_results(study, seeds=[0, 5])
    assert rows.groupby("seed")["state"].unique().map(list).to_dict() == {0: ["done"], 5: ["pending"]}
    assert rows.loc[rows["seed"] == 5, "value"].isna().all()
    frame = benchbox.table(study, seeds=[0, 5])
    assert frame[f"PCKh {PCKH} seeds"].tolist() == [1, 1]
    assert benchbox.table(study, seeds=[5])["state"].tolist() == ["pending", "pending"]
    same = benchbox.compare(f"{study}:baseline", f"{study}:stage 1", seeds=[0])
    assert same.equals(benchbox.compare(f"{study}:baseline", f"{study}:stage 1"))
    with pytest.raises(CannotJudge, match="no seed of it is done"):
        benchbox.compare(f"{study}:baseline", f"{study}:stage 1", seeds=[5])
    with pytest.raises(InvalidInput, match="different numbers"):
        benchbox.table(study, seeds=[1, 1])
