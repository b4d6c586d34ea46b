"""What a command line can name, read in milliseconds: nothing that a verb computes with is loaded for it."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchbox.cli.places import cache_root

PACKAGE = Path(__file__).parents[1]
MOST_BYTES = 1_000_000
SCALES = {"paper": "the paper's data and epochs", "mini": "real data, small", "tiny": "embedded data, minutes"}
FORMATS = ("rich", "md", "latex", "csv", "json", "html")
GROUPS = ("pair", "joint", "category", "activity")
KINDS = ("pareto", "deltas", "joints", "categories", "curves", "pck", "oks")
EXECUTORS = {"local": "this machine's GPUs or cores", "inline": "one after another, here", "slurm": "a cluster"}
RETRIED = ("code", "data", "infrastructure", "nan", "oom", "time", "cancelled")
PICTURES = ("skeleton", "heatmaps", "attention")
COSTS = {"parameters": "counted", "macs": "multiply-adds, counted"}
METRICS = {"AP": "COCO", "AP50": "COCO", "AP75": "COCO", "APM": "COCO", "APL": "COCO", "AR": "COCO"}
METRICS |= {"PCKh": "MPII", "PCK": "LSP", "field_gflops": "as papers count"} | COSTS
SKELETONS = {"coco": "coco17", "mpii": "mpii16", "lsp": "lsp14", "lspet": "lsp14"}
DATA_SETS = tuple(SKELETONS)
PROTOCOLS = {
    "coco-kp/gt-boxes/flip": "AP, ground-truth boxes",
    "coco-kp/det-56.4/flip": "AP, the field's detections",
    "coco-kp/nms-0.5": "AP, another suppression",
    "coco-kp/no-rescoring": "AP, scores of boxes",
    "pckh@0.5/hrnet-v1": "PCKh of the field",
    "pckh@0.1/hrnet-v1": "PCKh@0.1 of mmpose",
    "pckh@0.11/hrnet-v1": "Mean@0.1 of HRNet",
    "pckh@0.5/joints-v1": "plain mean of 14 joints",
    "pckh@0.5/columns-v1": "mean of the columns",
    "pckh@0.5/toolkit-v1": "MPII's own",
    "pckh@0.5/all-joints-v1": "all 16 joints",
    "pckh@0.5/coco17": "PCKh of COCO's joints",
    "pck@0.2/lsp-v1": "PCK of LSP",
}


def studies() -> dict[str, str]:
    """Return the studies of ablations/ and of this folder, by path, with their titles."""
    files = [*sorted(Path("ablations").glob("*.toml")), *sorted(Path(".").glob("*.toml"))]
    found = {str(file): _toml(file) for file in files}
    return {name: str(values["title"]) for name, values in found.items() if "base" in values and "title" in values}


def arms(study: Path) -> list[str]:
    """Return the names of a study's arms; none where it cannot be read."""
    values = _toml(study)
    axes = flat(values.get("axes", {}))
    excluded = [
        flat({key: value for key, value in row.items() if key != "reason"}) for row in values.get("exclude", [])
    ]
    names = {kind: [one["name"] for one in values.get(kind, [])] or [""] for kind in ("groups", "variants")}
    points = [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]
    found = []
    for group, point, variant in itertools.product(names["groups"], points, names["variants"]):
        facts = {"group": group, "variant": variant, **point}
        if not any(row and all(facts.get(key) == value for key, value in row.items()) for row in excluded):
            spelt = (f"{key} = {_spelt(value)}" for key, value in point.items())
            found.append(", ".join([*filter(None, (group, variant)), *spelt]))
    return found


def jobs(results: Path) -> dict[str, str]:
    """Return the ids of jobs with the names of their arms, as far as a verb has seen them in a study."""
    from benchbox.files import listed

    names: dict[str, str] = {}
    for file in sorted((cache_root() / "arms").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
            names |= json.loads(file.read_bytes())
    return {entry.name: str(names.get(entry.name, "")) for entry in listed(results / "jobs", "[0-9a-f]*")}


def remember(study: Path, names: Mapping[str, str]) -> None:
    """Keep the names of a study's jobs in the cache, for completion; a cache that cannot be written is left."""
    from benchbox.errors import EnvironmentProblem
    from benchbox.files import read_json, write_json

    file = cache_root() / "arms" / f"{hashlib.sha256(os.fsencode(study.resolve())).hexdigest()[:16]}.json"
    with contextlib.suppress(OSError, EnvironmentProblem):
        before = read_json(file) or {}
        if names.items() - before.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, {**before, **names})


def saved(results: Path) -> list[str]:
    """Return the names of saved predictions."""
    return sorted(entry.parent.name for entry in (results / "predictions").glob("[!.]*/saved.json"))


def papers() -> dict[str, str]:
    """Return the papers with their titles."""
    files = sorted((PACKAGE / "papers").glob("*.toml"))
    return {file.stem: str(_toml(file).get("title", "")) for file in files}


def tables(paper: str) -> dict[str, Mapping[str, Any]]:
    """Return the tables of a paper by what is printed over them."""
    return {one["id"]: one for one in _toml(PACKAGE / "papers" / f"{Path(paper).name}.toml").get("tables", [])}


def networks() -> dict[str, str]:
    """Return the networks that have a name, with what they are made of."""
    found = _toml(PACKAGE / "networks.toml").get("networks", [])
    return {one["name"]: str(one.get("model", {}).get("name", "")) for one in found}


def flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return the leaves of nested tables by their dotted keys."""
    leaves: dict[str, Any] = {}
    for key, value in table.items():
        leaves |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return leaves


def _toml(file: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if file.is_file() and file.stat().st_size <= MOST_BYTES:
            return tomllib.loads(file.read_text(encoding="utf-8"))
    return {}


def _spelt(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelt, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
