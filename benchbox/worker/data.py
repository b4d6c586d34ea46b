"""Look at the data sets on disk for the command line, which never reads them itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchbox.catalogue import CATALOGUE
from benchbox.datasets.check import CHECKS
from benchbox.datasets.findings import Report, gathered
from benchbox.entries import read_json
from benchbox.errors import BenchboxError, EnvironmentProblem, InvalidInput, nearest
from benchbox.worker.source import READERS, SYNTHETIC_SPLITS

ABSENT = "not there"
"""Kind of the finding that a split which others lie beside cannot be read for want of files."""


def is_full(name: str, data: Path) -> bool:
    """Tell whether all of a data set lies at the data root, by its official numbers of persons with keypoints."""
    layout = "lsp" if name == "lspet" else name
    try:
        return all(len(READERS[layout](data / name, split)) == n for split, n in CATALOGUE[name].people.items())
    except BenchboxError:
        return False


def check(name: str, split: str, data: Path | None, cache: Path) -> list[dict[str, Any]]:
    """Examine the splits of a data set that are there, or the one named; a report of each.

    Raises: EnvironmentProblem where nothing is there, or not the split that was named.
    """
    if name == "synthetic":
        made = sorted(cache.glob("synthetic-v*"))
        if not made:
            raise EnvironmentProblem(f"{cache}: no embedded data yet; the first run that uses it makes it")
        places = [
            (CHECKS[layout], one / layout, part, f"{one.name}/{layout}:{part}")
            for one in made
            for layout, parts in SYNTHETIC_SPLITS.items()
            for part in parts
            if (one / layout).is_dir()
        ]
    else:
        assert data is not None
        layout = "lsp" if name == "lspet" else name
        if layout not in CHECKS:
            raise InvalidInput(f"{name}: has no line in CHECKS of benchbox/datasets/check.py")
        splits = _splits(name, data)
        if split and split not in splits:
            raise EnvironmentProblem(f"{name}:{split}: no such split in {data / name}{nearest(split, splits)}")
        places = [(CHECKS[layout], data / name, part, part) for part in ([split] if split else splits)]
    found = []
    for examine, root, part, shown in places:
        try:
            report = examine(root, part)
        except EnvironmentProblem as problem:
            if len(places) == 1:
                raise
            report = Report(name, part, "", {}, gathered([(ABSENT, str(problem))]))
        found.append(asdict(report) | {"split": shown})
    return found


def _splits(name: str, data: Path) -> list[str]:
    found = {
        "coco": [file.stem.removeprefix("person_keypoints_") for file in data.glob("coco/annotations/person_*.json")],
        "mpii": [one for one in ("train", "valid") if (data / name / f"annot/{one}.json").is_file()],
        "lspet": _own_splits(data / name / "splits.json") or ["train"],
    }.get(name, list(CATALOGUE[name].people))
    if not found:
        raise EnvironmentProblem(f"{data / name}: no annotations; expected {CATALOGUE[name].layout}")
    return sorted(found)


def _own_splits(file: Path) -> list[str]:
    document = read_json(file, "") if file.is_file() else {}
    return [key for key in document if key in ("train", "val", "test")]
