"""The JSON schema of a study, for editors: its tables as the options' classes and the study's own layers have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchbox.config import JobConfig
from benchbox.gates.declaration import METRICS, RELATIVE, GateTable
from benchbox.spec import JOB_TABLES, SCALES, SCHEMA, RawStudy

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLACES = "#/$defs/"
TEXTS = {
    "base": "a whole job",
    "variants": "the arms: what each has other than the base",
    "groups": "the variants are repeated over these, each with its own reference",
    "axes": "dotted key: list of values; the arms are the product",
    "reference": "the point of the axes that the others are compared with",
    "exclude": "arms that are left out, and why",
    "gates": "what a score or cost is held against",
    "scales": "what is other than the base at a smaller scale",
}


def study_schema() -> Schema:
    """Return the JSON schema (draft 2020-12) of a study.

    What only the whole study can tell, such as keys set twice or inputs that a network cannot take, is not in it.
    """
    job = JobConfig.model_json_schema()
    defs: Schema = dict(job["$defs"])
    weights = defs["Weights"]
    defs["Weights"] = {"anyOf": [{"type": "string", "maxLength": weights["properties"]["path"]["maxLength"]}, weights]}
    for table, kind in (("dataset", "AnyDataset"), ("model", "AnyNetwork")):
        named = job["properties"][table]["oneOf"]
        defs[kind] = _unnamed([defs[one["$ref"].removeprefix(PLACES)] for one in named])
        job["properties"][table] = {"anyOf": [*named, {"$ref": PLACES + kind}]}
    defs["Layer"] = _table({key: job["properties"][key] for key in JOB_TABLES})
    name = {"type": "string", "minLength": 1, "maxLength": 100}
    arm = {"name": name, "reference": {"type": "boolean", "default": False}}
    defs["NamedLayer"] = _table({**arm, **defs["Layer"]["properties"]}, "name")
    defs["Gate"] = _gate()
    top = RawStudy.model_json_schema()
    layer, arms = {"$ref": PLACES + "Layer"}, {"type": "array", "items": {"$ref": PLACES + "NamedLayer"}}
    top["properties"] |= {
        "schema": {**top["properties"]["schema"], "const": SCHEMA},
        "base": layer,
        "variants": arms,
        "groups": arms,
        "axes": _by_key(defs, lambda leaf: {"type": "array", "items": leaf, "minItems": 1, "uniqueItems": True}),
        "reference": _by_key(defs, lambda leaf: leaf),
        "exclude": {"type": "array", "items": {**_table({"reason": {"type": "string"}}, "reason", more=True)}},
        "gates": {"type": "array", "items": {"$ref": PLACES + "Gate"}},
        "scales": _table(dict.fromkeys(SCALES, layer)),
    }
    for key, text in TEXTS.items():
        top["properties"][key] = {**top["properties"][key], "description": text}
    found: Schema = _plain({"$schema": DIALECT, **top, "title": "A study of benchbox", "$defs": defs})
    return found


def _table(properties: Schema, *required: str, more: bool = False) -> Schema:
    """Return a table of some keys; no others but where there may be `more`."""
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": more}
    return {**found, "required": list(required)} if required else found


def _unnamed(kinds: list[Schema]) -> Schema:
    """Return the table that overrides keys of whichever kind stands below it: any key of any, but not its name."""
    choices: dict[str, list[Schema]] = {}
    for kind in kinds:
        for key, value in kind["properties"].items():
            known = choices.setdefault(key, [])
            known += [value] if value not in known else []
    choices.pop("name")
    return _table({key: known[0] if len(known) == 1 else {"anyOf": known} for key, known in choices.items()})


def _by_key(defs: Mapping[str, Schema], of: Callable[[Schema], Schema]) -> Schema:
    """Return the table of what belongs to keys of a job, dotted (in quotes) or nested.

    Args: of: what belongs to a key whose values are such.
    """

    def below(table: Schema) -> Schema:
        return _table({key: choice(value) for key, value in table["properties"].items()})

    def choice(value: Schema) -> Schema:
        names = [one["$ref"].removeprefix(PLACES) for one in [value, *value.get("anyOf", [])] if "$ref" in one]
        tables = [defs[name] for name in names if defs[name].get("type") == "object"]
        return {"anyOf": [of(value), *map(below, tables)]} if tables else of(value)

    dotted = {rf"^({'|'.join(JOB_TABLES)})\.": of({})}
    return {
        **_table({key: choice(defs["Layer"]["properties"][key]) for key in JOB_TABLES}),
        "patternProperties": dotted,
    }


def _gate() -> Schema:
    gate = GateTable.model_json_schema()
    points = {"type": "number", "minimum": 0}
    share = {"type": "string", "pattern": f"^{RELATIVE.pattern}$"}
    gate["properties"] |= {
        "metric": {"enum": list(METRICS)},
        "scale": {"enum": list(SCALES)},
        "tolerance": {"anyOf": [points, share], "description": "points, or a share of the reference"},
    }
    return gate


def _plain(value: Any) -> Any:
    """Drop the titles that pydantic makes of names, and nulls, which TOML does not have."""
    if isinstance(value, list):
        return [_plain(one) for one in value if one != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    kept = {
        key: one
        for key, one in value.items()
        if not (key == "title" and isinstance(one, str) and "$schema" not in value) and (key, one) != ("default", None)
    }
    return {key: _plain(one) for key, one in kept.items()}
