"""Completion: what a shell is offered, by its own protocol; quick, inert and silent whatever lies on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchbox.catalogue import CATALOGUE
from benchbox.cli import complete, known
from benchbox.cli.app import app
from benchbox.figures import KINDS
from benchbox.jobdir import FAILURE_CLASSES
from benchbox.metrics import protocol
from benchbox.networks import networks
from benchbox.papers import read as papers
from benchbox.plan import expand
from benchbox.queues import QUEUES
from benchbox.queues.cluster import CLUSTERS
from benchbox.spec import SCALES, read_study
from tests import readme

JOB = "5c60aaaaaaaa"


@pytest.fixture
def here(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with studies, of which some are broken or hostile, and results."""
    shutil.copytree(root / "ablations", tmp_path / "ablations")
    (tmp_path / "ablations/broken.toml").write_bytes(b"\xff\xfe = [[[")
    (tmp_path / "ablations/deep.toml").write_text("a = " + "[" * 10_000)
    (tmp_path / "ablations/number.toml").write_text("title = 3\nbase = 7\nvariants = 9")
    (tmp_path / "ablations/$(touch owned).toml").write_text('title = "`touch owned`"\n[base]\n')
    hostile = '"$(touch owned)", "`touch owned`", "\\\\$(touch owned)", "a\\u001b[31m", "it\'s", "plain (1)"'
    names = "".join(f"[[variants]]\nname = {name}\n" for name in hostile.split(", "))
    (tmp_path / "hostile.toml").write_text('title = "t"\n[base]\n' + names)
    (tmp_path / "results/jobs" / JOB).mkdir(parents=True)
    (tmp_path / "results/predictions/theirs").mkdir(parents=True)
    (tmp_path / "results/predictions/theirs/saved.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCHBOX_RESULTS", raising=False)
    return tmp_path


def bash(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Ask as bash does for the last of some words."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(["benchbox", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    monkeypatch.setenv("_BENCHBOX_COMPLETE", "complete_bash")
    complete.answer(app)
    out, err = capfd.readouterr()
    assert err == ""
    return out.splitlines()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("ta",), ["table"]),
        (("results", ""), ["merge", "tensorboard", "clean"]),
        (("plan", "ablations/hrnet"), ["ablations/hrnet_coco.toml", "ablations/hrnet_stages.toml"]),
        (("plan", "ablations/smoke.toml", "--only", "s"), [r"sub-network\ 1"]),
        (("compare", "ablations/smoke.toml", ":", "b"), ["baseline"]),
        (("compare", "ablations/smoke.toml", ":"), ["baseline", r"sub-network\ 1"]),
        (("compare", '"ablations/smoke.toml:s'), ["ablations/smoke.toml:sub-network 1"]),
        (("compare", "th"), ["theirs"]),
        (("logs", "5c"), [JOB]),
        (("cancel", ""), [JOB, "ablations/acnn.toml"]),
        (("predict", "x.jpg", "--run", "5"), [JOB]),
        (("table", "--with", ""), ["theirs"]),
        (("table", "--paper", "eff"), ["efficient-hrnet", "efficient-sam"]),
        (("table", "--paper", "=", "ac"), ["acnn"]),
        (("table", "--paper", "efficient-hrnet", "--table", ""), ["I", "II"]),
        (("explain", "--paper", "efficient-hrnet", "I"), ["I", "II"]),
        (("explain", "ablations/smoke.toml", "base"), ["baseline"]),
        (("table", "x", "--protocol", "coco-kp/det"), ["coco-kp/det-56.4/flip"]),
        (("table", "x", "--by", "jo"), ["joint"]),
        (("table", "x", "--scale", ""), ["paper", "mini", "tiny"]),
        (("table", "x", "--format", "la"), ["latex"]),
        (("plot", "x", "--format", ""), ["svg", "png"]),
        (("explain", "ablations/smoke.toml", "baseline", "AP7"), ["AP75"]),
        (("models", "list", "hrnet-w3"), ["hrnet-w32"]),
        (("data", "check", "m"), ["mpii"]),
        (("plan", "hostile.toml", "--only", ""), [r"plain\ \(1\)"]),
        (("plan", "ablations/broken.toml", "--only", ""), []),
        (("plan", "ablations/deep.toml", "--only", ""), []),
        (("plan", "ablations/number.toml", "--only", ""), []),
        (("table", "--paper", "../../etc/passwd", "--table", ""), []),
        (("cancel", "ablations/smoke.toml", "--only", "ba"), ["baseline"]),
    ],
)
def test_what_bash_is_offered(
    words: tuple[str, ...],
    wanted: list[str],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    found = bash(monkeypatch, capfd, *words)
    assert found == wanted or (len(wanted) > 1 and found[: len(wanted)] == wanted)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_zsh_and_fish_are_told_what_a_word_means_and_nothing_to_run(
    shell: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    known.remember(here / "ablations/smoke.toml", {JOB: "baseline"})
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_BENCHBOX_COMPLETE", f"complete_{shell}")
    for line, shown in (("logs ", ("5c60aaaaaaaa", "baseline")), ("plan hostile.toml --only ", ("plain (1)",))):
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"benchbox {line}")
        complete.answer(app)
        out, err = capfd.readouterr()
        assert err == ""
        assert "touch" not in out
        assert "\x1b" not in out
        for part in shown:
            assert part in out


def test_the_installed_function_completes_in_a_real_bash(here: Path) -> None:
    """One shell that calls what the README shows, and as the next one would, reads its start-up file and asks."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    command = here / "bin/benchbox"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m benchbox "$@"\n')
    command.chmod(0o755)
    given = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(here)}
    install = readme.shown("--install-completion")
    script = (
        f"{install} > /dev/null; . ~/.bashrc; "
        "COMP_WORDS=(benchbox compare ablations/smoke.toml : su); COMP_CWORD=4; "
        '"$(complete -p benchbox | sed \'s/.*-F \\([^ ]*\\) .*/\\1/\')" benchbox; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "--norc", "-ic", script], env=given, capture_output=True, text=True, cwd=here)
    assert done.stdout.splitlines() == [r"sub-network\ 1"], done.stderr
    assert not (here / "owned").exists()


def test_what_is_offered_is_what_verbs_take(root: Path) -> None:
    """The lists are kept apart from what verbs load, since that takes seconds; here they meet."""
    assert tuple(known.SCALES) == SCALES
    assert set(known.KINDS) == set(KINDS)
    assert set(known.EXECUTORS) == {*QUEUES, *CLUSTERS}
    assert set(known.RETRIED) == {*FAILURE_CLASSES, "cancelled"}
    assert set(known.DATA_SETS) == set(CATALOGUE) - {"synthetic"}
    assert list(known.networks()) == [network.name for network in networks()]
    assert list(known.papers()) == papers.names()
    for name in known.papers():
        assert list(known.tables(name)) == [table.id for table in papers.read(name).tables]
    for text in known.PROTOCOLS:
        assert str(protocol.parse(text)) == text
    for file in sorted((root / "ablations").glob("*.toml")):
        assert known.arms(file) == list(dict.fromkeys(arm.name for arm in expand(read_study(file), "paper")))


def test_arms_of_axes_and_exclusions(tmp_path: Path, root: Path) -> None:
    text = (root / "ablations/smoke.toml").read_text(encoding="utf-8").split("[[gates]]")[0]
    text = text.replace("factor = [", 'factor = ["evaluate.flip_test", ').replace(
        "[base]", "[axes]\nevaluate.flip_test = [true, false]\n[base]"
    )
    text += '\n[[exclude]]\nvariant = "sub-network 1"\nevaluate.flip_test = false\nreason = "none"\n'
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    arms = list(dict.fromkeys(arm.name for arm in expand(read_study(file), "tiny")))
    assert len(arms) == 3
    assert known.arms(file) == arms
