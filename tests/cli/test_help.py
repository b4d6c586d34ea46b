"""Every verb explains itself: one line, an example that parses, exit codes; the list stands in the order of work."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from benchbox.cli import app as program
from benchbox.cli.app import app
from benchbox.cli.verbs import GROUPS

ROOT = get_command(app)


def commands(command: Any = ROOT, name: str = "benchbox") -> Iterator[tuple[str, Any]]:
    yield name, command
    if hasattr(command, "list_commands"):
        for word in command.list_commands(None):
            yield from commands(command.get_command(None, word), f"{name} {word}")


ALL = dict(commands())


def parsed(words: list[str], command: Any = ROOT, context: Any = None) -> Any:
    """Parse the words of a call without calling anything; return the context of its verb."""
    context = command.make_context(words[0], words[1:], parent=context, resilient_parsing=False)
    left = [*getattr(context, "_protected_args", []), *context.args]
    if left and hasattr(command, "get_command"):
        return parsed(left, command.get_command(context, left[0]), context)
    return context


@pytest.mark.parametrize("name", ALL)
def test_every_verb_has_one_line_an_example_and_its_exit_codes(name: str) -> None:
    text = ALL[name].help or ""
    first, *_ = text.split("\n\n")
    assert re.fullmatch(r"[A-Z][^\n]*[.:]|[A-Z][^\n]*\n?[^\n]*\.", first), first
    assert len(re.findall(r"^Example: (.*)$", text, re.M)) == 1
    assert re.search(r"^Exit codes: (?:\d|those)", text, re.M)


@pytest.mark.parametrize("name", ALL)
def test_the_example_is_a_call_of_the_verb(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    (example,) = re.findall(r"^Example: (.*)$", ALL[name].help, re.M)
    words = shlex.split(example)
    assert example.startswith(f"{name} ") or (example == name)
    assert parsed(words).command_path.startswith(name)


def test_a_wrong_example_would_be_seen() -> None:
    with pytest.raises(program.UsageError):
        parsed(["benchbox", "run", "a.toml", "--procceses", "2"])


def test_the_list_shows_every_verb_once_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ROOT.main(["--help"], prog_name="benchbox")
    shown = capsys.readouterr().out
    places = []
    for title, verbs in GROUPS.items():
        places.append(shown.index(f"\n{title}:\n"))
        for name, (_, line) in verbs.items():
            assert len(re.findall(rf"^  {name} +{re.escape(line.split()[0])}", shown, re.M)) == 1, name
            assert line.endswith((".", "?"))
    assert places == sorted(places)


def test_help_loads_neither_verbs_nor_what_checks_studies(root: Path) -> None:
    """What takes time is loading: the list of verbs needs none of them."""
    code = (
        "import sys; from benchbox.cli.app import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "loaded = {'pydantic', 'rich', 'benchbox.config', 'benchbox.cli.score_verbs'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=os.environ)
    assert done.returncode == 0, done.stderr
