"""The verbs of data sets: what is found where, and a doctor for one of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchbox.catalogue import CATALOGUE, Part
from benchbox.cli import early_files, folders
from benchbox.cli.ask import ask
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.places import root_above
from benchbox.console import many, note
from benchbox.errors import FAILED, OK, EnvironmentProblem, InvalidInput, nearest

SHARES = {
    "left shoulder on the right, %": "{} % have the left shoulder on the image's right (usual: 84 and more where the "
    "nose shows, as in COCO, else 61 and more; below 50 left and right are exchanged)",
}
"""Shares among a data set's counts, in words."""


def list_all(format: str) -> int:
    """Print every part of every data set: found or missing, and where a missing one comes from."""
    data = folders.data_root()
    rows = [
        {"dataset": name, "what": part.what, "path": part.path, **state(part, data)}
        for name, entry in CATALOGUE.items()
        for part in entry.parts
    ]
    rows += [
        {"dataset": "synthetic", "what": "embedded persons", "path": str(made), "state": "found", "count": None}
        for made in sorted(folders.cache_root().glob("synthetic-v*"))
    ]
    footnotes = [_root(data)]
    for name, entry in CATALOGUE.items():
        if any(row["dataset"] == name and row["state"] == "missing" for row in rows):
            footnotes.append(
                f"{name}: expected {entry.layout}; from {', '.join(entry.addresses)}; licence: {entry.licence}."
            )
    footnotes.append("synthetic: made by the first run that uses it; nothing to download.")
    columns = [
        Column("dataset", "Data set"),
        Column("what", "What"),
        Column("path", "Where"),
        Column("state", "State"),
        Column("count", "Files", right=True),
    ]
    people = {name: dict(entry.people) for name, entry in CATALOGUE.items()}
    meta = {"schema": 1, "kind": "data-list", "root": str(data) if data else None, "official_people": people}
    emit(format, "Data sets", columns, rows, meta, footnotes)
    return OK


def check(named: str, format: str) -> int:
    """Examine one data set and print what is wrong with it; 1 where something is."""
    name, _, split = named.partition(":")
    known = [*CATALOGUE, "synthetic"]
    if name not in known:
        raise InvalidInput(f"{named}: unknown data set{nearest(name, known)}")
    early_files.split(named, named)
    data = folders.data_root()
    if name != "synthetic" and (data is None or not (data / name).is_dir()):
        where = f"{data / name}: no such folder" if data else "BENCHBOX_DATA is not set"
        hint = root_above(data, name) if data else ""
        expected = f"; expected {CATALOGUE[name].layout} (see benchbox data list)"
        raise EnvironmentProblem(f"{name}: {where}{hint or expected}")
    words = ["check", "--dataset", name, "--split", split, "--cache", str(folders.cache_root())]
    answer: list[dict[str, Any]] = ask([*words, *(["--data", str(data)] if data else [])])
    rows = [
        {"split": report["split"], "finding": finding["kind"], "count": finding["count"], "examples": example}
        for report in answer
        for finding in report["findings"]
        for example in ["; ".join(finding["examples"])]
    ]
    columns = [
        Column("split", "Split"),
        Column("finding", "Finding"),
        Column("count", "Count", right=True),
        Column("examples", "First of them"),
    ]
    footnotes = [
        f"{report['split']}: {_counts(report)}; fingerprint {report['fingerprint']}."
        for report in answer
        if report["counts"] or report["fingerprint"]
    ]
    meta = {"schema": 1, "kind": "data-check", "dataset": name, "reports": answer}
    found = many(sum(row["count"] for row in rows), "finding")
    title = f"{name}: {found if rows else 'nothing wrong in ' + many(len(answer), 'split')}"
    emit(format, title, columns, rows, meta, footnotes)
    note(f"{name}: {many(len(rows), 'kind') + ' of findings' if rows else 'sound'}")
    return FAILED if rows else OK


def state(part: Part, data: Path | None) -> dict[str, Any]:
    """Return whether a part of a data set is found, missing or optional, and how many files its folder holds."""
    place = data / part.path if data else None
    absent = "missing" if part.needed else "optional"
    if place is None or not place.exists():
        return {"state": absent, "count": None}
    if not part.suffix:
        return {"state": "found", "count": None}
    with os.scandir(place) as entries:
        count = sum(entry.name.lower().endswith(part.suffix) for entry in entries)
    return {"state": "found" if count else absent, "count": count}


def _root(data: Path | None) -> str:
    if data is None:
        return "BENCHBOX_DATA is not set: point it at a folder laid out like this."
    if not data.is_dir():
        return f"BENCHBOX_DATA: {data}: no such folder; correct it: a folder laid out like this."
    hints = (root_above(data, name) for name in CATALOGUE)
    return f"Data root: {data}{next(filter(None, hints), '.')}"


def _counts(report: dict[str, Any]) -> str:
    return ", ".join(_count(key, value) for key, value in report["counts"].items())


def _count(key: str, value: float) -> str:
    if isinstance(value, int):
        return f"{value:,} {key}"
    return SHARES.get(key, f"{key} {{}}").format(value)
