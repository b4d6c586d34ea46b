"""Wrong calls: one line on stderr that says what, where, the nearest right word or what to do next; nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from benchbox.cli.app import main
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.saved import replaced
from benchbox.spec import read_study

NEXT = re.compile(
    r'did you mean (--|"|benchbox )|known: |e\.g\. |[sS]ee benchbox|: benchbox |; type more|; give |: give '
)
"""What tells the next step."""
LONG = "x" * 300
CORPUS = {
    "tabel": 'did you mean "table"?',
    "data lst": 'did you mean "list"?',
    "models chekc x.pth": 'did you mean "check"?',
    "results mrege ../x": 'did you mean "merge"?',
    "results": "merge, clean or tensorboard?",
    "zzz": "known: cancel, claims,",
    "table --papr acnn": '--papr: unknown option of benchbox table; did you mean "--paper"?',
    "run STUDY --scael tiny": 'did you mean "--scale"?',
    "run": "missing argument",
    "run STUDY --jobs many": "benchbox run: --jobs many: must be a whole number; e.g.",
    "run STUDY -j 0": "benchbox run: --jobs 0: must be at least 1; e.g.",
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
    "compare a b --seeds 7": "--seeds 7: goes with an arm; give STUDY.toml:ARM, since a and b are single",
    "compare a b --resamples 9999999999": "--resamples 9999999999: must be at most 1000000",
    "data check cooc": 'unknown data set; did you mean "coco"?',
    "models list hrnt": "did you mean",
    "verify nowhere.tex": "nowhere.tex: no such file",
    "gate nowhere.toml": "nowhere.toml: no such file; known: ablations/smoke.toml",
    "gate theirs/gates.toml": "gates.toml: names no study; a file of gates needs one, e.g. study = ",
    "explain acnn 1 ours head": "did you mean benchbox explain --paper acnn 1 ours head?",
    "score theirs/array.h5 --dataset coco": "predictions for coco come as JSON; did you mean --dataset mpii?",
    "gate ablations": "ablations: is a folder; give the study's TOML file",
    "gate WRONG": 'wrong.toml:10: train.epcohs: unknown key; did you mean "epochs"?',
    "gate STUDY --updat": '--updat: unknown option of benchbox gate; did you mean "--update"?',
    "gate STUDY --format jsn": '--format jsn: unknown; did you mean "json"?',
    "gate STUDY --seeds one": "--seeds one: must be whole numbers with commas, e.g. 0,1,2",
    "plan STUDY --seeds one": "--seeds one: must be whole numbers with commas, e.g. 0,1,2",
    "table STUDY --seeds one": "--seeds one: must be whole numbers with commas, e.g. 0,1,2",
    "plot STUDY --seeds 0,0": "--seeds 0,0: seeds are different numbers from 0 up, e.g. 0,1,2",
    "plan STUDY --effect 0": "--effect 0: points of the primary metric, more than 0 and at most 100, e.g. 1",
    "table STUDY --protocol ap": "--protocol ap: unknown metric ap; known: coco-kp,",
    "plot STUDY --protocol ap": "--protocol ap: unknown metric ap; known: coco-kp,",
    "rescore --protocol ap": "--protocol ap: unknown metric ap; known: coco-kp,",
    "rescore STUDY --only bslin": 'did you mean "baseline"?',
    "plot STUDY --only bslin": 'did you mean "baseline"?',
    "plot": "plot: give either a study's file or --paper NAME (papers: acnn,",
    "plot STUDY --out FILE": "--out x.txt: x.txt is a file, not a folder; give another place",
    "report STUDY --out FILE/page.html": "--out x.txt/page.html: x.txt is a file, not a folder; give another place",
    "report STUDY --out ablations": "--out ablations: is a folder; name a file, e.g. ablations/report.html",
    "table STUDY --table I": "table: --table goes with --paper; give one of them",
    "table --paper acnn --seeds 0": "go with a study's file; give one",
    "explain STUDY baseline PCHk": "PCHk: no such column; known: AP,",
    "compare STUDY:baseline STUDY:baseline --confidence 95": "--confidence 95: must be from 0.5 up and below 1, e.g.",
    "compare STUDY:baseline STUDY:baseline --protocol ap": "--protocol ap: unknown metric ap; known: coco-kp,",
    "models export zzz": "zzz: neither a job nor saved predictions",
    "models export STUDY:basline": 'has no arm "basline"; did you mean "baseline"?',
    "models check x.pth": "x.pth: no such file; give its path",
    "models check ablations": "ablations: is a folder; give the path of a file",
    "models check FILE": "x.txt: not a file of weights: neither torch.save nor safetensors; see benchbox models",
    "results tensorboard nowhere.toml": "nowhere.toml: no such file; known: ablations/smoke.toml",
    "verify ablations": "ablations: is a folder; give the path of a file",
    "score ablations --dataset coco": "ablations: is a folder; give the path of a file",
    "score FILE --dataset coco --truth nowhere.json": "nowhere.json: no such file; give its path",
    "score FILE --dataset coco --save a/b": "--save a/b: a name is 1 to 64 letters, digits, dots,",
    "predict x.jpg --run abcdef123456 --results theirs": "x.jpg: no such file; give its path",
    "predict cut.png --run ARM --results done": "cut.png: a truncated image: it ends before its end mark; give a whole",
    "predict photo.png --run ARM --show attention --results done": "has none; known: skeleton, heatmaps",
    "predict photo.png --run ARM --box 10,10,-5,20 --results done": "width and height must be above 0",
    "predict photo.png --run ARM --box 60,0,9,9 --results done": "outside photo.png, which has 60 x 40 pixels; give",
    "predict photo.png --run ARM --box 0,40,9,9 --results done": "outside photo.png, which has 60 x 40 pixels; give",
    "predict FILE --run ARM --results done": "x.txt: not an image; give a JPEG or PNG, e.g. photo.jpg",
    "score theirs/object.json --dataset coco:val2017": "expected a list of COCO results, found an object; e.g. [{",
    "score theirs/people.json --dataset mpii:valid": "a COCO result file of 17 joints; mpii has 16; did you mean",
    "score FILE --dataset lsp": "x.txt: predictions of lsp come as .mat, .h5 or .json; give one of them",
    "score theirs/boxes.json --dataset coco:val2017": "result 1: no keypoints; boxes, not keypoints? e.g. [{",
    "score theirs/people.json --dataset coco --protocol pckh@0.5/hrnet-v1": "is for mpii16, not coco17; known: coco17",
    "score theirs/points.json --dataset mpii:valid": "people with 3 joints; mpii has 16; give others",
    "score theirs/array.h5 --dataset mpii:valid": "not an HDF5 file; give predictions of mpii as .mat, .h5 or",
    "score theirs/none.mat --dataset mpii:valid": "no array of predictions: found stuff; give it the name preds",
    "score theirs/lsp.mat --dataset mpii:valid": "an array of (9, 14, 2); mpii has 16 joints; give others",
    "score theirs/text.mat --dataset lsp:test": "not a whole MATLAB file: it does not begin as one; give one of",
    "score theirs/points.json --dataset lsp:tst": 'lsp:tst: unknown split tst; did you mean "test"?',
    "report STUDY --paper acnn": "report: give studies' files or --paper NAME",
    "score FILE --dataset coco:vaal2017": '--dataset coco:vaal2017: unknown split vaal2017; did you mean "val2017"?',
    "data check coco:val": 'coco:val: unknown split val; did you mean "val2017"?',
    "data check mpii:val": 'mpii:val: unknown split val; did you mean "valid"?',
    "logs STUDY": 'is a study; name an arm of it, e.g. "ablations/smoke.toml:baseline"; arms: baseline, sub-network 1',
    "logs smok.toml": 'smok.toml: no such file; did you mean "ablations/smoke.toml"?',
    "logs STUDY:basline": 'has no arm "basline"; did you mean "baseline"?',
    "logs ARM": "no job of it in results; it begins with: benchbox run ablations/smoke.toml",
    "cancel STUDY:basline": 'has no arm "basline"; did you mean "baseline"?',
    "cancel ARM --scale paper": "no job of it in results at scale paper; it begins with: benchbox run",
    "predict photo.png --run STUDY": 'is a study; name an arm of it, e.g. "ablations/smoke.toml:baseline"; arms: bas',
    "compare STUDY STUDY": 'is a study; name an arm of it, e.g. "ablations/smoke.toml:baseline"; arms: baseline,',
    "run STUDY --retry foo": "unknown class of failure; known: cancelled, code, data, infrastructure, nan, oom, time",
    "table STUDY --protocol coco": 'unknown metric coco; did you mean "coco-kp"? (or another threshold: pckh@0.1)',
    "table STUDY --protocol pckh@.5": 'metric pckh@.5; did you mean "pckh@0.5"? (or another threshold: pckh@0.1)',
    "claims acnn": "missing option '--paper'; did you mean benchbox claims --paper acnn?",
    "claims": "missing option '--paper'; e.g. benchbox claims --paper",
    "doctor --kills 0": "benchbox doctor: --kills 0: must be at least 1; e.g. benchbox doctor",
}
HEAVY = ("torch", "pandas", "pyarrow", "scipy", "matplotlib", "cv2")
ONE_BY_ONE = """
import json, sys
from benchbox.cli import ask
from benchbox.cli.app import main
def asked(words, given=None, seconds=None):
    raise SystemExit(f"asks the worker: {words[0]}")
ask.ask = asked
found = []
for call in json.load(sys.stdin):
    sys.argv = ["benchbox", *call.split()]
    try:
        main()
    except SystemExit as end:
        found.append([call, end.code, sorted({name.split(".")[0] for name in sys.modules})])
json.dump(found, open("found.json", "w"))
"""


@pytest.fixture
def here(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one good study, one wrong study and a results folder of two jobs."""
    (tmp_path / "ablations").mkdir()
    shutil.copy(root / "ablations/smoke.toml", tmp_path / "ablations")
    text = (root / "ablations/smoke.toml").read_text(encoding="utf-8")
    (tmp_path / "ablations/.wrong").mkdir()
    (tmp_path / "ablations/.wrong/wrong.toml").write_text(text.replace("epochs", "epcohs"), encoding="utf-8")
    (tmp_path / "x.txt").write_text("nothing of ours")
    for name in ("abcdef123456", "abcdef999999"):
        (tmp_path / "theirs/jobs" / name).mkdir(parents=True)
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x3c\0\0\0\x28")
    (tmp_path / "photo.png").write_bytes((tmp_path / "cut.png").read_bytes() + b"IEND")
    (tmp_path / "theirs/gates.toml").write_text('schema = 1\n[[gates]]\nname = "a"\n')
    (tmp_path / "theirs/object.json").write_text('\n{"annotations": []}')
    person = {"image_id": 1, "category_id": 1, "keypoints": [1.5] * 51, "score": 0.5}
    (tmp_path / "theirs/people.json").write_text(json.dumps([person] * 999))
    box = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.5}
    (tmp_path / "theirs/boxes.json").write_text(json.dumps([person, box]))
    (tmp_path / "theirs/points.json").write_text(json.dumps([[[1, 2]] * 3] * 9))
    scipy.io.savemat(tmp_path / "theirs/none.mat", {"stuff": np.zeros((9, 16, 2))}, do_compression=True)
    scipy.io.savemat(tmp_path / "theirs/lsp.mat", {"preds": np.zeros((9, 14, 2)), "note": "by hand"})
    (tmp_path / "theirs/text.mat").write_text("preds" * 99)
    (tmp_path / "theirs/array.h5").write_bytes(b"\x89PNG\r\n\x1a\n" * 9)
    finish(tmp_path / "ablations/smoke.toml", "baseline", tmp_path / "done")
    keep(tmp_path / "done", "theirs", "mpii:valid")
    keep(tmp_path / "done", "others", "coco:val2017")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    return tmp_path


def finish(study: Path, name: str, results: Path) -> None:
    """Give an arm's jobs at scale tiny a result."""
    for arm in expand(read_study(study), "tiny"):
        if arm.name == name:
            folder = JobDir.of(results, arm.job)
            folder.write(arm.config)
            attempt = folder.claim()
            assert attempt is not None
            attempt.table("scores").touch()
            attempt.publish({}, 1.0)
            attempt.end("done")


def keep(results: Path, name: str, dataset: str) -> None:
    """Save predictions as `score --save` does, without their tables."""
    with replaced(results, name, {"dataset": dataset, "truth": "", "prediction": [], "skeleton": "coco17"}):
        pass


def typed(call: str) -> str:
    """Return a call of the corpus with its files."""
    files = {"STUDY": "ablations/smoke.toml", "WRONG": "ablations/.wrong/wrong.toml", "FILE": "x.txt"}
    files["ARM"] = "ablations/smoke.toml:baseline"
    return re.sub("|".join(files), lambda found: files[found[0]], call)


def said(call: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Call the command line in this process; return its exit code and what it said."""
    monkeypatch.setattr(sys, "argv", ["benchbox", *typed(call).split()])
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


def test_no_mistake_waits_for_what_computes(here: Path) -> None:
    """What takes time is loading: every mistake is found before a heavy library is loaded or the worker is asked."""
    calls = [typed(call) for call in CORPUS]
    words = [sys.executable, "-c", ONE_BY_ONE]
    done = subprocess.run(words, input=json.dumps(calls), capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stderr
    found = json.loads((here / "found.json").read_text(encoding="utf-8"))
    assert [call for call, _, _ in found] == calls
    for call, code, modules in found:
        assert (call, code, sorted(set(HEAVY) & set(modules))) == (call, 2, [])


CANNOT_JUDGE = {
    "gate ablations/smoke.toml": "",
    "gate ablations/smoke.toml --update": "",
    "gate none.toml": "",
    "report": "report: there are no jobs in results; name a study, or call benchbox run first",
    "compare theirs others --results done": "theirs is of mpii, others of coco: other persons; give two results of",
    "table STUDY --by joint": "nothing of it is done at scale tiny; benchbox run ablations/smoke.toml --scale tiny",
    "table STUDY --compare": "nothing of it is done at scale tiny; benchbox run ablations/smoke.toml --scale tiny",
    "plot STUDY": "nothing of it is done at scale tiny; benchbox run ablations/smoke.toml --scale tiny",
    "rescore STUDY": "nothing of it is done at scale tiny; benchbox run ablations/smoke.toml --scale tiny",
    "plan STUDY --effect 1": "nothing of it is done at scale tiny; benchbox run ablations/smoke.toml --scale tiny",
    "compare ARM ARM": "no seed of it is done at scale tiny; benchbox run ablations/smoke.toml --scale tiny",
}


def test_what_cannot_be_judged_waits_for_nothing_either(here: Path) -> None:
    text = (here / "ablations/smoke.toml").read_text(encoding="utf-8")
    (here / "none.toml").write_text(text[: text.index("[[gates]]")], encoding="utf-8")
    words = [sys.executable, "-c", ONE_BY_ONE]
    calls = [typed(call) for call in CANNOT_JUDGE]
    done = subprocess.run(words, input=json.dumps(calls), capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stderr
    for call, code, modules in json.loads((here / "found.json").read_text(encoding="utf-8")):
        assert (call, code, sorted(set(HEAVY) & set(modules))) == (call, 3, [])
    for expected in CANNOT_JUDGE.values():
        assert expected in done.stderr
    assert "no gates are declared" in json.loads((here / "results/gate/gate.json").read_text())["problem"]
