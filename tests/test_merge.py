"""Joining results folders, and what a results folder can do without."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from benchbox import records, saved
from benchbox.errors import InvalidInput
from benchbox.files import read_json, write_json
from benchbox.jobdir import Attempt, JobDir
from benchbox.leftovers import leftovers, remove
from benchbox.merge import merge
from tests.queues.test_pool import folders

ORIGIN = {"config": '{"seed": 0, "train": {}}', "provenance": "{}"}
"""What the row of a run does not lack."""


def write(path: Path, job: str, value: float) -> None:
    score: dict[str, Any] = {"job": job, "protocol": "p", "metric": "AP", "group": "all", "value": value, "n": 1}
    records.write(path / "scores.parquet", "scores", [score])
    two = {"confidences": [1.0, 1.0], "keypoints": [0.0] * 4, "truth": None}
    two |= {"joint_errors": [0.25, float("nan")]}  # a joint that is not labelled has no error
    records.write(path / "people.parquet", "people", [{"job": job, "image": "a.jpg", "person": 1, **two}])


def finish(job: JobDir, value: float = 1.0) -> Attempt:
    attempt = job.claim()
    assert attempt is not None
    write(attempt.path, job.id, value)
    records.write(attempt.table("runs"), "runs", [{"job": job.id, "wall_seconds": 3.0, **ORIGIN}])
    attempt.checkpoint.write_bytes(b"weights")
    attempt.publish({}, 1.0)
    attempt.end("done")
    write_json(attempt.progress, {"phase": "done", "score": {"AP": value}})
    return attempt


def keep(results: Path, name: str, value: float) -> None:
    with saved.replaced(results, name, {"dataset": "d", "truth": "t", "prediction": [], "skeleton": "s"}) as copy:
        write(copy.path, name, value)


def outcomes(here: Path, other: Path) -> dict[str, str]:
    return {one.name: one.outcome for one in merge(here, other)}


def content(results: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for folder in (results / "jobs").iterdir():
        result = JobDir(folder).result()
        found[folder.name] = result and records.load(result.table("scores"), "scores").to_pylist()
    for name in saved.names(results):
        found[name] = records.load(saved.find(results, name).table("scores"), "scores").to_pylist()
    return found


def test_what_is_missing_is_added_and_nothing_is_overwritten(tmp_path: Path) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    ours, theirs = folders(here, 6), folders(other, 6)
    finish(ours[0])
    finish(theirs[0])
    finish(ours[1], 2.0)
    finish(theirs[1], 3.0)
    finish(theirs[2])
    failed = ours[2].claim()
    assert failed is not None
    failed.end("failed", failure="code", error="x", exit_code=1)
    begun = theirs[3].claim()
    assert begun is not None
    finish(theirs[4])
    assert ours[4].claim() is not None
    (theirs[5].path / "job.json").write_text("{")
    keep(other, "added", 1.0)
    expected = dict(
        zip(
            [job.id for job in ours],
            ["same", "differs", "added", "unfinished", "running", "damaged"],
            strict=True,
        )
    )
    assert outcomes(here, other) == expected | {"predictions/added": "added"}
    assert (ours[2].state().name, ours[2].state().attempt) == ("done", 2)
    assert not Attempt(ours[2], 2).checkpoint.exists()
    again = outcomes(here, other)
    assert again == expected | {ours[2].id: "same", "predictions/added": "same"}
    keep(here, "added", 2.0)
    assert outcomes(here, other)["predictions/added"] == "differs"
    assert content(here)["added"][0]["value"] == 2.0


def test_the_score_that_status_shows_comes_along(tmp_path: Path) -> None:
    finish(folders(tmp_path / "there", 1)[0], 17.5)
    assert set(outcomes(tmp_path / "here", tmp_path / "there").values()) == {"added"}
    (job,) = (tmp_path / "here/jobs").iterdir()
    result = JobDir(job).result()
    assert result is not None
    assert read_json(result.progress) == {"phase": "done", "score": {"AP": 17.5}}
    assert not result.checkpoint.exists()


def test_the_order_does_not_matter(tmp_path: Path) -> None:
    for index in range(3):
        for job in folders(tmp_path / f"part{index}", 4)[index : index + 2]:
            finish(job)
        keep(tmp_path / f"part{index}", f"set{index}", float(index))
    found = []
    for order in itertools.permutations(range(3)):
        whole = tmp_path / ("whole" + "".join(map(str, order)))
        (whole / "jobs").mkdir(parents=True)
        for index in order:
            assert set(outcomes(whole, tmp_path / f"part{index}").values()) <= {"added", "same", "unfinished"}
        found.append(content(whole))
    assert all(one == found[0] for one in found)
    assert len(found[0]) == 7


def test_what_is_no_results_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no results folder"):
        list(merge(tmp_path / "here", tmp_path))
    folders(tmp_path, 1)
    with pytest.raises(InvalidInput, match="itself"):
        list(merge(tmp_path, tmp_path / "."))


def test_cleaning_keeps_results_what_can_go_on_and_the_last_failure(tmp_path: Path) -> None:
    done, stopped, failed, running, pending = folders(tmp_path, 5)
    first = done.claim()
    assert first is not None
    first.end("failed", failure="infrastructure", error="x", exit_code=-9)
    result = finish(done)
    numbers = {}
    for job, saves in ((stopped, {1, 2}), (failed, set[int]())):
        for number in (1, 2, 3):
            attempt = job.claim()
            assert attempt is not None
            if number in saves:
                attempt.checkpoint.write_bytes(b"weights")
            attempt.end("failed", failure="infrastructure", error="x", exit_code=-9)
        numbers[job.id] = job.numbers()
    assert running.claim() is not None
    draft = pending.path / "attempts" / ".claim-abc"
    draft.mkdir(parents=True)
    (draft / "claim.json").write_text("{}")
    found = {one.path.relative_to(tmp_path / "jobs") for one in leftovers(tmp_path)}
    assert found == {
        Path(done.id, "attempts/1"),
        Path(done.id, "attempts/2/checkpoint.pt"),
        Path(stopped.id, "attempts/1"),
        Path(failed.id, "attempts/1"),
        Path(failed.id, "attempts/2"),
        Path(pending.id, "attempts/.claim-abc"),
    }
    for one in leftovers(tmp_path):
        remove(one)
    assert not list(leftovers(tmp_path))
    assert (done.result(), running.state().name) == (result, "running")
    assert (stopped.numbers(), failed.numbers()) == ([2, 3], [3])


def test_weights_are_copied_with_their_result_and_are_no_leftover(tmp_path: Path) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    (ours,), (theirs,) = folders(here, 1), folders(other, 1)
    finish(theirs).weights.write_bytes(b"weights")
    assert outcomes(here, other) == {ours.id: "added"}
    result = ours.result()
    assert result is not None
    assert result.weights.read_bytes() == b"weights"
    result.checkpoint.write_bytes(b"state")
    assert [one.path for one in leftovers(here)] == [result.checkpoint]


@pytest.mark.parametrize("name", ["people", "scores", "runs"])
def test_a_damaged_result_is_not_added(name: str, tmp_path: Path) -> None:
    (job,) = folders(tmp_path / "other", 1)
    finish(job).table(name).write_bytes(b"PAR1 nothing PAR1")
    (found,) = merge(tmp_path / "here", tmp_path / "other")
    assert (found.outcome, JobDir.of(tmp_path / "here", job.id).result()) == ("damaged", None)
    assert f"{name}.parquet" in found.why


def test_a_result_that_is_withdrawn_is_to_be_done_again(tmp_path: Path) -> None:
    (job,) = folders(tmp_path, 1)
    attempt = finish(job)
    job.withdraw()
    assert (job.result(), job.state().name) == (None, "interrupted")
    assert attempt.table("people").exists()
    again = job.claim()
    assert again is not None
    assert again.number == 2
