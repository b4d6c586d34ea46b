"""Scores from records alone: the same bits as at training time, by other protocols too, with predictions of others."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchbox import records
from benchbox.datasets.synthetic import files
from benchbox.jobdir import JobDir
from tests import readme
from tests.end_to_end.quick import write

pytestmark = pytest.mark.studies
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def results(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of the quick study's results that a test may change."""
    return Path(shutil.copytree(undisturbed, tmp_path / "results"))


def score_files(results: Path) -> list[Path]:
    found = [JobDir(folder).result() for folder in sorted((results / "jobs").iterdir())]
    return [attempt.table("scores") for attempt in found if attempt]


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_rescoring_gives_the_bits_of_training_time(results: Path, benchbox: Call) -> None:
    before = [pq.read_table(file).to_pylist() for file in score_files(results)]
    for file in score_files(results):
        records.write(file, "scores", [])
    done = benchbox("rescore", "--results", str(results), "--json")
    assert done.returncode == 0, done.stderr
    assert [pq.read_table(file).to_pylist() for file in score_files(results)] == before
    again = benchbox("rescore", "--results", str(results), "--check", "--json")
    assert again.returncode == 0
    assert {one["state"] for one in answer(again)["rows"]} == {"equal"}


def test_a_changed_score_is_found_and_only_then_written(results: Path, benchbox: Call) -> None:
    file = score_files(results)[0]
    rows = pq.read_table(file).to_pylist()
    rows[3]["value"] += 1e-12 * max(1.0, rows[3]["value"])
    records.write(file, "scores", rows)
    done = benchbox("rescore", "--results", str(results), "--check", "--json")
    assert done.returncode == 1
    assert sorted(one["state"] for one in answer(done)["rows"]) == ["changed", "equal"]
    assert f"{rows[3]['metric']} {rows[3]['group']}" in done.stderr
    assert pq.read_table(file)["value"][3].as_py() == rows[3]["value"]
    assert benchbox("rescore", "--results", str(results)).returncode == 0
    assert benchbox("rescore", "--results", str(results), "--check").returncode == 0


def test_other_protocols_are_added_and_stand_in_columns_of_their_own(
    results: Path, tmp_path: Path, benchbox: Call
) -> None:
    study = str(write(tmp_path))
    words = ["--results", str(results)]
    for protocol in ("coco-kp/no-nms", "pckh@0.2/coco17"):
        done = benchbox("rescore", study, "--protocol", protocol, *words)
        assert done.returncode == 0, done.stderr
    table = answer(benchbox("table", study, "--json", *words))
    assert set(table["protocols"]) == {
        "coco-kp/gt-boxes/flip",
        "coco-kp/gt-boxes/flip/no-nms",
        "pckh@0.5/coco17/gt-boxes/flip",
        "pckh@0.2/coco17/gt-boxes/flip",
    }
    for row in table["rows"]:
        cells = row["cells"]
        strict = cells["PCKh pckh@0.2/coco17/gt-boxes/flip"]["measured"]
        assert strict < cells["PCKh pckh@0.5/coco17/gt-boxes/flip"]["measured"]
        assert cells["AP coco-kp/gt-boxes/flip/no-nms"]["n"] == 1
    one = answer(benchbox("table", study, "--json", "--protocol", "pckh@0.2/coco17", *words))
    assert one["protocols"] == ["pckh@0.2/coco17/gt-boxes/flip"]
    wrong = benchbox("rescore", study, "--protocol", "coco-kp/det-56.4/flip", *words)
    assert wrong.returncode == 2
    assert "the predictions are gt-boxes/flip" in wrong.stderr
    never = benchbox("rescore", study, "--protocol", "pck@0.2/lsp-v1", *words)
    assert never.returncode == 2
    assert "lsp-v1 is for lsp14, not coco17" in never.stderr


def test_our_own_predictions_judged_as_anothers_give_our_scores(
    results: Path, tmp_path: Path, cache: Path, benchbox: Call
) -> None:
    """Write a job's people as a COCO result file: judged with final scores, its AP is that of the job without NMS."""
    study = str(write(tmp_path))
    words = ["--results", str(results)]
    assert benchbox("rescore", study, "--protocol", "coco-kp/no-rescoring/no-nms", *words).returncode == 0
    table = answer(benchbox("table", study, "--json", *words))
    attempt = JobDir(results / "jobs" / table["rows"][0]["jobs"][0]).result()
    assert attempt is not None
    file = tmp_path / "ours.json"
    file.write_text(json.dumps([_result(row) for row in pq.read_table(attempt.table("people")).to_pylist()]))
    truth = files.prepare(cache, train=160, test=40) / "coco/annotations/person_keypoints_val.json"
    asked = ["score", str(file), "--dataset", "coco", "--truth", str(truth), *words]
    declared = "coco-kp/gt-boxes/flip"
    done = benchbox(*asked, "--protocol", declared, "--save", "ours", "--json")
    assert done.returncode == 0, done.stderr
    assert readme.undocumented(answer(done)) == set()
    found = {row["metric"]: row["value"] for row in answer(done)["rows"] if row["group"] == "all"}
    mixed = answer(benchbox("table", study, "--json", "--with", "ours", "--mixed-protocols", *words))
    ours = next(row for row in mixed["rows"] if row["arm"] == "ours")
    assert ours["state"] == "saved"
    assert ours["cells"]["AP coco-kp"]["measured"] == found["AP"]
    job = {cell["protocol"]: cell["measured"] for cell in _unmixed(benchbox, study, words)}
    assert found["AP"] == pytest.approx(job["coco-kp/gt-boxes/flip/no-rescoring/no-nms"], abs=1e-9)
    against = answer(benchbox("compare", "ours", table["rows"][0]["jobs"][0], "--protocol", declared, "--json", *words))
    (gap,) = [row for row in against["rows"] if (row["metric"], row["group"]) == ("AP", "all")]
    assert gap["a"] == pytest.approx(found["AP"])
    again = benchbox("rescore", "--check", "--json", *words)
    assert {one["name"]: one["state"] for one in answer(again)["rows"]}["ours"] == "equal"


def _result(row: dict[str, Any]) -> dict[str, Any]:
    points = zip(row["keypoints"][::2], row["keypoints"][1::2], row["confidences"], strict=True)
    flat = [value for point in points for value in point]
    return {"image_id": row["image_id"], "category_id": 1, "keypoints": flat, "score": row["box_score"]}


def _unmixed(benchbox: Call, study: str, words: list[str]) -> list[dict[str, Any]]:
    rows = answer(benchbox("table", study, "--json", *words))["rows"]
    return [cell for key, cell in rows[0]["cells"].items() if key.startswith("AP ")]


def test_scores_are_shown_by_group_with_their_numbers(results: Path, tmp_path: Path, benchbox: Call) -> None:
    study, words = str(write(tmp_path)), ["--results", str(results)]
    table = answer(benchbox("table", study, "--by", "category", "--json", *words))
    (row, _) = table["rows"]
    cells = {key: cell["counted"] for key, cell in row["cells"].items() if key.startswith("category:")}
    people = pq.read_table(score_files(results)[0].with_name("people.parquet"))["category"].to_pylist()
    assert cells == {f"category:{name}": people.count(name) for name in set(people)}
    joints = answer(benchbox("table", study, "--by", "joint", "--json", *words))["rows"][0]["cells"]
    assert len([key for key in joints if key.startswith("joint:")]) == 17
    wrong = benchbox("table", study, "--by", "colour", *words)
    assert wrong.returncode == 2
    assert "--by colour: unknown" in wrong.stderr
    none = benchbox("table", study, "--by", "activity", *words)
    assert none.returncode == 3
