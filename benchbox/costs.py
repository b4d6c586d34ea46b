"""Parameters and multiply-adds of networks, from a cache that outlives the torch that counted them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox.config import JobConfig, canonical_model
from benchbox.digest import MODEL_PARTS, source_digest
from benchbox.files import read_json, write_json


@dataclass(frozen=True)
class Costs:
    """Trainable parameters, multiply-adds of one crop, and the field's own "GFLOPs"."""

    parameters: int
    macs: int
    field_gflops: float


def question(config: JobConfig) -> dict[str, Any]:
    """Return what decides a network's costs: its canonical form, joints and input (height, width)."""
    return {
        "model": canonical_model(config),
        "joints": config.dataset.joints,
        "input": list(config.dataset.input),
    }


def key(config: JobConfig) -> str:
    """Return the cache's name for a network at a size, under today's source of the models."""
    text = json.dumps([question(config), source_digest(MODEL_PARTS)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def lookup(cache: Path, names: Iterable[str]) -> dict[str, Costs]:
    """Return the costs that the cache has."""
    found = {}
    for name in set(names):
        record = read_json(cache / "costs" / f"{name}.json")
        if record is not None and record.keys() >= {"parameters", "macs", "field_gflops"}:
            found[name] = Costs(record["parameters"], record["macs"], record["field_gflops"])
    return found


def keep(cache: Path, name: str, costs: Costs, asked: dict[str, Any]) -> None:
    """Put the costs of one network into the cache, beside the question they answer."""
    (cache / "costs").mkdir(parents=True, exist_ok=True)
    write_json(cache / "costs" / f"{name}.json", {**vars(costs), "of": asked})
