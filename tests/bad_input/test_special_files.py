"""Files that are none, may never end, hold code or claim to be huge: one short line, and nothing is run or awaited."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from benchbox import events, lease, records, saved
from benchbox.cli import verify, watch
from benchbox.datasets import hdf5
from benchbox.datasets.image import read_image
from benchbox.datasets.image_files import look_at
from benchbox.datasets.image_size import image_size
from benchbox.document import read_document
from benchbox.engine import checkpoint
from benchbox.engine.weights import read_weights
from benchbox.entries import file_fingerprint, read_bytes
from benchbox.errors import LONGEST, BenchboxError, EnvironmentProblem, InvalidInput, told
from benchbox.files import read_json, write_json, write_whole
from benchbox.gates.reports import Report
from benchbox.jobdir import JobDir
from benchbox.leftovers import leftovers
from benchbox.merge import merge
from tests.gates import made

Read = Callable[[Path], object]
READERS: dict[str, tuple[str, Read]] = {
    "study": ("a.toml", read_document),
    "predictions": ("a.json", lambda file: read_bytes(file, "hint")),
    "fingerprint": ("a.json", lambda file: file_fingerprint([file], "hint")),
    "weights": ("a.pth", read_weights),
    "safetensors": ("a.safetensors", read_weights),
    "table": ("a.parquet", lambda file: records.load(file, "scores")),
    "manuscript": ("a.tex", lambda file: verify.verify([file], file.parent, "json")),
    "image": ("a.jpg", read_image),
}
KINDS: dict[str, Callable[[Path], object]] = {
    "pipe": lambda file: os.mkfifo(file),
    "device": lambda file: file.symlink_to("/dev/zero"),
    "folder": lambda file: file.mkdir(),
    "loop": lambda file: file.symlink_to(file.name),
    "empty": lambda file: file.write_bytes(b""),
    "pickle": lambda file: file.write_bytes(pickle.dumps(Touch(file.parent / "run"))),
}
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def bounds() -> Iterator[None]:
    """End a wait after some seconds and refuse memory beyond two gigabytes, as a user's patience and machine would."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

    def late(*_: object) -> None:
        pytest.fail("it waits")

    resource.setrlimit(resource.RLIMIT_AS, (used + 2_000_000_000, before[1]))
    handler = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, handler)
    resource.setrlimit(resource.RLIMIT_AS, before)


class Touch:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        """Name the file."""
        self.file = str(file)

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        """Say what a loader is to call."""
        return os.mkdir, (self.file,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_such_file_is_refused_in_one_line(name: str, kind: str, tmp_path: Path) -> None:
    place, read = READERS[name]
    file = tmp_path / place
    KINDS[kind](file)
    if kind in ("empty", "pickle") and name in ("study", "predictions", "fingerprint", "manuscript"):
        with contextlib.suppress(BenchboxError):  # bytes like any others, perhaps a text without a key
            read(file)
    else:
        with pytest.raises((InvalidInput, EnvironmentProblem)) as refused:
            read(file)
        said = str(refused.value)
        assert str(file) in said
        assert len(said.replace(str(file), "")) < 300
        assert "\n" not in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_an_image_that_is_no_plain_file_has_no_size(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    KINDS[kind](file)
    assert image_size(file) is None
    assert look_at(file).problem in ("unreadable image", "missing image")


Write = Callable[[Path], object]
WRITERS: dict[str, Write] = {
    "a file": lambda file: write_whole(file, "new"),
    "a record": lambda file: write_json(file, {}),
    "events": lambda file: events.grow(file, b"new"),
    "the report of a gate": lambda file: Report(Path("g.toml"), 0).write(file.parent),
}


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_written_over_what_is_no_plain_file(name: str, kind: str, tmp_path: Path) -> None:
    file = tmp_path / ("gate.json" if "gate" in name else "a")
    KINDS[kind](file)
    before = file.lstat()
    with pytest.raises((InvalidInput, EnvironmentProblem), match=f"^{file}: (is a|cannot be written: )"):
        WRITERS[name](file)
    assert os.path.samestat(file.lstat(), before)
    assert [one.name for one in tmp_path.iterdir()] == [file.name], "something is left beside it"


@pytest.mark.parametrize("place", ["/proc/none/a", "/proc/a", "x" * 300, "/dev/null/a"])
@pytest.mark.parametrize("name", ["a file", "events"])
def test_a_place_that_cannot_be_is_told(name: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be written: "):
        WRITERS[name](tmp_path / place)


def test_a_link_that_waits_under_the_name_of_a_draft_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of another")
    (tmp_path / f".a.{os.getpid()}.tmp").symlink_to(tmp_path / "secret")
    write_whole(tmp_path / "a", "new")
    assert ((tmp_path / "a").read_text(), (tmp_path / "secret").read_text()) == ("new", "of another")


@pytest.fixture
def job(tmp_path: Path) -> JobDir:
    """A job with a result."""
    made.write(tmp_path, people=made.persons(4), seeds=(0,))
    (path,) = (tmp_path / "results/jobs").iterdir()
    return JobDir(path)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "pickle"])
@pytest.mark.parametrize("name", ["job.json", "published.json", "end.json", "claim.json", "progress.json", "log.txt"])
def test_a_result_with_such_a_file_is_read_and_joined(name: str, kind: str, job: JobDir, tmp_path: Path) -> None:
    file = job.path / name if name == "job.json" else job.attempts / "1" / name
    file.unlink(missing_ok=True)
    KINDS[kind](file)
    assert job.state().name in ("done", "stale", "interrupted")
    list(leftovers(tmp_path / "results"))
    list(merge(tmp_path / "joined", tmp_path / "results"))
    copied = [one for one in (tmp_path / "joined").rglob("*") if not one.is_dir()]
    assert all(one.is_file() and not one.is_symlink() for one in copied)
    if kind in ("pipe", "folder") and name == "log.txt":
        watch.logs(job.id, False, tmp_path / "results")
    assert not lease.Watch().lapsed("a", file)
    assert not (file.parent / "run").exists()


def test_a_link_below_a_folder_of_an_attempt_is_not_followed(job: JobDir, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of another")
    (job.attempts / "1/sub").mkdir()
    (job.attempts / "1/sub/leak").symlink_to(tmp_path / "secret")
    (joined,) = merge(tmp_path / "joined", tmp_path / "results")
    assert (joined.outcome, "is a link" in joined.why) == ("damaged", True)
    assert not [one for one in (tmp_path / "joined").rglob("*") if one.name == "leak"]


def test_a_record_that_the_system_keeps_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "job.json").write_text("{}")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(EnvironmentProblem, match=r"job\.json: cannot be read: permission denied"):
        read_json(tmp_path / "job.json")


def torch_file(file: Path, content: object, *, zipped: bool = True) -> Path:
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_holds_code_runs_nothing(zipped: bool, tmp_path: Path) -> None:
    file = torch_file(tmp_path / "a.pth", {"model": {"w": torch.zeros(2)}, "x": Touch(tmp_path / "run")}, zipped=zipped)
    with pytest.raises(InvalidInput, match="nothing of it was run") as refused:
        read_weights(file)
    assert "weights_only" not in str(refused.value)
    assert checkpoint.load(file, torch.nn.Linear(1, 1), source="s") is None
    assert not (tmp_path / "run").exists()
    pickle.loads(pickle.dumps(Touch(tmp_path / "run")))
    assert (tmp_path / "run").exists(), "the pickle does nothing"


HUGE = {
    "a view of one number": lambda: torch.zeros(1).expand(10**12),
    "no numbers at all": lambda: torch.zeros(10**12, device="meta"),
    "sparse": lambda: torch.zeros(3, 3).to_sparse(),
}


@pytest.mark.parametrize("name", HUGE)
def test_weights_that_claim_more_than_the_file_holds(name: str, tmp_path: Path) -> None:
    file = torch_file(tmp_path / "a.pth", {"conv1.weight": HUGE[name]()})
    with pytest.raises(InvalidInput, match=r"conv1\.weight is no plain array"):
        read_weights(file)


def test_packed_weights_are_not_unpacked(tmp_path: Path) -> None:
    file = torch_file(tmp_path / "a.pth", {"w": torch.zeros(100_000)})
    assert len(read_weights(file)["w"]) == 100_000
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.namelist():
            packed.writestr(entry, plain.read(entry))
    with pytest.raises(InvalidInput, match="unpacks to 400,"):
        read_weights(tmp_path / "b.pth")


def test_arrays_that_claim_together_more_than_is_read_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5, "MAX_BYTES", 3_000_000)
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as made_up:
        for name in "abcd":
            made_up.create_dataset(name, (hdf5.MAX_BYTES // 3,), dtype="u1", chunks=(1000,))
        made_up.create_dataset("few", (3,), maxshape=(None,), dtype="u1", chunks=(hdf5.MAX_BYTES + 1,))
    assert sum(array.nbytes for array in hdf5.read_hdf5(file, "hint").values()) <= hdf5.MAX_BYTES
    with h5py.File(file, "w") as made_up:
        made_up["few"] = np.zeros(3)
        made_up.create_dataset("chunk", (3,), maxshape=(None,), dtype="u1", chunks=(hdf5.MAX_BYTES + 1,))
    assert list(hdf5.read_hdf5(file, "hint")) == ["few"]


def test_a_saved_record_that_never_ends_is_none(tmp_path: Path) -> None:
    (tmp_path / "results/predictions/theirs").mkdir(parents=True)
    os.mkfifo(tmp_path / "results/predictions/theirs/saved.json")
    with pytest.raises(InvalidInput, match="missing or not of schema"):
        saved.find(tmp_path / "results", "theirs").read()


def test_a_problem_is_told_without_its_middle_where_it_is_long() -> None:
    assert told("one\ntwo") == "one two"
    assert told("a" + "x" * 10_000_000 + "z")[::1999] == "az"
    assert len(told("x" * LONGEST)) == LONGEST


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """20,000 x 20,000 pixels of one bit, which OpenCV makes 1.2 GB of."""
    rows = zlib.compress(bytes(20_000 * (1 + 20_000 // 8)))
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    packed = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    file = tmp_path / "bomb.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + packed)
    words = [sys.executable, "-m", "benchbox.worker", "predict", "--results", str(tmp_path)]
    asked = json.dumps({"images": [str(file)], "job": "none"})
    done = subprocess.run(words, input=asked, capture_output=True, text=True)
    assert done.returncode == InvalidInput.exit_code
    assert done.stderr.splitlines()[-1] == f"{file}: not an image that OpenCV can read, or one of too many pixels"
