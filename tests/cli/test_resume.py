"""Kill and resume on this machine: the verb, and that it would notice."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchbox.cli import resume
from tests import readme

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.faults
def test_a_training_that_is_killed_ends_with_the_same_bits(benchbox: Call) -> None:
    done = benchbox(*shlex.split(readme.shown("doctor --resume"))[1:], "--kills", "4", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert readme.undocumented(record) == set()
    assert record["sound"]
    assert [row["training"] for row in record["rows"]] == ["plain", "tasked"]
    for row in record["rows"]:
        assert row["kills"] >= 1
        assert {row[key] for key in ("weights", "people", "scores")} == {"equal"}


def test_a_difference_is_told_and_is_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    weights = iter("aabc")

    def train(config: object, results: Path, moments: list[float]) -> resume.Ended:
        return resume.Ended({"weights": next(weights), "people": "p", "scores": "s"}, 1.0, len(moments))

    monkeypatch.setattr(resume, "train", train)
    assert resume.resume(2, 0, "md") == 1
    said = capsys.readouterr()
    assert "| plain | 2 | equal | equal | equal |" in said.out
    assert "| tasked | 2 | different | equal | equal |" in said.out
    assert "does not end here with the bits" in said.out


def test_a_training_that_no_kill_hit_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "train", lambda *given: resume.Ended({"weights": "a"}, 1.0, 0))
    assert resume.resume(2, 0, "md") == 3


def test_a_mistake_is_one_line(benchbox: Call) -> None:
    done = benchbox("doctor", "--resume", "--kills", "0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--kills 0: must be at least 1" in done.stderr
