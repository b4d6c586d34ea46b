"""Read a study (schema 1): a TOML file that says what is varied, against what, on which data, at which scales."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchbox.errors import InvalidInput, nearest

SCHEMA = 1
SCALES = ("paper", "mini", "tiny")
MAX_BYTES = 1_000_000
JOB_TABLES = ("dataset", "model", "train", "evaluate")
Path_ = tuple[str, ...]


class _Raw(BaseModel):
    """The top level of a study, before its tables are merged into jobs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: int = Field(alias="schema")
    title: str = Field(min_length=1, max_length=200)
    paper: str | None = Field(None, pattern=r"^[a-z0-9-]+$")
    effect: float | None = Field(None, gt=0, le=100)
    seeds: list[int] = Field([0], min_length=1, max_length=1000)
    factor: list[str] = Field(min_length=1)
    base: dict[str, Any]
    variants: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    reference: dict[str, Any] = {}
    exclude: list[dict[str, Any]] = []
    scales: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Layer:
    """One named table of overrides (a base, scale, group or variant) with the place in the file where it stands."""

    name: str
    values: dict[str, Any]
    section: Path_
    reference: bool = False


@dataclass(frozen=True)
class Study:
    """A study as written: nothing merged, nothing expanded.

    `effect` is the difference it looks for, in points of its primary metric.
    """

    path: Path
    title: str
    paper: str | None
    seeds: tuple[int, ...]
    factor: tuple[str, ...]
    base: Layer
    variants: tuple[Layer, ...]
    groups: tuple[Layer, ...]
    axes: dict[str, list[Any]]
    reference: dict[str, Any]
    exclude: tuple[dict[str, Any], ...]
    scales: dict[str, Layer]
    effect: float | None = None
    lines: dict[Path_, int] = field(repr=False, default_factory=dict)

    def at(self, *where: str) -> str:
        """Return `file:line: ` for the deepest part of a key path that the file spells out."""
        below = [line for key, line in self.lines.items() if key[: len(where)] == where]
        if below:
            return f"{self.path}:{min(below)}: "
        for depth in range(len(where), 0, -1):
            if where[:depth] in self.lines:
                return f"{self.path}:{self.lines[where[:depth]]}: "
        return f"{self.path}: "


def read_study(path: Path) -> Study:
    """Read and check a study's own structure; jobs are checked when it is expanded.

    Raises: InvalidInput with file, line and key.
    """
    text = _read_text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(problem))
        line = f":{found[1]}" if found else ""
        reason = re.sub(r" \(at .*", "", str(problem))
        raise InvalidInput(f"{path}{line}: not valid TOML: {reason}") from None
    except RecursionError:
        raise InvalidInput(f"{path}: nested too deeply") from None
    lines = _line_index(text)
    raw = _check_top(document, path, lines)
    study = Study(
        path=path,
        title=raw.title,
        paper=raw.paper,
        seeds=tuple(raw.seeds),
        factor=tuple(raw.factor),
        base=Layer("base", raw.base, ("base",)),
        variants=_layers(raw.variants, "variants", path, lines),
        groups=_layers(raw.groups, "groups", path, lines),
        axes=_flatten_axes(raw.axes),
        reference=_flatten_axes(raw.reference),
        exclude=tuple(raw.exclude),
        scales={name: Layer(name, values, ("scales", name)) for name, values in raw.scales.items()},
        effect=raw.effect,
        lines=lines,
    )
    _check_parts(study)
    return study


def flatten(table: dict[str, Any], prefix: Path_ = ()) -> dict[Path_, Any]:
    """Return the leaves of nested tables by key path; an empty table has none."""
    leaves: dict[Path_, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            leaves |= flatten(value, (*prefix, key))
        else:
            leaves[*prefix, key] = value
    return leaves


def _read_text(path: Path) -> str:
    try:
        if path.is_dir():
            raise InvalidInput(f"{path}: is a folder; give the study's TOML file")
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path}: over {MAX_BYTES:,} bytes; a study is a short text")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        near = [str(file) for file in sorted(Path(path.parent or ".").glob("*.toml"))]
        raise InvalidInput(f"{path}: no such file{nearest(str(path), near) if near else ''}") from None
    except UnicodeDecodeError as problem:
        raise InvalidInput(f"{path}: not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise InvalidInput(f"{path}: cannot be read: {problem.strerror}") from None


def _check_top(document: dict[str, Any], path: Path, lines: dict[Path_, int]) -> _Raw:
    schema = document.get("schema")
    if isinstance(schema, int) and schema != SCHEMA:
        raise InvalidInput(f"{path}:{lines.get(('schema',), 1)}: schema: {schema} is not known here; known: {SCHEMA}")
    try:
        return _Raw.model_validate(document)
    except ValidationError as problem:
        error = min(problem.errors(), key=lambda found: found["type"] != "extra_forbidden")
        key = tuple(map(str, error["loc"]))
        line = next((f":{lines[key[:depth]]}" for depth in range(len(key), 0, -1) if key[:depth] in lines), "")
        name = ".".join(key)
        if error["type"] == "extra_forbidden":
            known = [known.alias or name for name, known in _Raw.model_fields.items()]
            raise InvalidInput(f"{path}{line}: {name}: unknown key{nearest(key[-1], known)}") from None
        if error["type"] == "missing":
            raise InvalidInput(f"{path}: {name}: missing; a study needs schema, title, factor and base") from None
        raise InvalidInput(f"{path}{line}: {name}: {error['msg']}; got {_short(error['input'])}") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _layers(tables: list[dict[str, Any]], kind: str, path: Path, lines: dict[Path_, int]) -> tuple[Layer, ...]:
    layers = []
    for index, table in enumerate(tables):
        section = (kind, str(index))
        line = f":{lines[section]}" if section in lines else ""
        values = dict(table)
        name, reference = values.pop("name", None), values.pop("reference", False)
        if not isinstance(name, str) or not name.strip() or len(name) > 100:
            raise InvalidInput(f"{path}{line}: {kind}: each needs a name of 1 to 100 characters; got {_short(name)}")
        if not isinstance(reference, bool):
            raise InvalidInput(f"{path}{line}: {name}: reference: must be true or false; got {_short(reference)}")
        layers.append(Layer(name, values, section, reference))
    return tuple(layers)


def _flatten_axes(axes: dict[str, Any]) -> dict[str, Any]:
    return {".".join(key): value for key, value in flatten(axes).items()}


def _check_parts(study: Study) -> None:
    for kind, layers in (("variant", study.variants), ("group", study.groups)):
        names: set[str] = set()
        for layer in layers:
            if layer.name in names:
                raise InvalidInput(f'{study.at(*layer.section)}two {kind}s are named "{layer.name}"; names are unique')
            names.add(layer.name)
    for layer in (study.base, *study.variants, *study.groups, *study.scales.values()):
        _check_layer(study, layer)
    for name in study.scales:
        if name not in SCALES:
            raise InvalidInput(f"{study.at('scales', name)}scales.{name}: unknown scale{nearest(name, SCALES)}")
    _check_axes(study)
    if not study.variants and not study.axes:
        raise InvalidInput(f"{study.path}: nothing to run: neither variants nor axes")
    if len(set(study.seeds)) != len(study.seeds):
        raise InvalidInput(f"{study.at('seeds')}seeds: a seed stands twice")
    for row in study.exclude:
        if not isinstance(row.get("reason"), str):
            raise InvalidInput(f"{study.at('exclude')}exclude: each row needs a reason")


def _check_layer(study: Study, layer: Layer) -> None:
    for key, value in layer.values.items():
        where = study.at(*layer.section, key)
        if key not in JOB_TABLES:
            raise InvalidInput(f"{where}{key}: unknown key{nearest(key, JOB_TABLES)}")
        if not isinstance(value, dict):
            raise InvalidInput(f"{where}{key}: must be a table; got {_short(value)}")


def _check_axes(study: Study) -> None:
    for key, values in study.axes.items():
        where = study.at("axes", *key.split("."))
        if not isinstance(values, list) or not values:
            raise InvalidInput(f"{where}axes.{key}: must be a list with at least one value")
        if any(values.count(value) > 1 for value in values):
            raise InvalidInput(f"{where}axes.{key}: a value stands twice")


def _line_index(text: str) -> dict[Path_, int]:
    """Find the line of every table header and key; multi-line values are stepped over by their brackets and quotes."""
    index: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    section: Path_ = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and not quote:
            header = re.match(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$", line)
            if header:
                section = _keys(header[2])
                if header[1] == "[[":
                    counts[section] = counts.get(section, -1) + 1
                    section = (*section, str(counts[section]))
                elif len(section) > 1 and section[:1] in counts:
                    section = (section[0], str(counts[section[:1]]), *section[1:])
                index.setdefault(section, number)
                continue
            entry = re.match(
                r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=", line
            )
            if entry:
                index.setdefault((*section, *_keys(entry[1])), number)
        depth, quote = _open_brackets(line, depth, quote)
    return index


def _keys(dotted: str) -> Path_:
    parts = re.findall(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)", dotted)
    return tuple(part for groups in parts for part in ".".join(filter(None, groups)).split("."))


def _open_brackets(line: str, depth: int, quote: str) -> tuple[int, str]:
    for token in re.findall(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[\]{}]', line):
        if quote:
            quote = "" if token == quote else quote
        elif token in ('"""', "'''"):
            quote = token
        elif token in ("[", "{"):
            depth += 1
        elif token in ("]", "}"):
            depth = max(0, depth - 1)
        elif token.startswith("#"):
            break
    return depth, quote
