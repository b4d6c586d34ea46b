"""Wrong calls: one line on stderr that says what, where, the nearest right word or what to do next; nothing else."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from benchbox.cli.app import main

NEXT = re.compile(r'did you mean "|known: |e\.g\. |[sS]ee benchbox|: benchbox |; type more|; give ')
"""What tells the next step."""
LONG = "x" * 300
CORPUS = {
    "tabel": 'did you mean "table"?',
    "data lst": 'did you mean "list"?',
    "models chekc x.pth": 'did you mean "check"?',
    "results mrege ../x": 'did you mean "merge"?',
    "results": "merge or clean?",
    "zzz": "known: cancel, claims,",
    "table --papr acnn": '--papr: unknown option of benchbox table; did you mean "--paper"?',
    "run STUDY --scael tiny": 'did you mean "--scale"?',
    "run": "missing argument",
    "run STUDY --jobs many": "--jobs",
    "gate --seeds": "requires an argument",
    "run nowhere.toml": "nowhere.toml: no such file; known: ablations/smoke.toml",
    "run smoke.toml": 'did you mean "ablations/smoke.toml"?',
    "run smoke": 'did you mean "ablations/smoke.toml"?',
    "table smok.toml": 'did you mean "ablations/smoke.toml"?',
    "plot ablations/smoke": "ablations/smoke.toml",
    "plan WRONG": 'wrong.toml:10: train.epcohs: unknown key; did you mean "epochs"?',
    "table WRONG": 'wrong.toml:10: train.epcohs: unknown key; did you mean "epochs"?',
    "plot WRONG": 'wrong.toml:10: train.epcohs: unknown key; did you mean "epochs"?',
    "report WRONG": 'wrong.toml:10: train.epcohs: unknown key; did you mean "epochs"?',
    "rescore WRONG": 'wrong.toml:10: train.epcohs: unknown key; did you mean "epochs"?',
    "logs zzz": "job zzz: not in results; it has no jobs yet: benchbox run STUDY.toml",
    "cancel zzz": "job zzz: not in results; it has no jobs yet: benchbox run STUDY.toml",
    "logs abcdef12345x --results theirs": 'did you mean "abcdef123456"?',
    "logs abc --results theirs": "begins 2 ids",
    "predict x.jpg --run zzz": "neither a job nor saved predictions",
    "compare STUDY:basline STUDY:baseline": 'has no arm "basline"; did you mean "baseline"?',
    "explain STUDY basline AP": 'has no arm "basline"; did you mean "baseline"?',
    "plan STUDY --only bslin": 'did you mean "baseline"?',
    "table --paper acn": 'unknown paper; did you mean "acnn"?',
    "claims --paper acn": 'unknown paper; did you mean "acnn"?',
    "report --paper acn": 'unknown paper; did you mean "acnn"?',
    "table --paper acnn --table 7": "known: 1",
    "table STUDY --scale tny": '--scale tny: unknown scale; did you mean "tiny"?',
    "table STUDY --by jiont": '--by jiont: unknown; did you mean "joint"?',
    "table STUDY --format jsn": '--format jsn: unknown; did you mean "json"?',
    "table STUDY --with theirs": "there are none yet: benchbox score FILE --save NAME",
    "plot STUDY --kind paret": '--kind paret: unknown; did you mean "pareto"?',
    "plot STUDY --format pgn": '--format pgn: unknown; did you mean "png"?',
    "run STUDY --on slrum": '--on slrum: unknown executor; did you mean "slurm"?',
    "run STUDY --retry naan": '--retry naan: unknown class of failure; did you mean "nan"?',
    "score x.json --dataset cooc": 'unknown data set cooc; did you mean "coco"?',
    "score x.json --dataset coco": "x.json: no such file",
    f"table STUDY --results {LONG}": ": file name too long; give another path",
    f"status --results {LONG}": ": file name too long; give another path",
    f"results merge {LONG}": ": file name too long; give another path",
    f"verify {LONG}": ": file name too long; give another path",
    f"score {LONG} --dataset coco": ": file name too long; give another path",
    f"models check {LONG}": ": file name too long; give another path",
    f"init --vary train.batch={'9' * 5000}": "needs two values or more",
    "compare a b --resamples 9999999999": "less than or equal to 1000000",
    "data check cooc": 'unknown data set; did you mean "coco"?',
    "models list hrnt": "did you mean",
    "verify nowhere.tex": "nowhere.tex: no such file",
    "gate nowhere.toml": "nowhere.toml: no such file; known: ablations/smoke.toml",
}


@pytest.fixture
def here(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one good study, one wrong study and a results folder of two jobs."""
    (tmp_path / "ablations").mkdir()
    shutil.copy(root / "ablations/smoke.toml", tmp_path / "ablations")
    text = (root / "ablations/smoke.toml").read_text(encoding="utf-8")
    (tmp_path / "ablations/.wrong").mkdir()
    (tmp_path / "ablations/.wrong/wrong.toml").write_text(text.replace("epochs", "epcohs"), encoding="utf-8")
    for name in ("abcdef123456", "abcdef999999"):
        (tmp_path / "theirs/jobs" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    return tmp_path


def said(call: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Call the command line in this process; return its exit code and what it said."""
    call = call.replace("STUDY", "ablations/smoke.toml").replace("WRONG", "ablations/.wrong/wrong.toml")
    monkeypatch.setattr(sys, "argv", ["benchbox", *call.split()])
    with pytest.raises(SystemExit) as end:
        main()
    return (end.value.code if isinstance(end.value.code, int) else 1, *capfd.readouterr())


@pytest.mark.parametrize("call", CORPUS)
def test_a_mistake_gets_one_line_that_helps(
    call: str, here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = said(call, capfd, monkeypatch)
    assert code == 2
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("benchbox: error: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    assert CORPUS[call] in lines[0]
    assert NEXT.search(lines[0]), lines[0]


def test_without_a_word_the_help_goes_to_stderr(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = said("", capfd, monkeypatch)
    assert (code, out) == (2, "")
    assert "Study:\n  plan" in err


def test_what_steers_a_terminal_comes_out_inert(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in ("\x1b[31mtabel", "table\u202e", "\x07", "run\x9b31m"):
        code, out, err = said(word, capfd, monkeypatch)
        assert (code, out) == (2, "")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", err)
        assert err.count("\n") == 1
