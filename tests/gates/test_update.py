"""--update: from a committed tree only, with provenance, and whole."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchbox.cli import judging
from benchbox.errors import InvalidInput
from tests.gates import made

Call = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *words: str) -> str:
    named = ["-c", "user.name=n", "-c", "user.email=e@e"]
    done = subprocess.run(["git", "-C", str(folder), *named, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    made.write(tmp_path)
    made.declare(tmp_path)
    (tmp_path / ".gitignore").write_text("results\nreport\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    return tmp_path


def test_from_a_committed_tree(checkout: Path) -> None:
    assert made.call(checkout, update=True, allow_dirty=False) == 0
    record = json.loads((checkout / "reference/made.json").read_text())
    assert record["provenance"]["commit"] == git(checkout, "rev-parse", "HEAD")
    assert record["provenance"]["dirty"] is False
    # the new reference itself is no reason to refuse to write it once more
    made.unpublish(checkout)
    made.write(checkout, made.near(0.1))
    assert made.call(checkout, update=True, allow_dirty=False) == 0
    assert json.loads((checkout / "reference/made.json").read_text())["digest"] != record["digest"]


@pytest.mark.parametrize("change", ["study.toml", "new.py"])
def test_a_dirty_tree_is_refused_unless_told(checkout: Path, change: str, capsys: pytest.CaptureFixture[str]) -> None:
    with open(checkout / change, "a") as file:
        file.write("\n")
    assert made.call(checkout, update=True, allow_dirty=False) == 2
    assert not (checkout / "reference").exists()
    problem = json.loads((checkout / "report/gate.json").read_text())["problem"]
    assert "--allow-dirty" in problem
    assert change in problem
    assert made.call(checkout, update=True) == 0
    assert json.loads((checkout / "reference/made.json").read_text())["provenance"]["dirty"] is True


def test_outside_a_checkout(tmp_path: Path) -> None:
    made.write(tmp_path)
    made.declare(tmp_path)
    assert made.call(tmp_path, update=True, allow_dirty=False) == 2
    assert made.call(tmp_path, update=True) == 0


def test_what_changed_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.baseline(tmp_path)
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.5))
    capsys.readouterr()
    assert made.call(tmp_path, update=True) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["score"]: row for row in told["rows"]}
    whole = rows[f"PCKh of all, {made.PROTOCOL}"]
    assert whole["now"] < whole["before"] - 10
    assert "macs" not in rows
    joints = [row for row in told["rows"] if row["group"].startswith("joint:")]
    assert len(joints) > 10
    assert made.call(tmp_path, update=True) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == []


def test_one_file_for_two_arms_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.write(tmp_path)
    made.write(tmp_path, arm="stage 1")
    made.declare(tmp_path, {}, {"arm": '"stage 1"'})
    with pytest.raises(InvalidInput, match=r'"gate 0" \(baseline, tiny\) and "gate 1" \(stage 1, tiny\) want it'):
        judging.gate(tmp_path / "gates.toml", made.asked(tmp_path, update=True))


def test_a_reference_of_another_arm_is_told_to_be_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.baseline(tmp_path)
    made.write(tmp_path, made.near(0.31), arm="stage 1")
    made.declare(tmp_path, {"arm": '"stage 1"'})
    capsys.readouterr()
    assert made.call(tmp_path, update=True) == 0
    assert "replaced (was of study, scale tiny, baseline)" in json.loads(capsys.readouterr().out)["footnotes"][0]


def test_two_references_or_none(tmp_path: Path) -> None:
    made.write(tmp_path)
    made.declare(tmp_path, {}, {"against": '"other/b.json"', "arm": '"stage 1"'})
    assert made.call(tmp_path, update=True) == 3
    assert not (tmp_path / "reference").exists()
    made.write(tmp_path, made.near(0.31), arm="stage 1")
    assert made.call(tmp_path, update=True) == 0
    assert made.call(tmp_path) == 0


def test_the_command_line(tmp_path: Path, benchbox: Call) -> None:
    made.baseline(tmp_path)
    done = benchbox("gate", "gates.toml")
    assert done.returncode == 0, done.stderr
    assert "the same to the bit" in done.stdout
    assert (tmp_path / "results/gate/junit.xml").exists()
    assert "gate.json are in results/gate" in done.stderr
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    assert benchbox("gate", "gates.toml", "--results", "elsewhere").returncode == 0
    assert not (tmp_path / "results").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "results")
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.6))
    done = benchbox("gate", "gates.toml", "--format", "csv")
    assert done.returncode == 1
    assert "regressed" in done.stdout
    done = benchbox("gate", "gate.toml", "--update")
    assert (done.returncode, 'did you mean "gates.toml"' in done.stderr) == (2, True)
    assert json.loads((tmp_path / "results/gate/gate.json").read_text())["exit_code"] == 2


def test_people_read_of_an_update_what_matters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.baseline(tmp_path, {}, {"group": '"joint:nose"'}, {"metric": '"macs"', "tolerance": "0"})
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.35))
    capsys.readouterr()
    assert made.call(tmp_path, update=True, format="md") == 0
    told = capsys.readouterr().out
    assert "PCKh of all," in told
    assert "PCKh of joint:nose," in told
    assert told.count("joint:") + told.count("category:") <= 1 + 3
    assert "more scores; --json shows all" in told


@pytest.mark.parametrize("words", ["--updat", "--format jsn", "--seeds one", "--seeds", "--report"])
def test_words_that_cannot_be_read_are_reported_too(words: str, tmp_path: Path, benchbox: Call) -> None:
    made.baseline(tmp_path)
    assert benchbox("gate", "gates.toml").returncode == 0
    done = benchbox("gate", "gates.toml", *words.split())
    assert done.returncode == 2
    record = json.loads((tmp_path / "results/gate/gate.json").read_text())
    assert (record["exit_code"], record["declaration"], record["rows"]) == (2, "gates.toml", [])
    assert words.split()[0] in record["problem"]
    assert done.stderr == f"benchbox: error: {record['problem']}\n"
    assert benchbox("gate", "gates.toml", "--updat", "--report", "mine", "--results", "none").returncode == 2
    assert 'errors="1"' in (tmp_path / "mine/junit.xml").read_text()
    assert not (tmp_path / "none").exists()


def test_a_merge_conflict_is_told_as_one_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made.baseline(tmp_path)
    assert ": new, " in capsys.readouterr().out
    whole = path.read_text().splitlines(keepends=True)
    whole[20:21] = ["<<<<<<< HEAD\n", whole[20], "=======\n", whole[20], ">>>>>>> other\n"]
    path.write_text("".join(whole))
    monkeypatch.chdir(tmp_path)
    made.declare(tmp_path, {"against": '"reference/made.json"'})
    assert judging.gate(Path("gates.toml"), made.asked(tmp_path)) == 3
    said = "an unresolved merge conflict; git checkout --ours (or --theirs) reference/made.json"
    told = f"reference/made.json, line 21: {said}, or write it anew with --update"
    assert made.verdicts(tmp_path)[0]["reason"] == told
    capsys.readouterr()
    assert made.call(tmp_path, update=True) == 0
    assert "made.json: replaced (could not be read), " in capsys.readouterr().out
    assert made.call(tmp_path) == 0


def test_other_options_are_told_with_the_command_that_shows_them(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made.call(checkout, update=True, allow_dirty=False) == 0
    study = checkout / "study.toml"
    study.write_text(study.read_text().replace("train.epochs = 2", "train.epochs = 1"))
    made.write(checkout)
    monkeypatch.chdir(checkout)
    for path, where in ((Path("gates.toml"), []), (checkout / "gates.toml", ["-C", str(checkout)])):
        assert judging.gate(path, made.asked(checkout)) == 0
        (note,) = made.verdicts(checkout)[0]["notes"]
        command = note.partition("; see which: ")[2]
        commit = git(checkout, "rev-parse", "HEAD")[:12]
        assert shlex.split(command) == ["git", *where, "diff", commit, "--", "study.toml"]
        shown = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout
        assert "+train.epochs = 1" in shown
