"""What a gate demands, as the `[[gates]]` of a study or of a file of its own say it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchbox.document import Document, read_document, short
from benchbox.errors import InvalidInput, nearest
from benchbox.metrics.protocol import Protocol, parse
from benchbox.spec import SCALES

SCHEMA = 1
AP = ("AP", "AP50", "AP75", "APM", "APL", "AR")
COSTS = ("parameters", "macs", "latency", "memory")
METRICS = ("PCKh", "PCK", *AP, *COSTS)
GROUPS = ("joint", "pair", "category", "activity")
REFERENCE_ARM, PAPER = "reference-arm", "paper"
FAMILY = {"PCKh": "pckh", "PCK": "pck", **dict.fromkeys(AP, "coco-kp")}
"""The metric of a protocol that gives a score."""
RELATIVE = re.compile(r"(\d+(?:\.\d+)?) ?%")


class GateTable(BaseModel):
    """One table of `gates` as written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field("", max_length=100)
    metric: str
    protocol: str = ""
    group: str = Field("all", min_length=1, max_length=200)
    arm: str = Field(min_length=1)
    scale: str
    against: str = Field(min_length=1)
    tolerance: object
    confidence: float = Field(0.95, ge=0.5, lt=1)
    seeds: int = Field(1, ge=1, le=1000)
    persons: int = Field(1, ge=1)


class _File(BaseModel):
    """The top level of a file of gates."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: int = Field(alias="schema")
    study: str = Field(min_length=1)
    gates: list[object] = []


@dataclass(frozen=True)
class Tolerance:
    """How much worse is still as good: in the metric's unit, or a share of the reference's value."""

    amount: float
    relative: bool = False

    def of(self, reference: float) -> float:
        """Return it in the metric's unit."""
        return abs(reference) * self.amount if self.relative else self.amount

    def __str__(self) -> str:
        return f"{100 * self.amount:g} %" if self.relative else f"{self.amount:g}"


@dataclass(frozen=True)
class Gate:
    """One demand on one score or cost of one arm.

    Args:
        metric: of `METRICS`. protocol: None where the results have but one for the metric. group: "all",
            "joint:left_wrist", ...
        against: `REFERENCE_ARM`, `PAPER`, or the file of a committed reference.
        confidence: in [0.5, 1), of all gates of the file together. seeds, persons: the least that will do.
        line: of the table, from 1.
    """

    name: str
    metric: str
    protocol: Protocol | None
    group: str
    arm: str
    scale: str
    against: str | Path
    tolerance: Tolerance
    confidence: float
    seeds: int
    persons: int
    line: int

    @property
    def is_cost(self) -> bool:
        """Whether more is worse."""
        return self.metric in COSTS


@dataclass(frozen=True)
class Declaration:
    """The gates of a file, and the study that they speak of."""

    path: Path
    study: Path
    gates: tuple[Gate, ...]


def read_gates(path: Path) -> Declaration:
    """Read the gates of a study's file or of a file of their own; there may be none.

    Raises: InvalidInput with file, line and the nearest key or value.
    """
    document = read_document(path)
    document.check_schema(SCHEMA)
    study = path
    if "study" in document.values:
        study = _beside(path, _top(document).study)
    elif "gates" in document.values and "base" not in document.values:
        raise InvalidInput(f'{path}: names no study; a file of gates needs one, e.g. study = "STUDY.toml"')
    tables = document.values.get("gates", [])
    if not isinstance(tables, list):
        raise InvalidInput(f"{document.at('gates')}gates: must be tables, each [[gates]]; got {short(tables)}")
    gates = tuple(_gate(document, index, table) for index, table in enumerate(tables))
    names: set[str] = set()
    for index, gate in enumerate(gates):
        if gate.name in names:
            where = document.at("gates", str(index))
            raise InvalidInput(f'{where}two gates are named "{gate.name}"; give them a name each')
        names.add(gate.name)
    return Declaration(path, study, gates)


def _top(document: Document) -> _File:
    try:
        return _File.model_validate(document.values)
    except ValidationError as problem:
        raise document.mistake(
            problem, ("schema", "study", "gates"), "a file of gates needs schema and study"
        ) from None


def _gate(document: Document, index: int, table: object) -> Gate:
    section = ("gates", str(index))
    try:
        read = GateTable.model_validate(table)
    except ValidationError as problem:
        needs = "a gate needs metric, arm, scale, against and tolerance"
        raise document.mistake(problem, GateTable.model_fields, needs, *section) from None
    where = document.at(*section, "metric")
    known(read.metric, METRICS, f"{where}metric")
    known(read.scale, SCALES, f"{document.at(*section, 'scale')}scale")
    group = read.group.replace(" ", "_") if read.group.startswith("joint:") else read.group
    if group != "all":
        kind, colon, _ = group.partition(":")
        known(kind if colon else group, ("all", *GROUPS), f"{document.at(*section, 'group')}group")
    if read.metric in COSTS and (read.protocol or group != "all"):
        key = "protocol" if read.protocol else "group"
        raise InvalidInput(f"{document.at(*section, key)}{key}: {read.metric} is a cost and has none")
    return Gate(
        name=read.name.strip() or _usual_name(read.metric, group, read.arm, read.scale),
        metric=read.metric,
        protocol=_protocol(document, section, read) if read.protocol else None,
        group=group,
        arm=read.arm,
        scale=read.scale,
        against=_against(document, section, read.against),
        tolerance=_tolerance(document, section, read.tolerance, read.metric in COSTS),
        confidence=read.confidence,
        seeds=read.seeds,
        persons=read.persons,
        line=document.line(*section) or 1,
    )


def known(word: str, words: Sequence[str], where: str) -> None:
    """Refuse a word that is none of some.

    Raises: InvalidInput.
    """
    if word not in words:
        raise InvalidInput(f"{where}: unknown {short(word)}{nearest(word, words)}")


def _usual_name(metric: str, group: str, arm: str, scale: str) -> str:
    part = "" if group == "all" else f" of {group.partition(':')[2]}"
    return f"{metric}{part}, {arm}, {scale}"


def _protocol(document: Document, section: tuple[str, ...], read: GateTable) -> Protocol:
    where = document.at(*section, "protocol")
    try:
        found = parse(read.protocol)
    except InvalidInput as problem:
        raise InvalidInput(f"{where}{str(problem).removeprefix('--')}") from None
    if found.metric != FAMILY[read.metric]:
        raise InvalidInput(f"{where}protocol: {read.protocol} does not give {read.metric}")
    return found


def _against(document: Document, section: tuple[str, ...], text: str) -> str | Path:
    if text in (REFERENCE_ARM, PAPER):
        return text
    if not text.endswith(".json"):
        expected = nearest(text, (REFERENCE_ARM, PAPER, "PATH.json"))
        raise InvalidInput(f"{document.at(*section, 'against')}against: unknown {short(text)}{expected}")
    return _beside(document.path, text)


def _beside(file: Path, text: str) -> Path:
    """Return a path that a file names, as short as it can be typed."""
    named = file.parent / text
    short_name = Path(os.path.normpath(named))  # which is another file where a folder of it is a link
    return short_name if short_name.resolve() == named.resolve() else named


def _tolerance(document: Document, section: tuple[str, ...], value: object, is_cost: bool) -> Tolerance:
    share = RELATIVE.fullmatch(value) if isinstance(value, str) else None
    amount = math.nan
    if share:
        amount = float(share[1]) / 100
    elif isinstance(value, int | float) and not isinstance(value, bool):
        amount = float(value)
    where = document.at(*section, "tolerance")
    if not is_cost and (amount >= 1 if share else amount >= 100):
        raise InvalidInput(f"{where}tolerance: a score could fall to nothing within {short(value)}; give less")
    if not (math.isfinite(amount) and amount >= 0):
        raise InvalidInput(f'{where}tolerance: a number of points, 0 or more, or "2 %"; got {short(value)}')
    return Tolerance(amount, share is not None)
