"""Results as data frames, for programs: scores in long form, tables as their records are, comparisons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pandas import DataFrame, Series

from benchbox.report.layout import Layout
from benchbox.store import Store

COSTS = {
    "parameters": "Int64",
    "macs": "Int64",
    "epochs": "Int64",
    "final_loss": "float64",
    "wall_seconds": "float64",
    "step_seconds": "float64",
    "samples_per_second": "float64",
    "peak_memory_bytes": "Int64",
    "latency_seconds": "float64",
    "device": "string",
}
"""Columns of `runs` that stand beside every score, with their types."""
KINDS = {str: "string", bool: "boolean", int: "Int64", float: "float64"}
CELLS = {
    "measured": "",
    "deviation": " deviation",
    "n": " seeds",
    "counted": " counted",
    "counted_here": " here",
    "reported": " reported",
    "verdict": " verdict",
}
"""Fields of a table's cells and what their columns are called behind the cell's key."""
GAPS = ("difference", "low", "high", "p", "p_holm")
"""Fields of a cell's difference to the reference arm."""


@dataclass(frozen=True)
class Seed:
    """One seed of an arm, or a job or saved predictions that belong to no study: None where that is not known."""

    study: str | None
    group: str | None
    arm: str | None
    reference: bool | None
    scale: str | None
    seed: int | None
    job: str


def long(seeds: Sequence[Seed], store: Store) -> DataFrame:
    """Return a row for every seed and score, in the given order; a seed without scores has one row with none.

    Returns: columns study, arm_group, arm, reference, scale, seed, job, state, protocol, metric, group, value, n, then
        those of `COSTS`; missing values are NA.
    """
    columns = {"arm_group" if one.name == "group" else one.name: one.name for one in fields(Seed)}
    rows = DataFrame({shown: [getattr(one, name) for one in seeds] for shown, name in columns.items()})
    types = dict.fromkeys(columns, "string") | {"reference": "boolean", "seed": "Int64"}
    rows = rows.astype(types).assign(state=Series([store.states[one.job].name for one in seeds], dtype="string"))
    scores = store.scores[["job", "protocol", "metric", "group", "value", "n"]]
    types = dict.fromkeys(("job", "protocol", "metric", "group"), "string") | {"value": "float64", "n": "Int64"}
    runs = store.runs[["job", *COSTS]].astype({"job": "string"} | COSTS)
    return rows.merge(scores.astype(types), on="job", how="left").merge(runs, on="job", how="left")


def jobs_alone(ids: Iterable[str], store: Store) -> list[Seed]:
    """Return jobs and saved predictions as what belongs to no study; the seed is that of a finished job."""
    seeds = {job: json.loads(text)["seed"] for job, text in zip(store.runs["job"], store.runs["config"], strict=True)}
    return [Seed(None, None, None, None, None, seeds.get(job), job) for job in ids]


def wide(layouts: Sequence[Layout]) -> DataFrame:
    """Return tables as one frame: a row for every row of theirs, a few columns for every cell.

    Returns: of a study arm, reference, state, parameters, macs; of a paper's tables table, row, the row's labels, arm,
        reference, state; then for every cell's key KEY the columns of `CELLS` that it has, and of `GAPS`.
        Numbers are not rounded; what a paper reports is its text, letter by letter.
    """
    rows = [_flat(layout, record) for layout in layouts for record in layout.records]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    found = DataFrame({name: Series(values, dtype=_type(values)) for name, values in columns.items()})
    found.attrs = {"title": layouts[0].title, "footnotes": [str(note) for one in layouts for note in one.footnotes]}
    return found


def compared(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Return comparisons as `stats.compare.Comparison` has them, a row each; a number that cannot be told is NaN."""
    sides = [row | {"seeds_a": row["seeds"][0], "seeds_b": row["seeds"][1]} for row in map(dict, rows)]
    texts = dict.fromkeys(("protocol", "metric", "group"), str)
    numbers = dict.fromkeys(("a", "b", *GAPS), float) | {"word": str, "confidence": float}
    counts = dict.fromkeys(("seeds_a", "seeds_b", "persons", "images"), int)
    return plain(sides, texts | numbers | counts | {"kind": str})


def plain(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, type]) -> DataFrame:
    """Return rows as a frame of some columns; a number that is None is NaN or NA."""
    return DataFrame({name: Series([row[name] for row in rows], dtype=KINDS[kind]) for name, kind in columns.items()})


def _flat(layout: Layout, record: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    if "table" in layout.meta:
        flat |= {"table": layout.meta["table"], "row": record["key"], **record["labels"]}
    flat |= {name: record.get(name) for name in ("arm", "reference", "state")}
    if "costs" in record:
        costs = record["costs"] or {}
        flat |= {name: costs.get(name) for name in ("parameters", "macs")}
    for key, cell in record["cells"].items():
        named = CELLS | ({"measured": " measured"} if "reported" in cell else {})
        flat |= {key + end: cell[name] for name, end in named.items() if name in cell}
        if "against_reference" in cell:
            gap = cell["against_reference"] or {}
            flat |= {f"{key} {name}": gap.get(name) for name in GAPS}
    return flat


def _type(values: Sequence[Any]) -> str:
    """Return the type of a column by its values; where all are missing that of numbers."""
    kinds = {type(value) for value in values if value is not None} or {float}
    return KINDS[float if kinds == {int, float} else kinds.pop()]
