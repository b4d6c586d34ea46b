"""Completion in the shell: what can stand where, from files that may be broken, without a word of complaint."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from benchbox.cli import known

UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\\\"'$`]")
"""What a shell could take for more than a name: zsh evaluates what it is offered. Such names are left to be typed."""
SPECIAL = re.compile(r"([\s()\[\]{}&;|<>*?#!~])")
BROKEN_AT = (":", "=")
"""Where bash divides a word, so that `STUDY.toml:ARM` comes as three."""

Found = Iterable[str] | Mapping[str, str]
Completer = Callable[..., list[tuple[str, str]]]


def completer(find: Callable[[Mapping[str, Any], str], Found]) -> Completer:
    """Return what the parser calls for a word: `find` is given what stands before it, and its beginning."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        with contextlib.suppress(Exception):
            # An option that still waits for its word keeps the parser from giving the arguments their names.
            found = find({**ctx.params, "words": ctx.args}, incomplete)
            pairs = found.items() if isinstance(found, Mapping) else ((word, "") for word in found)
            fitting = ((word, text) for word, text in pairs if word.startswith(incomplete) and not UNSAFE.search(word))
            return [(word, UNSAFE.sub(" ", text)) for word, text in fitting]
        return []

    return complete


def words(choices: Found) -> Completer:
    """Return the completer of a fixed choice."""
    return completer(lambda given, typed: choices)


def answer(app: Callable[..., Any]) -> int:
    """Answer a shell, whatever is wrong: what is known on stdout, nothing on stderr.

    Returns: the exit code that the shell's function waits for.
    """
    said, code = io.StringIO(), 0
    bash = _joined_at_breaks() if os.environ["_BENCHBOX_COMPLETE"] == "complete_bash" else None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(prog_name="benchbox", standalone_mode=False)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except Exception:
            return 1
    text = said.getvalue()
    if bash is not None:
        text = "".join(f"{bash(line)}\n" for line in text.splitlines() if line)
    sys.stdout.write(text)
    return code


def _joined_at_breaks() -> Callable[[str], str]:
    """Join the words that bash divided in the environment; return how a candidate is written for it."""
    given, place = os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0"))
    joined: list[str] = []
    cursor = 0
    for number, word in enumerate(given):
        glued = joined and len(joined) > 1 and (word in BROKEN_AT or given[number - 1] in BROKEN_AT)
        if glued:
            joined[-1] += word
        else:
            joined.append(word)
        if number == place:
            cursor = len(joined) - 1
    if len(given) > 1:
        os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(joined), str(cursor)
    current = joined[cursor] if 0 < cursor < len(joined) and len(given) > 1 else ""
    quoted = current[:1] in ("'", '"')
    end = max(current.rfind(mark) for mark in BROKEN_AT) + 1
    prefix = "" if quoted else current[:end].replace("\\", "")

    def written(word: str) -> str:
        rest = word.removeprefix(prefix)
        return rest if quoted else SPECIAL.sub(r"\\\1", rest)

    return written


def _files(typed: str, pattern: str = "*.toml") -> list[str]:
    folder = Path(typed) if typed.endswith("/") else Path(typed).parent
    before = typed[: typed.rfind("/") + 1]
    return [before + file.name for file in sorted(folder.glob(pattern))] if before else []


def _studies(given: Mapping[str, Any], typed: str) -> Mapping[str, str]:
    return dict.fromkeys(_files(typed), "") | known.studies()


def _arms(given: Mapping[str, Any], typed: str) -> list[str]:
    named = [given.get("study"), *(given.get("what") or ()), *given["words"]]
    return next((known.arms(Path(name)) for name in named if str(name).endswith(".toml")), [])


def _results(given: Mapping[str, Any], typed: str) -> dict[str, str]:
    """Return jobs, saved predictions, studies and, behind a study and a colon, its arms."""
    file, mark, _ = typed.partition(".toml:")
    if mark:
        return {f"{file}.toml:{arm}": "" for arm in known.arms(Path(f"{file}.toml"))}
    folder = _folder(given)
    found = known.jobs(folder) | dict.fromkeys(known.saved(folder), "saved predictions")
    return found | {f"{file}:": title for file, title in _studies(given, typed).items()}


def _folder(given: Mapping[str, Any]) -> Path:
    return Path(given.get("results") or os.environ.get("BENCHBOX_RESULTS") or "results")


def _tables(given: Mapping[str, Any], typed: str) -> Mapping[str, str]:
    return {name: str(table.get("title", "")) for name, table in known.tables(given["paper"]).items()}


def _tables_or_studies(given: Mapping[str, Any], typed: str) -> Mapping[str, str]:
    return _tables(given, typed) if given.get("paper") else _studies(given, typed)


def _table(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return known.tables(given["paper"])[given["table"]]


def _rows(given: Mapping[str, Any], typed: str) -> Found:
    if given.get("paper"):
        return {row["key"]: row.get("arm", "") for row in _table(given)["rows"]}
    return known.arms(Path(given["table"]))


def _columns(given: Mapping[str, Any], typed: str) -> Found:
    if given.get("paper"):
        return {
            column["heading"]: column.get("metric", "") for column in _table(given)["columns"] if "metric" in column
        }
    return known.METRICS


_STUDY = completer(_studies)
_RESULT = completer(_results)
_PAPER = completer(lambda given, typed: known.papers())
_NETWORK = completer(lambda given, typed: known.networks())
COMPLETERS: dict[str, Completer] = {
    "study": _STUDY,
    "studies": _STUDY,
    "declaration": _STUDY,
    "only": completer(_arms),
    "job": completer(lambda given, typed: known.jobs(_folder(given))),
    "what": completer(lambda given, typed: {**known.jobs(_folder(given)), **_studies(given, typed)}),
    "a": _RESULT,
    "b": _RESULT,
    "run": _RESULT,
    "with_": completer(lambda given, typed: known.saved(_folder(given))),
    "paper": _PAPER,
    "tables": completer(_tables),
    "table": completer(_tables_or_studies),
    "row": completer(_rows),
    "column": completer(_columns),
    "names": _NETWORK,
    "name": words(known.DATA_SETS),
    "dataset": words(known.DATA_SETS),
    "scale": words(known.SCALES),
    "format": words(known.FORMATS),
    "plot format": words(("svg", "png")),
    "by": words(known.GROUPS),
    "protocol": words(known.PROTOCOLS),
    "kind": words(known.KINDS),
    "x": words(known.COSTS),
    "on": words(known.EXECUTORS),
    "retry": words(known.RETRIED),
    "show": words(known.PICTURES),
    "device": words(("cpu", "cuda")),
    "precision": words(("fp32", "bf16")),
}
"""What completes a parameter of any verb, by its name in the verb's signature; a verb's own goes before."""
