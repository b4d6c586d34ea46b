"""Files with random damage, by hypothesis: every reader answers with one line or with what it can still read.

A traceback, a hang and anything written beside the results fail. The seeds are fixed.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbox import records, saved, store
from benchbox.cli.app import main
from benchbox.console import CONTROL
from benchbox.datasets.predictions import read_joint_array
from benchbox.errors import BenchboxError
from benchbox.gates import reference as references
from benchbox.jobdir import JobDir
from benchbox.leftovers import leftovers
from benchbox.merge import merge
from benchbox.plan import expand
from benchbox.spec import read_study
from tests.bad_input import good
from tests.bad_input.test_mutations import VALUES, another_value, cut_or_changed
from tests.gates import made

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]


def often(examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


def toml(value: Any) -> str:
    """Spell JSON values as TOML; what TOML lacks is spelt wrongly."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


STUDY = {
    "schema": 1,
    "title": "t",
    "paper": "acnn",
    "effect": 1.0,
    "seeds": [0, 1],
    "factor": ["model.attend", "evaluate.flip_test"],
    "base": {
        "dataset": {"name": "synthetic", "train": 160, "test": 40, "input": [64, 64]},
        "model": {"name": "hrnet", "width": 16, "blocks": 1, "modules": [1, 1, 1], "attention": "am"},
        "train": {"epochs": 2, "batch": 16, "lr_drops": [1], "phases": [{"epochs": 1, "lr": 1e-3}]},
        "evaluate": {"flip_test": True},
    },
    "variants": [{"name": "a", "reference": True}, {"name": "b", "model": {"attend": {"stages": [1]}}}],
    "groups": [{"name": "g", "train": {"batch": 8}}],
    "axes": {"evaluate": {"flip_test": [True, False]}},
    "exclude": [{"variant": "b", "evaluate": {"flip_test": False}, "reason": "r"}],
    "scales": {"tiny": {"train": {"epochs": 1}}},
}
TEXTS = ("\x1b]0;x\x07", "\u202e", "../../x", "x" * 5000, "[" * 5000, "null", "[]", '[{"epoch": 1e400}]')
IN_HERE = ("here/is", "here/is/a", "here/is/a/deep", "here/is/a/deep/folder")
_SMOKE = (ROOT / "ablations/smoke.toml").read_bytes()


@pytest.fixture(autouse=True)
def nothing_beside(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Work in an empty folder five deep, with a home and a place for drafts of its own; assert that all stay empty.

    What climbs from here or from the results by a few folders still lands where it is seen.
    """
    base, before = tmp_path_factory.getbasetemp(), {path.name for path in tmp_path_factory.getbasetemp().iterdir()}
    for place in ("here/is/a/deep/folder", "home", "drafts", "cache"):
        (tmp_path / place).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here/is/a/deep/folder")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "drafts"))
    for name, place in (("BENCHBOX_CACHE", "cache"), ("MPLCONFIGDIR", "cache"), ("HOME", "home"), ("TMPDIR", "drafts")):
        monkeypatch.setenv(name, str(tmp_path / place))
    yield
    kept = [path for path in tmp_path.rglob("*") if (tmp_path / "cache") not in path.parents]
    made_here = {tmp_path / name for name in ("here", "home", "drafts", "cache", *IN_HERE)}
    assert not [path for path in set(kept) - made_here if not path.name.startswith("torchinductor_")]  # torch's own
    new = {path.name for path in base.iterdir()} - before
    assert not [name for name in new if not name.startswith(("fuzz", "merged"))]
    for folder in base.glob("merged*"):
        assert {path.name for path in folder.iterdir()} <= {"jobs", "predictions"}
    for folder in base.glob("fuzz?"):
        assert {path.name for path in folder.iterdir()} <= {
            "results",
            "reference",
            "report",
            "study.toml",
            "gates.toml",
        }


@often(250)
@given(
    content=cut_or_changed(_SMOKE)
    | another_value(STUDY).map(
        lambda text: "\n".join(f"{key} = {toml(value)}" for key, value in json.loads(text).items()).encode()
    )
)
def test_studies(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.toml"
    file.write_bytes(content)
    with contextlib.suppress(BenchboxError):
        study = read_study(file)
        for scale in ("paper", *study.scales):
            with contextlib.suppress(BenchboxError):
                expand(study, scale)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with made-up results, saved predictions and a reference."""
    folder = tmp_path_factory.mktemp("fuzz")
    made.baseline(folder)
    job = next(path for path in sorted((folder / "results/jobs").iterdir()) if JobDir(path).result())
    record = {"dataset": "coco:val2017", "truth": "t", "prediction": ["given"], "skeleton": "coco17"}
    with saved.replaced(folder / "results", "theirs", record) as copy:
        result = JobDir(job).result()
        assert result is not None
        for name in ("people", "scores"):
            records.write_table(copy.table(name), records.load(result.table(name), name))
    return folder


@contextlib.contextmanager
def in_place(file: Path, content: bytes) -> Any:
    """Put other bytes into a file for a while."""
    before = file.read_bytes() if file.exists() else None
    file.write_bytes(content)
    try:
        yield
    finally:
        file.unlink()
        if before is not None:
            file.write_bytes(before)


def job_of(folder: Path) -> JobDir:
    return next(one for path in sorted((folder / "results/jobs").iterdir()) if (one := JobDir(path)).result())


def called(*words: str) -> None:
    """Call the command line; assert one line or an answer, and never a traceback."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["benchbox", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
            main()
    finally:
        sys.argv = before
    assert end.value.code in (None, 0, 1, 2, 3, 4), err.getvalue()
    assert "Traceback" not in err.getvalue()
    assert not CONTROL.search(out.getvalue() + err.getvalue()), "a name steers the terminal"


JSON_FILES = {
    "job.json": lambda job: job.path / "job.json",
    "published.json": lambda job: job.result().published,
    "end.json": lambda job: job.result().end_file,
    "claim.json": lambda job: job.result().path / "claim.json",
    "progress.json": lambda job: job.result().progress,
    "cancelled.json": lambda job: job.path / "cancelled.json",
    "submitted.json": lambda job: job.path / "submitted.json",
}
SAMPLES = {
    "end.json": {"schema": 1, "state": "failed", "class": "code", "error": "e", "exit_code": 1, "source": "s"},
    "claim.json": {"schema": 1, "host": "h", "boot": "b", "space": "s", "pid": 1, "started": "1"},
    "progress.json": {
        "phase": "train",
        "epoch": 1,
        "epochs": 2,
        "rate": 3.0,
        "loss": 1.0,
        "data_wait": 0.1,
        "seconds_left": 9.0,
        "score": {"AP": 1.0},
        "time": 1.0,
    },
    "cancelled.json": {"schema": 1, "attempt": 0},
    "submitted.json": {"schema": 1, "executor": "slurm", "id": "1_1", "after": 0},
}


@pytest.mark.parametrize("name", JSON_FILES)
@often(20)
@given(choice=st.data())
def test_records_of_a_job(folder: Path, tmp_path_factory: pytest.TempPathFactory, name: str, choice: Any) -> None:
    job, results = job_of(folder), folder / "results"
    file = JSON_FILES[name](job)
    document = json.loads(file.read_bytes()) if file.exists() else SAMPLES[name]
    content = choice.draw(cut_or_changed(good.text(document)) | another_value(document))
    with in_place(file, content):
        job.state()
        job.result()
        with contextlib.suppress(BenchboxError):
            job.read()
        with contextlib.suppress(BenchboxError):
            store.read(results, [job.id])
        list(leftovers(results))
        if name in ("job.json", "published.json"):
            list(merge(tmp_path_factory.mktemp("merged"), results))
        called("status", "--results", str(results))


@often(60)
@given(choice=st.data())
def test_parquet_files_of_other_types_or_bytes(folder: Path, choice: Any) -> None:
    job = job_of(folder)
    result = job.result()
    assert result is not None
    name = choice.draw(st.sampled_from(records.JOB_TABLES))
    file = result.table(name)
    table = pq.read_table(file).slice(0, 3)
    column = choice.draw(st.sampled_from(table.column_names))
    value = choice.draw(VALUES)
    buffer = io.BytesIO()
    with contextlib.suppress(pa.ArrowException, ValueError, TypeError, OverflowError, UnicodeError):
        other = pa.array([value] * table.num_rows)
        pq.write_table(table.set_column(table.column_names.index(column), column, other), buffer)
    content = buffer.getvalue() if choice.draw(st.booleans()) else choice.draw(cut_or_changed(file.read_bytes()))
    with in_place(file, content), contextlib.suppress(BenchboxError):
        records.load(file, name)
        store.read(folder / "results", [job.id])


def another_cell(field: pa.Field, before: Any) -> st.SearchStrategy[Any]:
    """Draw a value of a column's own type, so that a reader meets it behind the check of types; JSON stays JSON."""
    if pa.types.is_list(field.type):
        return st.none() | st.lists(st.floats(width=32), max_size=60)
    if pa.types.is_boolean(field.type):
        return st.none() | st.booleans()
    if pa.types.is_integer(field.type):
        most = 2 ** (field.type.bit_width - 1)
        return st.none() | st.integers(-3, 3) | st.sampled_from([-most, most - 1])
    if pa.types.is_floating(field.type):
        return st.none() | st.floats()
    texts = st.none() | st.text(max_size=5) | st.sampled_from(TEXTS)
    if isinstance(before, str) and before.startswith("{"):
        return texts | another_value(json.loads(before)).map(bytes.decode)
    return texts


@pytest.mark.parametrize("name", records.JOB_TABLES)
@often(50)
@given(choice=st.data())
def test_parquet_files_of_other_values(folder: Path, name: str, choice: Any) -> None:
    job = job_of(folder)
    result = job.result()
    assert result is not None
    file = result.table(name)
    table = pq.read_table(file)
    place = choice.draw(st.integers(0, table.num_columns - 1))
    field, values = table.schema.field(place), table[place].to_pylist()
    row = choice.draw(st.integers(0, len(values) - 1))
    values[row] = choice.draw(another_cell(field, values[row]))
    buffer = io.BytesIO()
    pq.write_table(table.set_column(place, field, pa.array(values, field.type)), buffer)
    where = ("--results", str(folder / "results"), "--scale", "tiny")
    study = str(folder / "study.toml")
    with in_place(file, buffer.getvalue()):
        called("table", study, "--by", "joint", *where)
        called("table", study, "--json", *where)
        called("explain", study, "baseline", "PCKh", *where)
        called("plot", study, "--kind", "deltas", "--kind", "pck", "--out", str(folder / "report"), *where)


@often(40)
@given(choice=st.data())
def test_references_of_gates(folder: Path, choice: Any) -> None:
    (file,) = (folder / "reference").glob("*.json")
    document = json.loads(file.read_bytes())
    content = choice.draw(cut_or_changed(good.text(document)) | another_value(document))
    with contextlib.suppress(ValueError):
        record = json.loads(content)
        if isinstance(record, dict):
            kept = {key: value for key, value in record.items() if key not in ("digest", "provenance")}
            content = good.text({**record, "digest": references._digest(kept)})
    with in_place(file, content), contextlib.suppress(BenchboxError):
        references.read(file)


@often(40)
@given(choice=st.data())
def test_saved_predictions(folder: Path, tmp_path_factory: pytest.TempPathFactory, choice: Any) -> None:
    results = folder / "results"
    file = results / "predictions/theirs/saved.json"
    document = json.loads(file.read_bytes())
    with in_place(file, choice.draw(cut_or_changed(good.text(document)) | another_value(document))):
        with contextlib.suppress(BenchboxError):
            saved.find(results, "theirs").read()
        with contextlib.suppress(BenchboxError):
            store.with_saved(store.read(results, []), results, ["theirs"])
        list(merge(tmp_path_factory.mktemp("merged"), results))


@often(60)
@given(content=cut_or_changed(good.hdf5(preds=good.mpii_joints())))
def test_predictions_in_hdf5(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.h5"
    file.write_bytes(content)
    with contextlib.suppress(BenchboxError):
        read_joint_array(file, people=good.PEOPLE, joints=16)
