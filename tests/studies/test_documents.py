"""Every command that README and CONTRIBUTING show, called as it stands in a folder that holds what it names."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import readme

pytestmark = pytest.mark.studies

Call = Callable[[str], None]
ELSEWHERE = {
    "--install-completion": "tests/cli/test_complete.py",
    "--on slurm": "tests/engines/test_slurm.py",
    "doctor --resume": "tests/cli/test_resume.py",
    "run ablations/flipping.toml": "tests/studies/test_adding.py",
    "table --paper flipping": "tests/studies/test_adding.py",
    "claims --paper flipping": "tests/studies/test_adding.py",
    "hrnet_stages.toml --scale mini": "tests/studies/test_mini.py",
}
"""What needs more than a folder, by a part of the command, with the test that calls it."""
THREE_SEEDS = "benchbox run ablations/smoke.toml --only baseline --seeds 0,1,2"
BEFORE = {
    "table ablations/hrnet_stages.toml --with theirs": ["--save theirs"],
    "gate ablations/smoke.toml --seeds 0,1,2 --update": [THREE_SEEDS],
    "gate ablations/smoke.toml --seeds 0,1,2": [THREE_SEEDS, "--seeds 0,1,2 --update"],
}
"""What a command stands on, as the documents tell it: parts of other commands, or whole ones."""
LEAVES = {
    "init mine.toml": "mine.toml",
    "init --schema": "study.schema.json",
    "models bench": "results/bench",
    "models export": "hrnet.onnx",
    "plot": "plots",
    "predict": "predictions/photo-attention.png",
    "report": "report.html",
    "score results.json": "results/predictions/theirs",
}
"""The files that commands write, by their beginning."""
REPEATED = ("--no-pack", "--retry nan", "--scale tiny", "--stale", "-j 1")
"""Ends of commands that the table of troubles gives to who has called `run` already."""
HERE = [line for line in readme.commands() if not any(part in line for part in ELSEWHERE)]


@pytest.fixture(scope="module")
def photo(cache: Path, smoke_results: Path) -> Path:
    """Any photograph large enough for the box that the README names."""
    import cv2

    drawn = cv2.imread(str(next(cache.rglob("*.jpg"))))
    file = smoke_results.parent / "photo.jpg"
    cv2.imwrite(str(file), cv2.resize(drawn, (400, 480)))
    return file


@pytest.fixture
def call(root: Path, smoke_results: Path, photo: Path, cache: Path, tmp_path: Path) -> Call:
    """Call a command in a checkout with the smoke study's results, as a user's shell does."""
    for name in ("ablations", "results/reference"):
        shutil.copytree(root / name, tmp_path / name)
    shutil.copytree(smoke_results, tmp_path / "results", dirs_exist_ok=True)
    shutil.copytree(smoke_results, tmp_path / "other/results")
    for file in (photo, root / ".gitignore"):
        shutil.copy(file, tmp_path)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "studies"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    data = os.environ.get("BENCHBOX_DATA", "")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BENCHBOX_", "COLUMNS"))}
    given = {"BENCHBOX_CACHE": str(cache), "BENCHBOX_DATA": data, "CUDA_VISIBLE_DEVICES": "", "CI": "1"}

    def call(line: str) -> None:
        command, _, file = line.partition(" > ")
        program, *words = shlex.split(command)
        assert program == "benchbox"
        done = subprocess.run(
            [sys.executable, "-m", "benchbox", *words], cwd=tmp_path, env=clean | given, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert done.stdout or words[0] in ("init", "run", "results"), line
        if file:
            (tmp_path / file).write_text(done.stdout)

    return call


@pytest.fixture
def others(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out published predictions and their truths as the README's commands name them."""
    cases = request.getfixturevalue("real_data") / "eval_cases"
    (tmp_path / "data/coco/annotations").mkdir(parents=True)
    (tmp_path / "data/mpii").mkdir()
    truth = tmp_path / "data/coco/annotations/person_keypoints_val2017.json"
    shutil.copy(cases / "coco/person_keypoints_val2014_first100.json", truth)
    shutil.copytree(cases / "mpii", tmp_path / "data/mpii/annot")
    shutil.copy(cases / "coco/person_keypoints_val2014_fakekeypoints100_results.json", tmp_path / "results.json")
    shutil.copy(cases / "mpii/bearpaw-hg_s2_b1.mat", tmp_path / "preds.mat")
    monkeypatch.setenv("BENCHBOX_DATA", str(tmp_path / "data"))


@pytest.fixture
def released(tmp_path: Path) -> None:
    """Write a file of weights with the names and shapes of the official HRNet-W32."""
    import torch

    from benchbox.models import MODELS

    torch.save(MODELS["hrnet"](joints=17).state_dict(), tmp_path / "pose_hrnet_w32_256x192.pth")


@pytest.mark.parametrize("line", HERE)
def test_it_runs(line: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    words = line.removeprefix("benchbox ")
    if words.startswith("score") or "--with theirs" in words:
        request.getfixturevalue("others")
    if words.startswith("models check"):
        request.getfixturevalue("released")
    call: Call = request.getfixturevalue("call")
    if words.startswith(("run", "results merge")) and not words.endswith(REPEATED):
        shutil.rmtree(tmp_path / "results/jobs")
    for earlier in BEFORE.get(words, ()):
        call(earlier if earlier.startswith("benchbox") else readme.shown(earlier))
    call(line)
    for beginning, left in LEAVES.items():
        assert not words.startswith(beginning) or (tmp_path / left).exists(), left
    if words.startswith("run") or words.startswith("results merge"):
        assert list(tmp_path.glob("results/jobs/*/attempts/*/scores.parquet"))


@pytest.mark.parametrize(("part", "file"), ELSEWHERE.items())
def test_what_is_called_elsewhere_is_called_there(part: str, file: str, root: Path) -> None:
    assert readme.shown(part)
    assert f'shown("{part}")' in (root / file).read_text(encoding="utf-8")


def test_the_example_study_runs_at_once(root: Path, call: Call, tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", readme.README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "ablations/mine.toml").write_text(text, encoding="utf-8")
    call("benchbox run ablations/mine.toml --only without")
    call("benchbox table ablations/mine.toml")


def test_the_example_gates_are_judged(call: Call, tmp_path: Path) -> None:
    (text,) = re.findall(r"<!-- gates -->\n```\n(.*?)```", readme.README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates/mine.toml").write_text(text, encoding="utf-8")
    call("benchbox gate gates/mine.toml")
