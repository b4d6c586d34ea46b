"""What a file of gates asks for, computed from results: verdicts, or new references."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.cli.grid import emit
from benchbox.cli.judging import Asked, Looked
from benchbox.cli.markup import Column
from benchbox.cli.places import results_words
from benchbox.console import many
from benchbox.errors import InvalidInput
from benchbox.gates.declaration import Declaration
from benchbox.gates.judge import Judge
from benchbox.gates.measured import Matcher, Results
from benchbox.gates.update import Update, changes, summary, updates, write_all
from benchbox.gates.verdict import Verdict
from benchbox.papers import read as papers


def verdicts(declaration: Declaration, looked: Looked, asked: Asked) -> list[Verdict]:
    """Judge every gate of a file."""
    paper = papers.read(looked.paper) if looked.paper else None
    judge = Judge(results_of(declaration, looked, asked), paper, _command(declaration.path, asked))
    return judge.judge(declaration.gates)


def results_of(declaration: Declaration, looked: Looked, asked: Asked) -> Results:
    """Return where the study's results are found."""
    root = folders.data_root()
    matcher = _matcher(asked.results, root)
    return Results(declaration.study.stem, looked.arms, asked.results, root, matcher, declaration.gates)


def _matcher(results: Path, root: Path | None) -> Matcher:
    def match(jobs: Sequence[str], protocol: str, groups: Sequence[str]) -> Mapping[str, Any]:
        words = ["matches", "--results", str(results), "--cache", str(folders.cache_root())]
        words += ["--data", str(root)] if root else []
        found: dict[str, Any] = ask(words, {"jobs": list(jobs), "protocol": protocol, "groups": list(groups)})
        return found

    return match


def update(declaration: Declaration, looked: Looked, asked: Asked, files: Sequence[Path]) -> None:
    """Write every reference that the gates name, all or none, and print what changed."""
    commit = _commit(declaration.path, [*files, asked.results, asked.report], asked.allow_dirty)
    results = results_of(declaration, looked, asked)
    provenance = {**commit, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    written = updates(declaration.gates, results, provenance)
    write_all(written)
    rows = [line | {"change": _change(line)} for one in written for line in changes(one)]
    columns = [
        Column("file", "Reference"),
        Column("score", "Score"),
        Column("before", "Before", right=True, show=_shown),
        Column("now", "Now", right=True, show=_shown),
        Column("change", "Change", right=True, show=lambda value: f"{value:+,.2f}"),
    ]
    said = [_said(one) for one in written]
    if asked.format not in ("json", "csv"):
        whole, rows = rows, summary(rows, {gate.group for gate in declaration.gates})
        said += [f"{len(whole) - len(rows)} more scores; --json shows all."] if len(whole) > len(rows) else []
    meta = {"schema": 1, "kind": "gate-update", "files": [str(one.path) for one in written]}
    emit(asked.format, f"References of {declaration.path}", columns, rows, meta, said)


def _said(update: Update) -> str:
    state = "unchanged" if update.unchanged else "refreshed" if update.before else "new"
    if update.unreadable:
        state = "replaced (could not be read)"
    before, now = ((one.study, one.scale, one.arm) if one else () for one in (update.before, update.side))
    if before and before != now:
        state = f"replaced (was of {before[0]}, scale {before[1]}, {before[2]})"
    more = "" if update.unchanged else "; commit it"
    return f"{update.path}: {state}, {len(update.text.encode()) / 1000:,.0f} kB{more}."


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if value <= 100 else f"{value:,.0f}"  # no score is above 100, and costs are counts


def _change(line: Mapping[str, Any]) -> float | None:
    before, now = line["before"], line["now"]
    return None if before is None or now is None else now - before


def _commit(path: Path, files: Sequence[Path], allow_dirty: bool) -> Mapping[str, Any]:
    """Return the commit of the checkout that a file lies in, and whether anything but references and results differs.

    Raises: InvalidInput for a tree that is not as committed, unless it is allowed.
    """
    here = path.resolve().parent
    excluded = [f":(exclude,top,literal){one}" for one in _below(here, files)]
    run = [_git(here, "rev-parse", "HEAD"), _git(here, "status", "--porcelain", "--", ":/", *excluded)]
    if run[0] is None or run[1] is None:
        if allow_dirty:
            return {"commit": "", "dirty": None}
        raise InvalidInput(
            f"{path}: lies in no git checkout, so no commit can stand behind it; --allow-dirty writes it"
        )
    changed = run[1].splitlines()
    if changed and not allow_dirty:
        raise InvalidInput(
            f"{path}: the git tree has {many(len(changed), 'change')} not committed (first: {changed[0].strip()}); "
            "commit them, or say --allow-dirty"
        )
    return {"commit": run[0].strip(), "dirty": bool(changed)}


def _below(here: Path, files: Sequence[Path]) -> list[str]:
    top = _git(here, "rev-parse", "--show-toplevel")
    root = Path(top.strip()).resolve() if top else here
    resolved = [one.resolve() for one in files]
    return [one.relative_to(root).as_posix() for one in resolved if one.is_relative_to(root)]


def _git(folder: Path, *words: str) -> str | None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=60)
        return done.stdout if done.returncode == 0 else None
    return None


def _command(path: Path, asked: Asked) -> str:
    words = ["benchbox", "gate", str(path), "--update"]
    words += ["--seeds", asked.seeds] if asked.seeds else []
    return shlex.join(words + results_words(asked.results))
