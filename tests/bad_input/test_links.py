"""Links in a results folder lead nowhere: nothing behind them is read, copied, written or removed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchbox import records, saved, store
from benchbox.cli import tensorboard, watch
from benchbox.errors import InvalidInput
from benchbox.jobdir import JobDir
from benchbox.leftovers import leftovers, remove
from benchbox.merge import merge
from benchbox.plan import expand
from benchbox.spec import read_study
from tests.gates import made


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    """A job with a result, an attempt before it and a checkpoint, outside of any results folder."""
    (tmp_path / "away").mkdir()
    made.write(tmp_path / "away", people=made.persons(4), seeds=(0,))
    (path,) = (tmp_path / "away/results/jobs").iterdir()
    job = JobDir(path)
    (path / "attempts/1/log.txt").write_text("done\n")
    shutil.copytree(path / "attempts/1", path / "attempts/2")
    (path / "attempts/2/checkpoint.pt").write_bytes(b"weights")
    published = path / "attempts/2/published.json"
    published.write_text(published.read_text().replace('"attempt": 1', '"attempt": 2'))
    return job


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def linked(results: Path, job: JobDir, place: str) -> JobDir:
    """Put a link to a job, to its attempts, to one attempt or to its files into a results folder."""
    here = JobDir.of(results, job.id)
    target = {"job": here.path, "attempts": here.attempts, "attempt": here.attempts / "1"}.get(place)
    if target is None:
        (here.attempts / "1").mkdir(parents=True)
        for file in (job.attempts / "1").iterdir():
            (here.attempts / "1" / file.name).symlink_to(file)
    else:
        target.parent.mkdir(parents=True)
        source = {"job": job.path, "attempts": job.attempts, "attempt": job.attempts / "1"}[place]
        target.symlink_to(source)
    if place != "job":
        shutil.copy(job.path / "job.json", here.path / "job.json")
    return here


@pytest.mark.parametrize("place", ["job", "attempts", "attempt", "files"])
def test_nothing_behind_a_link_is_read_copied_written_or_removed(place: str, job: JobDir, tmp_path: Path) -> None:
    before = everything(tmp_path / "away")
    results = tmp_path / "here"
    here = linked(results, job, place)
    if place == "files":
        with pytest.raises(InvalidInput, match="is a link"):
            store.read(results, [job.id])
        with pytest.raises(InvalidInput, match="is a link"):
            watch.logs(job.id, False, results)
    else:
        assert here.result() is None
        assert here.numbers() == []
    for found in leftovers(results):
        remove(found)
    list(merge(tmp_path / "merged", results))
    kept = [file for file in (tmp_path / "merged").rglob("*.parquet")]
    assert not kept
    assert not [file for file in (tmp_path / "merged").rglob("*") if file.is_symlink()]
    if place in ("job", "attempts"):
        config = next(arm.config for arm in expand(read_study(tmp_path / "away/study.toml"), "tiny", [0]))
        with pytest.raises(InvalidInput, match="is a link"):
            here.write(config)
    assert everything(tmp_path / "away") == before


def test_saved_predictions_behind_a_link_are_none(job: JobDir, tmp_path: Path) -> None:
    results = tmp_path / "here"
    (results / "predictions").mkdir(parents=True)
    (results / "predictions/theirs").symlink_to(job.attempts / "1")
    assert saved.names(results) == []
    with pytest.raises(InvalidInput, match="no saved predictions"):
        saved.find(results, "theirs")


def test_a_record_of_saved_predictions_behind_a_link_is_not_read(tmp_path: Path) -> None:
    results = tmp_path / "here"
    with saved.replaced(results, "theirs", dict.fromkeys(("dataset", "truth", "prediction", "skeleton"), "x")) as copy:
        assert copy.read()["dataset"] == "x"
    record = results / "predictions/theirs/saved.json"
    record.symlink_to(record.rename(tmp_path / "away.json"))
    with pytest.raises(InvalidInput, match="a link leads out of"):
        saved.find(results, "theirs").read()


@pytest.mark.parametrize("place", ["tensorboard", "tensorboard/jobs", "tensorboard/jobs/JOB"])
def test_event_files_stay_in_the_results(place: str, job: JobDir, tmp_path: Path) -> None:
    results, before = tmp_path / "away/results", everything(tmp_path / "away/results")
    link = results / place.replace("JOB", job.id)
    link.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="a link leads out of"):
        tensorboard.tensorboard([], None, 0, results, "json")
    assert not list((tmp_path / "elsewhere").iterdir())
    assert everything(results) == before
    link.unlink()
    assert tensorboard.tensorboard([], None, 0, results, "json") == 0


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "..", "a/b", "", ".hidden", "x" * 65, "a\0b", "a\nb"])
def test_a_saved_name_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a name is 1 to 64 letters"), saved.replaced(tmp_path, name, {}):
        pass
    assert not list(tmp_path.rglob("*x*"))


def test_a_result_is_found_where_there_is_no_link(job: JobDir, tmp_path: Path) -> None:
    """The same calls find something, so that the tests above look at what they should."""
    results = tmp_path / "away/results"
    assert job.result() is not None
    assert len(records.load(job.attempts / "2/scores.parquet", "scores"))
    assert [one.path.name for one in leftovers(results)] == ["1", "checkpoint.pt"]
    assert [one.outcome for one in merge(tmp_path / "merged", results)] == ["added"]
