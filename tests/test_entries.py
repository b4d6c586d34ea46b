from __future__ import annotations

import gzip
import hashlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbox import entries
from benchbox.errors import EnvironmentProblem, InvalidInput


def test_the_fingerprint_is_of_all_files_and_their_order(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"abc")
    two.write_bytes(b"")
    # Source: FIPS 180-2, appendix B.1, the digest of "abc".
    assert entries.file_fingerprint([one], "") == "ba7816bf8f01cfea"
    both = entries.file_fingerprint([one, two], "")
    digests = hashlib.sha256(b"abc").digest() + hashlib.sha256(b"").digest()
    assert both == hashlib.sha256(digests).hexdigest()[:16]
    assert entries.file_fingerprint([two, one], "") != both
    with pytest.raises(EnvironmentProblem, match="it belongs there"):
        entries.file_fingerprint([one, tmp_path / "three"], "it belongs there")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_is_read_in_every_encoding_that_json_may_have(tmp_path, encoding):
    file = tmp_path / "x.json"
    file.write_bytes(json.dumps({"name": "Zoë"}, ensure_ascii=False).encode(encoding))
    assert entries.read_json(file, "") == {"name": "Zoë"}


def test_a_hook_makes_the_objects(tmp_path):
    file = tmp_path / "x.json"
    file.write_text('{"a": {"b": 1}}')
    assert entries.read_json(file, "", pairs_hook=tuple) == (("a", (("b", 1),)),)


@pytest.mark.parametrize("name", ["", None, 3, "/a.jpg", "../a.jpg", "b/../../a.jpg", "a\0.jpg"])
def test_no_image_lies_outside_its_folder(name):
    with pytest.raises(InvalidInput, match="entry 1"):
        entries.image_name(name, "x.json: entry 1", key="image")


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", None, [1]])
def test_what_is_not_a_finite_number(value):
    with pytest.raises(InvalidInput, match="x: size is"):
        entries.numbers({"size": value}, "size", "x", 1)
    with pytest.raises(InvalidInput, match=r"x: size\[1\] is"):
        entries.numbers({"size": [1, value]}, "size", "x", 2)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats() | st.integers() | st.sampled_from([10**400, -(10**400), math.nan, 1e7]), min_size=2))
def test_one_wrong_number_hides_nowhere_among_the_others(values):
    if all(-1e7 < value < 1e7 for value in values):
        assert entries.numbers({"size": values}, "size", "x", len(values), limit=1e7) == values
    else:
        with pytest.raises(InvalidInput, match=r"x: size\[\d+\] is"):
            entries.numbers({"size": values}, "size", "x", len(values), limit=1e7)


@pytest.mark.parametrize("value", [-1, 1.0, True, "1", None, 2**63])
def test_what_is_not_a_number_of_an_entry(value):
    with pytest.raises(InvalidInput, match="x: id is"):
        entries.integer({"id": value}, "id", "x")


def test_a_long_wrong_value_stays_on_one_short_line():
    assert entries.shown(["a\nb"] * 100).count("\n") == 0
    assert len(entries.shown(["a\nb"] * 100)) == 60


def test_a_packed_file_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bomb.json.gz"
    file.write_bytes(gzip.compress(b"[" + b" " * 1000 + b"]", mtime=0))
    assert entries.read_json(file, "") == []
    monkeypatch.setattr(entries, "UNPACKED_LIMIT", 500)
    with pytest.raises(InvalidInput, match=r"bomb\.json\.gz: not JSON: unpacks to more than 500 bytes"):
        entries.read_json(file, "")
