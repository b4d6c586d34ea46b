"""Turn merged values into a job, and what is wrong with them into one line with file, line and the nearest key."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from benchbox.config import JobConfig, files_of_weights
from benchbox.digest import file_digest
from benchbox.document import Path_, short
from benchbox.errors import EnvironmentProblem, InvalidInput, nearest
from benchbox.spec import Layer, Study, flatten

SIZE = ("dataset", "input")
EXAMPLES = {
    "dataset": 'dataset = { name = "synthetic", input = [64, 64] }',
    "dataset.name": 'name = "synthetic"',
    "model": 'model = { name = "hrnet" }',
    "model.name": 'name = "hrnet"',
}
"""What a job cannot do without."""


@dataclass(frozen=True)
class Place:
    """Where an arm stands in its study."""

    group: Layer | None
    variant: Layer | None
    scale: Layer | None
    axes: tuple[tuple[str, Any], ...] = ()

    @property
    def where(self) -> Path_:
        layer = self.variant or self.group
        return layer.section if layer else ("axes",)

    @property
    def processes(self) -> int:
        said = [layer.processes for layer in (self.variant, self.group) if layer and layer.processes]
        return said[0] if said else 1

    @property
    def name(self) -> str:
        parts = [layer.name for layer in (self.group, self.variant) if layer]
        return ", ".join([*parts, *(f"{key} = {show(value)}" for key, value in self.axes)])


def show(value: Any) -> str:
    """Spell a value as a study would."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def validated(study: Study, values: dict[str, Any], place: Place) -> JobConfig:
    """Return the job that an arm's merged values describe.

    Raises: InvalidInput.
    """
    try:
        return JobConfig.model_validate(values)
    except ValidationError as problem:
        raise InvalidInput(_explain(study, problem, values, place)) from None


def with_weights(study: Study, config: JobConfig, place: Place) -> JobConfig:
    """Return the job with its files of weights found: absolute paths and the digests that stand for them in the id.

    A file is looked for in the study's folder, a backbone's then in torch.hub's cache.

    Raises: InvalidInput where a stated digest is another file's; EnvironmentProblem where there is neither a file nor
    a digest.
    """
    found = {}
    for key, weights in files_of_weights(config.model).items():
        if not weights.path:
            continue
        path = (study.path.parent / Path(weights.path).expanduser()).resolve()
        if key == "pretrained" and not path.is_file() and Path(weights.path).name == weights.path:
            path = hub_cache() / weights.path
        where = f"{_where(study, ('model', key), place)}model.{key}: {path}"
        digest = file_digest(path) if path.is_file() else weights.digest
        if not digest:
            raise EnvironmentProblem(f"{where}: no such file; paths are relative to the study's file")
        if weights.digest and digest != weights.digest:
            raise InvalidInput(f"{where}: its digest is {digest}, the study states {weights.digest}; mend one of them")
        found[key] = weights.model_copy(update={"path": str(path), "digest": digest})
    return config.model_copy(update={"model": config.model.model_copy(update=found)}) if found else config


def hub_cache() -> Path:
    """Return where torch.hub keeps the weights that it has downloaded."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TORCH_HOME") or cache / "torch") / "hub" / "checkpoints"


def _explain(study: Study, problem: ValidationError, values: dict[str, Any], place: Place) -> str:
    error = min(problem.errors(), key=lambda found: found["type"] != "extra_forbidden")
    path = tuple(str(part) for part in error["loc"])
    table = values.get(path[0]) if path else None
    if path[:1] in (("dataset",), ("model",)) and isinstance(table, dict) and path[1:2] == (table.get("name"),):
        path = (path[0], *path[2:])  # pydantic puts the union's tag into the path
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path = (*path, "name")
    name, message = ".".join(path), error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error" and len(path) <= 1 and ": " in message and "." in message.split(": ")[0]:
        name, message = message.split(": ", 1)
        path = tuple(name.split("."))
    where = _where(study, path, place)
    if path[:2] == SIZE and error["type"] in ("tuple_type", "missing", "too_long"):
        table = values["dataset"]
        return f"{where}dataset.input: must be two numbers, e.g. [64, 64]; got {short(table['input'])}"
    if error["type"] == "tuple_type":
        return f"{where}{name}: must be a list, e.g. [1, 2]; got {short(error['input'])}"
    if error["type"] == "extra_forbidden":
        return f"{where}{name}: unknown key{nearest(path[-1], known_keys(values, path[:-1]))}"
    if error["type"] in ("missing", "union_tag_not_found"):
        return f"{where}{name}: missing" + (f", e.g. {EXAMPLES[name]}" if name in EXAMPLES else "")
    if error["type"] == "union_tag_invalid":
        context = error.get("ctx", {})
        tags = str(context.get("expected_tags", "")).replace("'", "").split(", ")
        tag = str(context.get("tag", ""))
        hint = nearest("synthetic" if tag == "embedded" and "synthetic" in tags else tag, tags)
        return f'{where}{name}: unknown "{tag[:60]}"{hint}'
    got = repr(error["input"])
    shown = f"; got {got}" if error["type"] != "value_error" and len(got) <= 60 else ""
    return f"{where}{name}: {message}{shown}"


def _where(study: Study, path: Path_, place: Place) -> str:
    layers = [layer for layer in (place.variant, place.group, place.scale) if layer]
    if any(key == ".".join(path[: len(key.split("."))]) for key, _ in place.axes):
        return study.at("axes", *path)
    for layer in layers:
        if any(key[: len(path)] == path[: len(key)] for key in flatten(layer.values)):  # a path may end inside a list
            return study.at(*layer.section, *path)
    return study.at("base", *path)


def known_keys(values: dict[str, Any], path: Path_) -> list[str]:
    """List the keys of the table at `path`; where it can be one of several networks or data sets, the named one's."""
    model: Any = JobConfig
    for part in path:
        if part.isdigit():  # an item of a list, whose table's keys are known already
            continue
        annotation = model.model_fields[part].annotation
        choices = [choice for choice in (annotation, *get_args(annotation)) if isinstance(choice, type)]
        models = [choice for choice in choices if issubclass(choice, BaseModel)]
        table = values.get(part, {})
        name = table.get("name") if isinstance(table, dict) else None
        named = [
            one
            for one in models
            if "name" in one.model_fields and name in get_args(one.model_fields["name"].annotation)
        ]
        model = (named or models)[0]
    return list(model.model_fields)
