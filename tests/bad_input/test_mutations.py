"""Good files with a random damage: a score or one line with an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbox.datasets import mpii_release
from benchbox.datasets.synthetic import files
from benchbox.errors import CANNOT_JUDGE, ENVIRONMENT, USAGE, InvalidInput
from benchbox.worker.__main__ import main
from tests.bad_input import good

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("error")]
often = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

HOSTILE = ("\ud800", "a\0b", "../../x", "x" * 5000, "9" * 400)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from([2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**64), 10**400])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def _places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that lead to every value of a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*before, key)
        yield from _places(inner, (*before, key))


def cut_or_changed(content: bytes) -> st.SearchStrategy[bytes]:
    """Cut a file anywhere, or change one byte of it."""
    at = st.integers(0, len(content) - 1)
    changed = st.builds(
        lambda place, byte: content[:place] + bytes([byte]) + content[place + 1 :], at, st.integers(0, 255)
    )
    return at.map(lambda place: content[:place]) | changed


def another_value(document: Any) -> st.SearchStrategy[bytes]:
    """Put another JSON value in one place; every kind of place as often as any other."""
    kinds: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for place in _places(document):
        kinds.setdefault(tuple(key if isinstance(key, str) else "" for key in place), []).append(place)
    places = st.sampled_from(list(kinds.values())).flatmap(st.sampled_from)
    return st.builds(lambda place, value: good.text(good.changed(document, value, *place)), places, VALUES)


def damaged(document: Any) -> st.SearchStrategy[bytes]:
    return cut_or_changed(good.text(document)) | another_value(document) | another_value(document)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write good data sets, and good predictions beside them."""
    root = tmp_path_factory.mktemp("mutations") / "data"
    good.write_all(root)
    (root / "coco.json").write_bytes(good.text(good.coco_results()))
    (root / "mpii.json").write_bytes(good.text(good.mpii_joints().tolist()))
    return root


def answer(verb: str, data: Path, *words: str) -> tuple[int, str]:
    """Call a verb of the worker; return its exit code and what it said, JSON on stdout or one line on stderr."""
    where = {"score": "--results", "check": "--cache"}[verb]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([verb, *words, "--data", str(data), where, str(data.parent / "results")])
    if code:
        assert out.getvalue() == ""
        assert err.getvalue().count("\n") == 1
        assert err.getvalue().endswith("\n")
        return code, err.getvalue()
    assert err.getvalue() == ""
    return code, out.getvalue()


def is_judged_or_refused(data: Path, where: Path, *words: str) -> None:
    """Score, and assert percents or one line that names the file, or one in the folder where it can be another's."""
    code, said = answer("score", data, *words)
    if code:
        assert code in (USAGE, CANNOT_JUDGE, ENVIRONMENT)
        assert str(where) in said
        return
    for row in json.loads(said)["rows"]:
        assert 0 <= row["value"] <= 100 + 1e-9 or (math.isnan(row["value"]) and row["n"] == 0), row


@contextlib.contextmanager
def in_place(file: Path, content: bytes) -> Iterator[None]:
    """Put other bytes into a file for a while."""
    before = file.read_bytes()
    file.write_bytes(content)
    try:
        yield
    finally:
        file.write_bytes(before)


@often
@given(content=damaged(good.coco_results()))
def test_coco_results(data, content):
    file = data / "damaged.json"
    file.write_bytes(content)
    is_judged_or_refused(data, file, str(file), "--dataset", "coco")


@often
@given(
    content=damaged(
        {**good.coco_truth(), "annotations": [{**one, "activity": "a"} for one in good.coco_truth()["annotations"]]}
    )
)
def test_coco_truth(data, content):
    file = data / "coco/annotations/person_keypoints_val2017.json"
    with in_place(file, content):
        is_judged_or_refused(data, data, str(data / "coco.json"), "--dataset", "coco")
        assert answer("check", data, "--dataset", "coco", "--split", "val2017")[0] == 0


@often
@given(content=damaged(good.mpii_people()))
def test_mpii_json(data, content):
    file = data / "mpii/annot/valid.json"
    with in_place(file, content):
        for words in ((), ("--truth", str(file))):
            is_judged_or_refused(data, data, str(data / "mpii.json"), "--dataset", "mpii", *words)
        assert answer("check", data, "--dataset", "mpii", "--split", "valid")[0] == 0


@often
@given(content=damaged(good.mpii_joints().tolist()))
def test_mpii_predictions(data, content):
    file = data / "damaged.json"
    file.write_bytes(content)
    is_judged_or_refused(data, file, str(file), "--dataset", "mpii")


@often
@given(content=damaged({f"00{n}.jpg": {"category": "walking", "activity": "walking"} for n in range(good.PEOPLE)}))
def test_activities(data, content):
    file = data / "mpii/annot/activities.json"
    file.write_bytes(content)
    is_judged_or_refused(data, file, str(data / "mpii.json"), "--dataset", "mpii")
    file.unlink()


MATS: dict[str, Callable[[], bytes]] = {
    "mpii/annot/gt_valid.mat": lambda: good.mat(**good.mpii_arrays()),
    "lspet/joints.mat": lambda: good.mat(joints=good.lsp_joints()),
    "theirs.mat": lambda: good.mat(preds=good.mpii_joints()),
}


@pytest.mark.parametrize("place", MATS)
@often
@given(choice=st.data())
def test_mat(data, place, choice):
    file = data / place
    content = MATS[place]()
    file.write_bytes(choice.draw(cut_or_changed(content)))
    name = "lspet:test" if "lspet" in place else "mpii"
    predictions = file if place == "theirs.mat" else data / "mpii.json"
    code, said = answer("score", data, str(predictions), "--dataset", name)
    assert code in (0, USAGE, CANNOT_JUDGE)
    assert code == 0 or str(data) in said
    file.write_bytes(content)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """Return the bytes of a small release of MPII and a file to put them into."""
    folder = tmp_path_factory.mktemp("release")
    made = files.prepare(folder, train=2, test=1) / "mpii/annot/mpii_human_pose_v1_u12_1.mat"
    return made.read_bytes(), folder / "release.mat"


@often
@given(choice=st.data())
def test_the_release_of_mpii(release, choice):
    content, file = release
    file.write_bytes(choice.draw(cut_or_changed(content)))
    with contextlib.suppress(InvalidInput):
        mpii_release.read_people(file, file.parent)
