"""Read a study (schema 1): a TOML file that says what is varied, against what, on which data, at which scales."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchbox.document import Document, Path_, read_document, short
from benchbox.errors import InvalidInput, nearest

SCHEMA = 1
SCALES = ("paper", "mini", "tiny")
MOST_PROCESSES = 64
EXAMPLES = {
    "schema": f"schema = {SCHEMA}",
    "title": 'title = "Attention or none"',
    "factor": 'factor = ["model.attention"]',
    "base": "[base] with dataset, model and train",
}
"""What a study cannot do without."""
JOB_TABLES = ("dataset", "model", "train", "evaluate")


class RawStudy(BaseModel):
    """The top level of a study, before its tables are merged into jobs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: int = Field(alias="schema", description="version of these keys")
    title: str = Field(min_length=1, max_length=200)
    paper: str | None = Field(None, pattern=r"^[a-z0-9-]+$", description="whose tables it answers")
    effect: float | None = Field(None, gt=0, le=100, description="the difference it looks for, in points")
    seeds: list[int] = Field([0], min_length=1, max_length=1000, description="every arm runs with each")
    factor: list[str] = Field(
        min_length=1, description="what is varied; an arm that differs from its reference elsewhere is refused"
    )
    base: dict[str, Any]
    variants: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    reference: dict[str, Any] = {}
    exclude: list[dict[str, Any]] = []
    gates: list[dict[str, Any]] = []
    scales: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Layer:
    """One named table of overrides (a base, scale, group or variant) with the place in the file where it stands.

    `processes` is how many GPUs share a job of it; 0 where it does not say.
    """

    name: str
    values: dict[str, Any]
    section: Path_
    reference: bool = False
    processes: int = 0


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
    document = read_document(path)
    raw, lines = _check_top(document), document.lines
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


def _check_top(document: Document) -> RawStudy:
    document.check_schema(SCHEMA)
    try:
        return RawStudy.model_validate(document.values)
    except ValidationError as problem:
        known = [known.alias or name for name, known in RawStudy.model_fields.items()]
        needs = f"a study needs {', '.join(EXAMPLES)}; benchbox init writes one"
        raise document.mistake(problem, known, needs, examples=EXAMPLES) from None


def _layers(tables: list[dict[str, Any]], kind: str, path: Path, lines: dict[Path_, int]) -> tuple[Layer, ...]:
    layers = []
    for index, table in enumerate(tables):
        section = (kind, str(index))
        line = f":{lines[section]}" if section in lines else ""
        values = dict(table)
        name, reference = values.pop("name", None), values.pop("reference", False)
        if not isinstance(name, str) or not name.strip() or len(name) > 100:
            raise InvalidInput(f"{path}{line}: {kind}: each needs a name of 1 to 100 characters; got {short(name)}")
        if not isinstance(reference, bool):
            raise InvalidInput(f"{path}{line}: {name}: reference: must be true or false; got {short(reference)}")
        processes = values.pop("processes", 0)
        if type(processes) is not int or not (0 < processes <= MOST_PROCESSES or "processes" not in table):
            raise InvalidInput(
                f"{path}{line}: {name}: processes: must be 1 to {MOST_PROCESSES}; got {short(processes)}"
            )
        layers.append(Layer(name, values, section, reference, processes))
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
        raise InvalidInput(f"{study.path}: nothing to run: neither variants nor axes; add [[variants]] or [axes]")
    if len(set(study.seeds)) != len(study.seeds):
        raise InvalidInput(f"{study.at('seeds')}seeds: a seed stands twice; give different ones, e.g. [0, 1, 2]")
    for row in study.exclude:
        if not isinstance(row.get("reason"), str):
            raise InvalidInput(f'{study.at("exclude")}exclude: each row needs a reason, e.g. reason = "too large"')


def _check_layer(study: Study, layer: Layer) -> None:
    for key, value in layer.values.items():
        where = study.at(*layer.section, key)
        if key not in JOB_TABLES:
            raise InvalidInput(f"{where}{key}: unknown key{nearest(key, JOB_TABLES)}")
        if not isinstance(value, dict):
            raise InvalidInput(f"{where}{key}: must be a table; got {short(value)}")


def _check_axes(study: Study) -> None:
    for key, values in study.axes.items():
        where = study.at("axes", *key.split("."))
        if not isinstance(values, list) or not values:
            raise InvalidInput(f"{where}axes.{key}: must be a list with at least one value")
        if any(values.count(value) > 1 for value in values):
            raise InvalidInput(f"{where}axes.{key}: a value stands twice")
