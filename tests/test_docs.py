"""What the README says is true: its tree is on disk, its commands run, its study is a study."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from benchbox.cli.app import app
from benchbox.gates.declaration import read_gates
from benchbox.plan import expand
from benchbox.spec import read_study
from tests import readme


def test_the_tree_is_what_lies_on_disk(root: Path) -> None:
    named = readme.tree()
    for path in named:
        assert (root / path).exists() or path == "results/", f"{path} is in the README's tree only"
    for entry in (root / "benchbox").iterdir():
        hidden = entry.name.startswith(("__", ".")) or entry.name in (
            "py.typed",
            "errors.py",
            "console.py",
            "digest.py",
        )
        shown = f"benchbox/{entry.name}{'/' if entry.is_dir() else ''}"
        assert hidden or shown in named, f"{shown} is missing in the README's tree"


def test_the_top_level_holds_only_what_the_design_names(root: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    allowed = {
        "benchbox",
        "ablations",
        "results",
        "tests",
        "pyproject.toml",
        "noxfile.py",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "constraints.txt",
    }
    others = {name for name in top if not name.startswith(".")} - allowed
    assert not others, f"studies belong into ablations/, references of gates into results/reference/: {others}"


def test_the_example_study_is_one(root: Path, tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    assert [arm.difference for arm in expand(read_study(file), "paper")] == [(), (("evaluate.flip_test", True, False),)]


def test_every_study_is_valid_at_every_scale(root: Path) -> None:
    for file in sorted((root / "ablations").glob("*.toml")):
        study = read_study(file)
        for scale in ("paper", *study.scales):
            assert expand(study, scale)


def test_the_set_up_commands_install_by_the_constraints() -> None:
    for name in ("main", "tests"):
        assert "pip install -q -c constraints.txt -e " in readme.command(name)
    assert readme.command("tests").endswith("nox -s tests")


def symptoms() -> list[tuple[str, str]]:
    """Return the rows of the README's table of troubles: what is seen, what helps."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- symptoms -->\n((?:\|.*\n)+)", text)
    rows = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()[2:]]
    return [(seen, help) for seen, help in rows]


@pytest.mark.parametrize(("seen", "help"), symptoms())
def test_troubles_are_quoted_as_they_are_told_and_their_verbs_exist(seen: str, help: str, root: Path) -> None:
    sources = [file.read_text(encoding="utf-8") for file in (root / "benchbox").rglob("*.py")]
    spoken = re.sub(r'"\s*f?"', "", " ".join(sources))  # strings that stand on two lines
    spoken += " ".join((os.strerror(errno.ENOSPC).lower(), "nan", " libGL.so.1"))
    for quoted in re.findall(r"`([^`]+)`", seen):
        for part in re.split(r": |\.\.\.|[\[\]()]|failed|nan$", quoted.removeprefix("benchbox ")):
            assert part.strip() in spoken, part
    verbs = get_command(app)
    for quoted in re.findall(r"`benchbox ([^`]+)`", help):
        name, *words = shlex.split(quoted)
        verb = verbs.get_command(None, name)
        if words and words[0] in getattr(verb, "commands", {}):
            verb = verb.commands[words.pop(0)]
        verb.make_context(name, words)


@pytest.mark.parametrize("line", readme.commands())
def test_every_command_that_is_shown_has_its_verb_and_options(line: str) -> None:
    verb: Any = get_command(app)
    words = shlex.split(line.partition(" > ")[0])[1:]
    while hasattr(verb, "get_command") and words and not words[0].startswith("-"):
        verb = verb.get_command(None, words.pop(0))
        assert verb is not None, line
    verb.make_context(line, words, resilient_parsing=words[:1] in (["--install-completion"], ["--help"]))


def test_links_in_the_documents_lead_somewhere(root: Path) -> None:
    for document in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (root / document).read_text(encoding="utf-8")):
            assert target.startswith("https://") or (root / target).exists(), f"{document}: {target}"


def test_the_python_of_the_readme_runs(
    root: Path, tmp_path: Path, smoke_results: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = readme.python()
    (tmp_path / "ablations").symlink_to(root / "ablations")
    for name, value in {"RESULTS": smoke_results, "CACHE": cache, "DATA": ""}.items():
        monkeypatch.setenv(f"BENCHBOX_{name}", str(value))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(block, names)
    assert {"scores", "text", "gaps"} <= names.keys()


def test_the_gates_of_a_file_of_their_own_are_gates(root: Path, tmp_path: Path) -> None:
    (text,) = re.findall(r"<!-- gates -->\n```\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    for folder in ("ablations", "gates"):
        (tmp_path / folder).mkdir()
    shutil.copy(root / "ablations/smoke.toml", tmp_path / "ablations")
    (tmp_path / "gates/mine.toml").write_text(text)
    (gate,) = read_gates(tmp_path / "gates/mine.toml").gates
    assert (gate.name, gate.against) == ("attention does not harm", "reference-arm")


def test_the_workflow_calls_what_there_is(root: Path, tmp_path: Path) -> None:
    (text,) = re.findall(r"<!-- workflow -->\n```yaml\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    calls = [shlex.split(line) for line in re.findall(r"- run: (benchbox .*)", text)]
    assert [words[1] for words in calls] == ["run", "gate"]
    verbs = get_command(app)
    for _, verb, *words in calls:
        verbs.get_command(None, verb).make_context(verb, list(words))
        assert (root / words[0]).is_file()
    asked = verbs.get_command(None, "gate").make_context("gate", calls[1][2:]).params
    assert f"path: {asked['report'] or asked['results'] / 'gate'}\n" in text
    if importlib.util.find_spec("yaml"):
        steps = importlib.import_module("yaml").safe_load(text)["jobs"]["gate"]["steps"]
        assert [shlex.split(step["run"]) for step in steps if step.get("run", "").startswith("benchbox")] == calls
        assert steps[-1]["if"] == "always()"
