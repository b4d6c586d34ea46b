"""What came of gates, for machines and people: JUnit's XML, Markdown, JSON, GitHub's annotations."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from benchbox.files import explained, write_temporary
from benchbox.gates.verdict import COULD_NOT_JUDGE, IMPROVED, PASSED, REGRESSED, Verdict

SCHEMA = 1
# Source: XML 1.0, section 2.2, what is no character; and control characters that a terminal would obey.
UNFIT = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MARKS = {PASSED: "✅", IMPROVED: "📈", REGRESSED: "❌", COULD_NOT_JUDGE: "❓"}


@dataclass(frozen=True)
class Report:
    """Everything that is told of one call.

    Args:
        path: of the declaration.
        code: the exit code.
        verdicts: of the gates; none where it did not come to judging.
        problem: why it did not, one line or a traceback; empty where it did.
        note: what holds for all.
    """

    path: Path
    code: int
    verdicts: Sequence[Verdict] = ()
    problem: str = ""
    note: str = ""

    def write(self, folder: Path) -> None:
        """Write gate.json, gate.md and junit.xml, each whole.

        Raises: EnvironmentProblem where the disk refuses.
        """
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        texts = {"gate.json": self.json(), "gate.md": self.markdown(), "junit.xml": self.junit()}
        for name, text in texts.items():
            with explained(folder / name):
                os.replace(write_temporary(folder / name, text), folder / name)

    def record(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            "schema": SCHEMA,
            "kind": "gate",
            "declaration": str(self.path),
            "exit_code": self.code,
            "problem": self.problem,
            "note": self.note,
            "rows": [row(verdict) for verdict in self.verdicts],
        }

    def json(self) -> str:
        """Return gate.json."""
        return json.dumps(self.record(), indent=1, ensure_ascii=False) + "\n"

    def junit(self) -> str:
        """Return junit.xml: what regressed failed, what could not be judged is an error; so is a problem."""
        cases = [_case(self.path, verdict) for verdict in self.verdicts]
        failures = sum(verdict.outcome == REGRESSED for verdict in self.verdicts)
        errors = sum(verdict.outcome == COULD_NOT_JUDGE for verdict in self.verdicts)
        if self.problem:
            text = fit(self.problem)
            errors += 1
            error = f"<error message={quoteattr(text.splitlines()[-1])}>{escape(text)}</error>"
            cases.append(f'  <testcase classname={quoteattr(fit(str(self.path)))} name="gate">{error}</testcase>')
        counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
        suite = f'<testsuite name={quoteattr(fit(str(self.path)))} {counts} skipped="0" time="0">'
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="benchbox gate" {counts}>', f" {suite}"]
        return "\n".join([*lines, *cases, " </testsuite>", "</testsuites>"]) + "\n"

    def markdown(self) -> str:
        """Return gate.md: a table, then what is to say of each gate that did not simply pass."""
        lines = [f"## benchbox gate: {WORDS.get(self.code, f'exit code {self.code}')}", "", f"{_md(str(self.path))}"]
        if self.problem:
            lines += ["", _md(self.problem)]
        if self.verdicts:
            lines += [
                "",
                "| | Gate | Measured | Reference | Change | Interval | Tolerance | |",
                "|---|---|---:|---:|---:|---|---:|---|",
            ]
            lines += ["| " + " | ".join([MARKS[one.outcome], *map(_md, _cells(one))]) + " |" for one in self.verdicts]
        shown = [one for one in self.verdicts if one.outcome != PASSED or one.notes]
        for verdict, told in zip(shown, told_once(shown), strict=True):
            lines += ["", f"### {_md(verdict.gate.name)}: {verdict.outcome}", "", *(f"- {_md(text)}" for text in told)]
        return "\n".join([*lines, *(["", _md(self.note)] if self.note else [])]) + "\n"

    def annotations(self, checkout: Path | None = None) -> Iterable[str]:
        """Return GitHub's workflow commands: an error for what fails the step, a notice for what got better.

        Args: checkout: what paths must be relative to, so that GitHub finds the file's lines.
        """
        here = self.path.resolve()
        path = here.relative_to(checkout) if checkout and here.is_relative_to(checkout) else self.path
        if self.problem:
            yield _command("error", path, 1, "benchbox gate", self.problem)
        told = [verdict for verdict in self.verdicts if verdict.outcome != PASSED]
        for verdict, texts in zip(told, told_once(told), strict=True):
            kind = {REGRESSED: "error", COULD_NOT_JUDGE: "error", IMPROVED: "notice"}[verdict.outcome]
            text = "\n".join([_message(verdict), *texts[1:]])
            title = f"{verdict.gate.name}: {verdict.outcome}"
            yield _command(kind, path, verdict.gate.line, title, text)


WORDS = {
    0: "passed",
    1: "regressed",
    2: "not usable as it stands",
    3: "could not judge",
    4: "the machine lacks something",
}


def row(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict for programs; numbers that there are not are null."""
    gate, diagnosis = verdict.gate, verdict.diagnosis
    numbers = ("measured", "reference", "change", "low", "high", "floor", "tolerance")
    return {
        "gate": gate.name,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "metric": gate.metric,
        "protocol": verdict.protocol or (str(gate.protocol) if gate.protocol else None),
        "group": gate.group,
        "arm": gate.arm,
        "scale": gate.scale,
        "against": str(gate.against),
        **{name: _number(getattr(verdict, name)) for name in numbers},
        "seeds": list(verdict.seeds),
        "persons": verdict.persons,
        "kind": verdict.kind or None,
        "notes": list(verdict.notes),
        "line": gate.line,
        "diagnosis": None
        if diagnosis is None
        else {
            "sentences": list(diagnosis.sentences),
            "moved": [{name: _number(value) for name, value in vars(one).items()} for one in diagnosis.moved],
            "worst": [{name: _number(value) for name, value in vars(one).items()} for one in diagnosis.worst],
            "swapped": [_number(value) for value in diagnosis.swapped],
            "offset": [_number(value) for value in diagnosis.offset],
        },
    }


def details(verdict: Verdict) -> list[str]:
    """Return what is to say of a verdict: the reason first."""
    return [verdict.reason, *verdict.notes, *(verdict.diagnosis.sentences if verdict.diagnosis else ())]


def told_once(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """Return what is to say of each verdict, the reason first; what an earlier gate told at length is only named."""
    first: dict[str, str] = {}
    found = []
    for verdict in verdicts:
        name, texts = verdict.gate.name, []
        for text in details(verdict):
            own = text == verdict.reason and verdict.outcome != COULD_NOT_JUDGE
            if own or first.setdefault(text, name) == name:
                texts.append(text)
                continue
            same = "for the same reason as" if text == verdict.reason else "same note as for"
            if (named := f'{same} "{first[text]}"') not in texts:
                texts.append(named)
        found.append(texts)
    return found


def number(value: float, verdict: Verdict, sign: bool = False) -> str:
    """Spell a number as its metric is read."""
    if math.isnan(value):
        return "–"
    if verdict.gate.metric in ("parameters", "macs"):
        return f"{value:+,.0f}" if sign else f"{value:,.0f}"
    return f"{value:+.2f}" if sign else f"{value:.2f}"


def interval(verdict: Verdict) -> str:
    """Spell the interval of a change."""
    if math.isnan(verdict.low):
        return "–"
    return f"[{number(verdict.low, verdict, True)}, {number(verdict.high, verdict, True)}]"


def fit(text: str) -> str:
    """Return text without characters that XML forbids or terminals obey."""
    return UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def _cells(verdict: Verdict) -> list[str]:
    numbers = [number(verdict.measured, verdict), number(verdict.reference, verdict)]
    change = [number(verdict.change, verdict, True), interval(verdict), str(verdict.gate.tolerance)]
    return [verdict.gate.name, *numbers, *change, verdict.outcome]


def _case(path: Path, verdict: Verdict) -> str:
    name, place = quoteattr(fit(verdict.gate.name)), quoteattr(fit(str(path)))
    head = f'  <testcase classname={place} name={name} file={place} line="{verdict.gate.line}" time="0">'
    tag = {REGRESSED: "failure", COULD_NOT_JUDGE: "error"}.get(verdict.outcome, "system-out")
    text = fit("\n".join([_message(verdict), *details(verdict)[1:]]))
    message = f" message={quoteattr(fit(_message(verdict)))}" if tag != "system-out" else ""
    return f"{head}<{tag}{message}>{escape(text)}</{tag}></testcase>"


def _message(verdict: Verdict) -> str:
    """Return the reason of a verdict for where no table stands beside it."""
    if verdict.outcome != REGRESSED:
        return verdict.reason
    return f"{number(verdict.change, verdict, True)} {interval(verdict)}: {verdict.reason}"


def _md(text: str) -> str:
    """Escape what Markdown or HTML would take for their own; one line."""
    text = " ".join(fit(text).split())
    for character, safe in {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.items():
        text = text.replace(character, safe)
    return re.sub(r"([\\|*_`\[\]#~])", r"\\\1", text).replace("@", "&#64;")


def _command(kind: str, path: Path, line: int, title: str, text: str) -> str:
    """Spell a workflow command. Source: GitHub's toolkit, which escapes so much and no more."""
    properties = {"file": str(path), "line": str(line), "title": title}
    spelt = ",".join(f"{name}={_escaped(fit(value), ':,')}" for name, value in properties.items())
    return f"::{kind} {spelt}::{_escaped(fit(text))}"


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"%{ord(one):02X}" if one in f"%\r\n{more}" else one for one in text)


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
