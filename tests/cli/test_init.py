"""Studies to begin with: every choice gives one that is planned, and what is no choice is answered in one line."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchbox.cli import init as verb
from benchbox.cli.draft import GROUNDS, PLACES, SMALL, VARIATIONS, Choice, text_of
from benchbox.cli.init import Asked
from benchbox.errors import InvalidInput
from benchbox.gates.declaration import read_gates
from benchbox.metrics.conventions import CONVENTIONS, DEFAULT
from benchbox.metrics.protocol import Protocol
from benchbox.networks import networks
from benchbox.plan import expand, jobs
from benchbox.spec import Study, read_study
from benchbox.worker.score import STANDARD

Call = Callable[..., subprocess.CompletedProcess[str]]
NETWORKS = [network.name for network in networks()]
KEYS = ("train.lr=1e-3,5e-4", "evaluate.flip_test=true,false", "dataset.input=[64,64],[128,128]", "train.epochs=2,4")
WITHOUT_KERNELS = {network.name for network in networks() if network.model["name"] in ("acnn", "mrn")}


def written(folder: Path, model: str, vary: str, data: str) -> Study:
    file = folder / "study.toml"
    assert verb.init(file, Asked(model, vary, data, "0,3"), force=True) == 0
    return read_study(file)


@pytest.mark.parametrize("model", NETWORKS)
def test_every_choice_gives_a_study_that_is_planned(model: str, tmp_path: Path) -> None:
    for vary, data in (*itertools.product(VARIATIONS, GROUNDS), *((key, "coco") for key in KEYS)):
        if vary == "kernels" and model in WITHOUT_KERNELS:
            continue
        study = written(tmp_path, model, vary, data)
        assert set(study.scales) == ({"tiny"} if data == "synthetic" else {"mini", "tiny"})
        for scale in ("paper", *study.scales):
            arms = expand(study, scale)
            assert [arm.seed for arm in arms[:2]] == [0, 3]
            assert len(jobs(arms)) == len(arms) >= 4, (vary, data, scale)  # no arm is another's job
            assert sum(arm.reference for arm in arms) == 2
            name = "synthetic" if scale == "tiny" or data == "synthetic" else data
            assert {arm.config.dataset.name for arm in arms} == {name}
    assert [file.name for file in tmp_path.iterdir()] == ["study.toml"]


def test_every_network_has_a_small_self_and_every_module_its_arm(tmp_path: Path) -> None:
    assert {str(network.model["name"]) for network in networks()} == set(SMALL) >= set(PLACES)
    arms = expand(written(tmp_path, "hrnet-w32", "attention", "synthetic"), "tiny", [0])
    assert [arm.config.model.attention for arm in arms] == ["none", "cam", "sam", "am", "se", "cbam"]
    assert arms[0].reference
    arms = expand(written(tmp_path, "simple-baseline-r50", "kernels", "coco"), "tiny", [0])
    assert [arm.config.model.sam_kernel for arm in arms] == ["7x7", "3x3+3x3", "3x3//3x3"]
    assert {arm.config.model.attention for arm in arms} == {"am"}
    arms = expand(written(tmp_path, "acnn", "attention", "mpii"), "tiny", [0])
    assert [(arm.config.model.masks, arm.config.model.mask) for arm in arms] == [
        ("ones", "soft"),
        ("learned", "soft"),
        ("learned", "binary"),
    ]


def test_a_key_keeps_its_values_at_every_scale(tmp_path: Path) -> None:
    study = written(tmp_path, "hrnet-w32", "train.epochs=5,2", "coco")
    for scale in ("paper", "mini", "tiny"):
        assert [arm.config.train.epochs for arm in expand(study, scale, [0])] == [5, 2]
        assert [arm.reference for arm in expand(study, scale, [0])] == [True, False]
    places = expand(written(tmp_path, "hrnet-w32", "model.attend.stages=[1],[1,2]", "mpii"), "tiny", [0])
    assert [arm.config.model.attend.stages for arm in places] == [(1,), (1, 2)]
    assert {arm.config.model.attention for arm in places} == {"am"}


@pytest.mark.parametrize("data", GROUNDS)
@pytest.mark.parametrize("vary", ["attention", 'train.optimizer="adam","rmsprop"'])
def test_the_gate_in_its_comments_is_one(data: str, vary: str, tmp_path: Path) -> None:
    written(tmp_path, "hrnet-w32", vary, data)
    file = tmp_path / "study.toml"
    text = file.read_text(encoding="utf-8")
    assert read_gates(file).gates == ()
    start = text.index("# [[gates]]")
    file.write_text(text[:start] + text[start:].replace("# ", ""), encoding="utf-8")
    (gate,) = read_gates(file).gates
    (arm,) = (arm for arm in expand(read_study(file), "tiny", [0]) if arm.reference)
    assert (gate.arm, gate.scale, gate.against) == (arm.name, "tiny", tmp_path / "reference/study.json")
    # a job reports several scores of this metric: the gate names one that is among them
    skeleton = arm.config.dataset.skeleton
    convention = DEFAULT[skeleton]
    assert gate.protocol in [Protocol(CONVENTIONS[convention].metric, at, convention) for at in STANDARD[skeleton]]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(model="hrnt-w32"), 'hrnt-w32: unknown network; did you mean "hrnet-w32"?'),
        (Asked(vary="atention"), '--vary atention: unknown; did you mean "attention"?'),
        (Asked(vary="train.lrr=1,2"), 'train.lrr: unknown key; did you mean "lr"?'),
        (Asked(vary="trian.lr=1,2"), '--vary trian.lr: no key of a job; did you mean "train"?'),
        (Asked(vary="train.lr=1e-3"), "--vary train.lr=1e-3: needs two values or more"),
        (Asked(vary="train.lr=1e-3,0.001"), "--vary train.lr=1e-3,0.001: 0.001 stands twice; give different values"),
        (Asked(model="hrnet"), "hrnet: unknown network; there are hrnet-w32, hrnet-w48; see benchbox models list"),
        (Asked(vary="train.lr=1e-3,20"), "train.lr: Input should be less than or equal to 10"),
        (Asked(vary="train.precision=fp32,fp16"), "train.precision: Input should be 'fp32' or 'bf16'"),
        (Asked(model="mrn", vary="kernels"), "--vary kernels: mrn has no spatial attention"),
        (Asked(data="cocoo"), '--data cocoo: unknown; did you mean "coco"?'),
        (Asked(seeds="0,x"), "--seeds 0,x: must be whole numbers"),
        (Asked(seeds="0,0"), "--seeds 0,0: seeds are different numbers"),
        (Asked(title="x" * 201), "title: String should have at most 200 characters"),
        (Asked(title="\udce4"), "not a text that UTF-8 can spell"),
    ],
)
def test_what_is_no_choice_is_answered_and_nothing_is_written(asked: Asked, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as problem:
        verb.init(tmp_path / "study.toml", asked, force=False)
    assert str(problem.value).startswith(said) or said in str(problem.value).split(": ", 1)[-1]
    assert "\n" not in str(problem.value)
    assert str(tmp_path) not in str(problem.value)
    assert not list(tmp_path.iterdir())


def test_a_name_that_no_text_can_spell_is_a_files_name_still(tmp_path: Path) -> None:
    file = tmp_path / "\udcff.toml"
    assert verb.init(file, Asked(), force=False) == 0
    assert 'against = "reference/?.json"' in file.read_text(encoding="utf-8")


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my study.toml"
    file.write_text("mine")
    with pytest.raises(InvalidInput, match="is there already; --force writes over it"):
        verb.init(file, Asked(), force=False)
    assert file.read_text() == "mine"
    assert verb.init(file, Asked(), force=True) == 0
    assert read_study(file).title == "Attention modules in hrnet-w32"
    said = capsys.readouterr()
    assert said.out == ""
    assert f"next: benchbox plan '{file}', benchbox run '{file}', benchbox table '{file}'" in said.err
    for wrong, why in ((tmp_path, "is a folder"), (tmp_path / "none/study.toml", "no such folder")):
        with pytest.raises(InvalidInput, match=why):
            verb.init(wrong, Asked(), force=True)


@settings(max_examples=60, deadline=None)
@example(title='\x7f\t\\"')
@given(title=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_title_comes_back_as_it_was(title: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("title") / "study.toml"
    file.write_text(text_of(Choice("mrn", "attention", "mpii", (0,), title)), encoding="utf-8", newline="\n")
    assert read_study(file).title == title


def test_the_embedded_persons_have_one_name_and_their_former_one_is_understood() -> None:
    texts = {text_of(Choice("mrn", "attention", name, (0,))) for name in ("synthetic", "embedded")}
    assert len(texts) == 1
    assert list(GROUNDS) == ["synthetic", "coco", "mpii"]


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def test_a_person_is_asked_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", Terminal("zzz\nhourglas-2\nhourglass-2\nkernels\n\n1,2\n"))
    assert verb.init(tmp_path / "study.toml", Asked(), force=False) == 0
    said = capsys.readouterr().err
    assert 'hourglas-2: unknown network; did you mean "hourglass-2"?' in said
    assert "Network (such as hrnet-w32, " in said
    assert "zzz: unknown network; see benchbox models list" in said
    assert "simple-baseline-r152-384" not in said
    assert said.count("hourglass-") < 5
    assert "Data (synthetic, coco, mpii) [synthetic]" in said
    study = read_study(tmp_path / "study.toml")
    assert (study.title, study.seeds) == ("Kernels of spatial attention in hourglass-2", (1, 2))
    monkeypatch.setattr("sys.stdin", Terminal("mrn\n"))
    with pytest.raises(KeyboardInterrupt):
        verb.init(tmp_path / "other.toml", Asked(), force=False)
    assert not (tmp_path / "other.toml").exists()
    monkeypatch.setattr("sys.stdin", Terminal("study.toml\n\n"))
    monkeypatch.chdir(tmp_path)
    assert verb.init(Path("study.toml"), Asked("mrn", "attention", "coco", "0"), force=False) == 0
    assert "study.toml: is there already; another file" in capsys.readouterr().err
    assert read_study(Path("study-2.toml")).title == "Attention modules in mrn"
    assert read_study(Path("study.toml")).title == study.title
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert verb.init(tmp_path / "third.toml", Asked("mrn", "attention", "coco", "0"), force=False) == 0


def test_without_a_terminal_nothing_is_asked(benchbox: Call, tmp_path: Path) -> None:
    done = benchbox("init", "--title", "Mine")
    assert (done.returncode, done.stdout) == (0, "")
    assert read_study(tmp_path / "study.toml").title == "Mine"
    again = benchbox("init")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "next: benchbox plan mine.toml," in benchbox("init", "mine").stderr


@pytest.mark.studies
def test_a_drafted_study_runs_from_file_to_table(benchbox: Call, tmp_path: Path) -> None:
    assert benchbox("init", "mine.toml", "--vary", "kernels", "--data", "coco").returncode == 0
    assert benchbox("plan", "mine.toml").returncode == 0
    ran = benchbox("run", "mine.toml", "--only", "7x7")
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(benchbox("table", "mine.toml", "--json").stdout)["rows"]
    assert {row["arm"]: row["state"] for row in rows} == {"7x7": "done", "3x3+3x3": "pending", "3x3//3x3": "pending"}
