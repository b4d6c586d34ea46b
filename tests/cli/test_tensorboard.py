"""Event files, read back by TensorBoard's own reader, hold what is on record; written again they only grow."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from benchbox import events
from benchbox.cli import event_files
from benchbox.cli import tensorboard as verb
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.jobdir import Attempt, JobDir
from tests import readme
from tests.end_to_end import quick

RUN = "quick tiny/baseline, seed 0"


@pytest.fixture
def study(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    return quick.write(tmp_path)


@pytest.fixture
def results(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(undisturbed, tmp_path / "results"))


def written(
    study: list[Path], results: Path, capsys: pytest.CaptureFixture[str], persons: int = 2
) -> dict[str, dict[str, Any]]:
    """Call the verb; return its rows by run."""
    assert verb.tensorboard(study, None, persons, results, "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert readme.undocumented(answer) == set()
    return {row["run"]: row for row in answer["rows"]}


def read(results: Path, run: str = RUN) -> EventAccumulator:
    found = EventAccumulator(
        str(results / "tensorboard" / run), size_guidance={"scalars": 0, "images": 0, "tensors": 0}
    )
    found.Reload()
    return found


def attempt_of(results: Path, job: str) -> Attempt:
    found = JobDir.of(results, job).result()
    assert found is not None
    return found


def scalars(found: EventAccumulator, tag: str) -> dict[int, float]:
    """Return a tag's values by step, which must not repeat."""
    events = found.Scalars(tag)
    values = {one.step: one.value for one in events}
    assert len(values) == len(events)
    return values


def test_what_tensorboard_reads_is_what_is_stored(
    study: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = written([study], results, capsys, persons=0)
    assert {name: row["outcome"] for name, row in rows.items()} == {RUN: "new", "quick tiny/stage 1, seed 0": "new"}
    attempt, found = attempt_of(results, rows[RUN]["job"]), read(results)
    told = re.findall(r"epoch (\d)/3 .* loss (\S+) PCKh (\S+)", attempt.log.read_text())
    assert len(told) == 3
    single = np.float32
    assert scalars(found, "training/loss") == {int(epoch): single(loss) for epoch, loss, _ in told}
    assert scalars(found, "training/PCKh of a few persons") == {int(epoch): single(glance) for epoch, _, glance in told}
    assert scalars(found, "training/rate") == dict.fromkeys((1, 2, 3), single(1e-3))
    scores = [row for row in pq.read_table(attempt.table("scores")).to_pylist() if row["group"] == "all"]
    assert len(scores) > 5
    for row in scores:
        if not np.isnan(row["value"]):
            assert scalars(found, f"score/{row['metric']} {row['protocol']}") == {3: single(row["value"])}
    (kept,) = pq.read_table(attempt.table("runs"))["validations"].to_pylist()
    for one in json.loads(kept):
        assert scalars(found, "validation/PCKh")[one["epoch"]] == single(one["PCKh"])


@pytest.mark.studies
def test_settings_and_pictures_are_there(study: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = written([study], results, capsys)[RUN]["job"]
    found = read(results)
    plugin = found.SummaryMetadata("_hparams_/session_start_info").plugin_data
    settings = HParamsPluginData.FromString(plugin.content).session_start_info.hparams
    assert (settings["model.width"].number_value, settings["train.batch"].number_value) == (16, 16)
    assert (settings["arm"].string_value, settings["model.name"].string_value) == ("baseline", "hrnet")
    assert settings["train.flip"].number_value == 0.5
    assert settings["evaluate.flip_test"].bool_value is True
    tags = [f"{kind} persons/{place}" for kind in ("worst", "first") for place in (1, 2)]
    assert found.Tags()["images"] == tags
    for tag in tags:
        (one,) = found.Images(tag)
        picture = cv2.imdecode(np.frombuffer(one.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (one.height, one.width, 3) == (event_files.SIDE, event_files.SIDE, 3)
    people = pq.read_table(attempt_of(results, job).table("people")).to_pylist()
    worst = min((row for row in people if row["oks"] is not None), key=lambda row: row["oks"])
    said = found.Tensors("persons")[0].tensor_proto.string_val[0].decode()
    assert said.startswith(f"worst persons/1: person {worst['person']}, OKS {100 * worst['oks']:.1f}\n")


@pytest.mark.studies
def test_a_second_call_writes_nothing_and_other_persons_a_new_file(
    study: Path, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written([study], results, capsys)
    file = results / "tensorboard" / RUN / events.NAME
    before = file.read_bytes(), file.stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(event_files.pictures, "persons", None)  # nothing is drawn again
        assert {row["outcome"] for row in written([study], results, capsys).values()} == {"unchanged"}
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert {row["outcome"] for row in written([study], results, capsys, persons=0).values()} == {"replaced"}
    assert read(results).Tags()["images"] == []
    alone = written([], results, capsys, persons=0)
    assert set(alone) == {f"jobs/{entry.name}" for entry in (results / "jobs").iterdir()}


def test_the_file_of_a_running_job_grows(study: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = written([study], results, capsys, persons=0)[RUN]["job"]
    attempt, file = attempt_of(results, job), results / "tensorboard" / RUN / events.NAME
    whole, log, published = file.read_bytes(), attempt.log.read_text(), attempt.published.read_text()
    attempt.published.unlink()
    attempt.log.write_text(log[: log.index("epoch 3/3")])
    assert written([study], results, capsys, persons=0)[RUN]["outcome"] == "replaced"
    assert list(scalars(read(results), "training/loss")) == [1, 2]
    reader, begin = read(results), file.read_bytes()
    attempt.log.write_text(log)
    attempt.published.write_text(published)
    assert written([study], results, capsys, persons=0)[RUN]["outcome"] == "grown"
    assert file.read_bytes() == whole
    assert whole.startswith(begin)
    reader.Reload()  # of one that had the file open all the time
    assert list(scalars(reader, "training/loss")) == [1, 2, 3]
    file.write_bytes(whole[:-7])  # as of a process that was killed while it wrote
    assert written([study], results, capsys, persons=0)[RUN]["outcome"] == "grown"
    assert file.read_bytes() == whole


def test_a_name_leads_nowhere_else_and_two_names_stay_two() -> None:
    names = ["../../etc", "..", ".", "", "/", "a/b", "a%2Fb", "a_b", "Sub-1 + Stage-1", "模型", "x" * 400]
    found = [f"{verb._name(name)}, seed 0" for name in names]
    assert all("/" not in name and not name.startswith(".") and len(name) < 200 for name in found)
    assert "Sub-1 + Stage-1, seed 0" in found
    assert len({*found[5:]}) == len(found[5:])


def test_what_cannot_be_written_is_said_in_one_line(
    study: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotJudge, match="none of these jobs was begun"):
        verb.tensorboard([study], None, 0, results / "elsewhere", "json")
    with pytest.raises(InvalidInput, match="--scale tiny: goes with a study's file"):
        verb.tensorboard([], "tiny", 0, results, "json")
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'benchbox\[tensorboard\]'") as problem:
        verb.tensorboard([study], None, 0, results, "json")
    assert "\n" not in str(problem.value)
