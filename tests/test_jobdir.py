"""Job folders: states from files, claims that nobody shares, results that appear once."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from benchbox import lease
from benchbox.config import JobConfig, job_id
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.files import explained, write_json
from benchbox.jobdir import Attempt, JobDir
from benchbox.lease import LEASE_SECONDS, Watch

CONFIG = JobConfig.model_validate({"dataset": {"name": "synthetic"}, "model": {"name": "hrnet"}})


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    folder = JobDir.of(tmp_path, job_id(CONFIG))
    folder.write(CONFIG)
    return folder


def finish(attempt: Attempt, inputs: dict[str, str] | None = None) -> None:
    attempt.table("scores").write_bytes(b"")
    attempt.publish(inputs or {}, 1.5)
    attempt.end("done")


def abandon(attempt: Attempt) -> None:
    """Make the claim that of a process that is gone."""
    claim = json.loads((attempt.path / "claim.json").read_text())
    write_json(attempt.path / "claim.json", claim | {"started": "1"})


def test_the_layout_is_frozen(job: JobDir) -> None:
    attempt = job.claim()
    assert attempt is not None
    finish(attempt)
    found = sorted(file.relative_to(job.path).as_posix() for file in job.path.rglob("*") if file.is_file())
    assert found == [
        "attempts/1/claim.json",
        "attempts/1/end.json",
        "attempts/1/published.json",
        "attempts/1/scores.parquet",
        "job.json",
    ]
    assert json.loads((job.path / "job.json").read_text()).keys() == {"schema", "id", "canonical", "config"}
    claim = json.loads((attempt.path / "claim.json").read_text())
    assert claim.keys() == {"schema", "host", "boot", "space", "pid", "started"}
    end = json.loads((attempt.path / "end.json").read_text())
    assert end.keys() == {"schema", "state", "class", "error", "exit_code", "source"}
    published = json.loads(attempt.published.read_text())
    assert published.keys() == {"schema", "attempt", "source", "inputs", "seconds"}


def test_a_job_goes_from_pending_over_running_to_done(job: JobDir) -> None:
    assert job.state().name == "pending"
    attempt = job.claim()
    assert attempt is not None
    assert job.state().name == "running"
    assert job.claim() is None
    finish(attempt)
    assert (job.state().name, job.state().seconds) == ("done", 1.5)
    assert job.claim() is None


def test_a_dead_process_leaves_an_interrupted_job_that_can_be_claimed(job: JobDir) -> None:
    attempt = job.claim()
    assert attempt is not None
    abandon(attempt)
    assert job.state().name == "interrupted"
    second = job.claim()
    assert second is not None
    assert second.number == 2


def test_an_orphan_cannot_overwrite_a_result(job: JobDir) -> None:
    orphan = job.claim()
    assert orphan is not None
    abandon(orphan)
    second = job.claim()
    assert second is not None
    finish(second)
    finish(orphan)
    result = job.result()
    assert result is not None
    assert result.number == 2


def test_an_orphan_that_publishes_first_is_followed_by_the_attempt_that_replaced_it(job: JobDir) -> None:
    orphan = job.claim()
    assert orphan is not None
    abandon(orphan)
    second = job.claim()
    assert second is not None
    assert not orphan.wanted()
    assert second.wanted()
    finish(orphan)
    assert (job.state().name, job.state().attempt) == ("running", 2)
    finish(second)
    assert job.state().attempt == 2


def elsewhere(attempt: Attempt, **changed: str) -> None:
    """Make the claim that of a process that cannot be seen from here."""
    claim = json.loads((attempt.path / "claim.json").read_text())
    write_json(attempt.path / "claim.json", claim | {"started": "1"} | changed)


@pytest.mark.parametrize("changed", [{"host": "another"}, {"boot": "another"}, {"space": "pid:[1]"}])
def test_what_cannot_be_seen_counts_as_running_until_its_lease_ran_out(job: JobDir, changed: dict[str, str]) -> None:
    attempt = job.claim()
    assert attempt is not None
    elsewhere(attempt, **changed)
    seconds = [0.0]
    watch = Watch(lambda: seconds[0])
    for seconds[0] in (0, LEASE_SECONDS - 1):
        assert not attempt.lapsed(watch)
    attempt.heartbeat.write_text("1")
    for seconds[0] in (LEASE_SECONDS, 2 * LEASE_SECONDS - 1):
        assert not attempt.lapsed(watch)
    assert job.state().name == "running"
    assert job.claim() is None
    seconds[0] = 2 * LEASE_SECONDS
    assert attempt.lapsed(watch)
    second = job.claim(lapsed=1)
    assert second is not None
    assert (second.number, job.claim(lapsed=1)) == (2, None)


def test_a_process_of_this_machine_needs_no_heartbeat(job: JobDir) -> None:
    attempt = job.claim()
    assert attempt is not None
    seconds = [0.0]
    watch = Watch(lambda: seconds[0])
    for seconds[0] in (0, 10 * LEASE_SECONDS):
        assert not attempt.lapsed(watch)


def test_a_heart_beats_and_notices_that_it_is_unwanted(job: JobDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.0)
    attempt, stopped = job.claim(), threading.Event()
    assert attempt is not None
    lease.Heart(attempt.heartbeat, lambda: not attempt.wanted(), stopped.set)
    first = attempt.heartbeat.read_text()
    while attempt.heartbeat.read_text() in ("", first):
        time.sleep(0.05)
    assert not stopped.is_set()
    job.cancel()
    assert stopped.wait(60)


def test_a_cancelled_job_is_not_begun_until_it_is_wanted_again(job: JobDir) -> None:
    job.cancel()
    assert (job.state().name, job.claim()) == ("cancelled", None)
    job.revive()
    attempt = job.claim()
    assert attempt is not None
    job.cancel()
    assert (job.state().name, attempt.wanted()) == ("running", False)
    attempt.end("interrupted", exit_code=143)
    assert (job.state().name, job.claim()) == ("cancelled", None)
    job.revive()
    second = job.claim()
    assert second is not None
    assert second.wanted()


def test_a_result_is_not_cancelled(job: JobDir) -> None:
    attempt = job.claim()
    assert attempt is not None
    finish(attempt)
    job.cancel()
    assert job.state().name == "done"


def test_a_failure_keeps_its_class_and_message(job: JobDir) -> None:
    attempt = job.claim()
    assert attempt is not None
    attempt.end("failed", failure="nan", error="the loss is nan", exit_code=1)
    attempt.end("done")
    state = job.state()
    assert (state.name, state.failure, state.error, state.exit_code) == ("failed", "nan", "the loss is nan", 1)


def test_a_result_of_other_code_or_data_is_stale(job: JobDir, tmp_path: Path) -> None:
    attempt = job.claim()
    assert attempt is not None
    data = tmp_path / "data"
    data.mkdir()
    (data / "people.json").write_text("{}")
    finish(attempt, {"people.json": "0000000000000000", "elsewhere.json": "1"})
    assert job.state().name == "done"
    assert JobDir(job.path, data).state().name == "stale"
    record = json.loads(attempt.published.read_text())
    write_json(attempt.published, record | {"source": "other"})
    assert job.state().name == "stale"
    again = job.claim()
    assert again is not None
    assert job.state().name == "running"
    finish(again)
    assert (job.state().name, job.state().attempt) == ("done", 2)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"schema": 1, "id": "x"', b'{"schema": 1}'])
def test_half_written_files_of_a_crash_do_not_count(job: JobDir, content: bytes) -> None:
    attempt = job.claim()
    assert attempt is not None
    (attempt.path / "end.json").write_bytes(content)
    attempt.published.write_bytes(content)
    abandon(attempt)
    assert job.state().name == "interrupted"


def test_a_half_written_job_file_is_written_anew(job: JobDir) -> None:
    (job.path / "job.json").write_bytes(b'{"schema": 1, "id')
    job.write(CONFIG)
    assert job.read() == CONFIG


def test_a_job_file_of_another_job_is_refused(job: JobDir) -> None:
    record = json.loads((job.path / "job.json").read_text())
    record["config"]["seed"] = 7
    write_json(job.path / "job.json", record)
    with pytest.raises(InvalidInput, match=r"describes job \w+, not \w+; run its study again"):
        job.read()


def _race(path: Path, barrier: object, won: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    attempt = JobDir(path).claim()
    if attempt is not None:
        won.put((os.getpid(), attempt.number))  # type: ignore[attr-defined]
    barrier.wait()  # type: ignore[attr-defined]


def test_of_eight_processes_one_gets_the_job(job: JobDir) -> None:
    context = multiprocessing.get_context("fork")
    barrier, won = context.Barrier(8), context.SimpleQueue()
    processes = [context.Process(target=_race, args=(job.path, barrier, won)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert job.numbers() == [1]
    assert won.get()[1] == 1
    assert won.empty()
    assert sorted(os.listdir(job.attempts)) == ["1"]


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small tmpfs, which needs Linux")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs more rights than this user has")
    try:
        with explained(small), open(small / "filler", "wb") as file:
            file.write(b"x" * 56 * 1024)
        with pytest.raises(EnvironmentProblem, match="no space left on device"):
            write_json(small / "record.json", {"text": "y" * 20_000})
        assert sorted(os.listdir(small)) == ["filler"]
    finally:
        subprocess.run(["umount", str(small)], check=True)
