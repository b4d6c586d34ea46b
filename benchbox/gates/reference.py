"""A committed reference: one arm's side as a small text that a person can read and a diff can show.

JSON of which every person, score and prediction stands on a line of its own, in a stable order. Provenance apart,
nothing in it changes unless a result does; `digest` is of everything but provenance.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.errors import CannotJudge, InvalidInput
from benchbox.files import MOST_OF_A_RECORD, explained, read_json, read_plain
from benchbox.gates.arms import check_there
from benchbox.gates.persons import Roll, read_hits, spelt
from benchbox.gates.sides import Side, Training
from benchbox.gates.signs import Signs
from benchbox.metrics import coco_text
from benchbox.pose.skeleton import SKELETONS

SCHEMA = 1
ANEW = "write it anew with --update"
RESTORE = f"get it back from git, or {ANEW}"
KIND = "benchbox-reference"
LINES = ("scores", "persons", "truth", "images", "predictions")
"""Lists of which every entry stands on a line."""
KEYS = {
    *("kind", "schema", "study", "scale", "arm", "skeleton", "seeds", "jobs", "protocols", "costs", "signs", "groups"),
    *("scores", "persons", "coco", "digest", "provenance"),
}


def text(side: Side, provenance: Mapping[str, Any]) -> str:
    """Return a side as a reference's text."""
    record = _record(side)
    record |= {"digest": _digest(record), "provenance": dict(provenance)}
    return _spell(record) + "\n"


def same_results(before: str, after: str) -> bool:
    """Tell whether two references hold the same but for their provenance."""
    try:
        return bool(json.loads(before)["digest"] == json.loads(after)["digest"])
    except (ValueError, KeyError, TypeError):
        return False


def read(path: Path) -> Side:
    """Read a reference and check that it is whole.

    Raises: CannotJudge naming the file.
    """
    check_there(path)
    with explained(path):
        record = read_json(path)
    if record is None:
        if line := _conflict(path):
            keep = f"git checkout --ours (or --theirs) {shlex.quote(str(path))}"
            raise CannotJudge(f"{path}, line {line}: an unresolved merge conflict; {keep}, or {ANEW}")
        raise CannotJudge(f"{path}: damaged: not a whole JSON object; {RESTORE}")
    schema = record.get("schema")
    if record.get("kind") != KIND or not isinstance(schema, int):
        raise CannotJudge(f"{path}: is no reference of a gate; {ANEW}")
    if schema > SCHEMA:
        raise CannotJudge(f"{path}: written by a later benchbox (schema {schema}; known here: {SCHEMA})")
    missing = sorted(KEYS - record.keys())
    if missing:
        raise CannotJudge(f"{path}: damaged: {missing[0]} is missing; {RESTORE}")
    hashed = {key: value for key, value in record.items() if key not in ("digest", "provenance")}
    if _digest(hashed) != record["digest"]:
        raise CannotJudge(f"{path}: damaged or edited by hand: its rows do not give its digest; {RESTORE}")
    try:
        return _side(record)
    except CannotJudge as problem:
        raise CannotJudge(f"{path}: {problem}") from None
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise CannotJudge(f"{path}: damaged: {problem}; {RESTORE}") from None


def _conflict(path: Path) -> int:
    """Return the line, from 1, where git's marks of a merge conflict begin; 0 where there are none."""
    with contextlib.suppress(OSError, InvalidInput):  # what cannot be read, the caller has told
        for number, line in enumerate(read_plain(path, MOST_OF_A_RECORD).splitlines(), start=1):
            if line.startswith(b"<<<<<<< "):
                return number
    return 0


def _record(side: Side) -> dict[str, Any]:
    trainings = side.trainings
    keys = list(dict.fromkeys(key for training in trainings for key in training.scores))
    counted = [name for name in side.protocols if name not in side.coco]
    coco = {
        name: {
            "groups": list(ground.groups),
            "truth": list(ground.persons),
            "images": list(ground.images),
            "seeds": [{"predictions": list(training.predictions[name])} for training in trainings],
        }
        for name, ground in side.coco.items()
    }
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "study": side.study,
        "scale": side.scale,
        "arm": side.arm,
        "skeleton": side.skeleton,
        "seeds": side.seeds,
        "jobs": [training.job for training in trainings],
        "protocols": list(side.protocols),
        "costs": {
            "parameters": side.parameters,
            "macs": side.macs,
            "memory": [training.memory for training in trainings],
            "latency": [training.latency for training in trainings],
            "device": side.device,
            "hardware": side.hardware,
        },
        "signs": [{name: _number(value) for name, value in vars(training.signs).items()} for training in trainings],
        "scores": [[*key, *(_number(training.scores.get(key, math.nan)) for training in trainings)] for key in keys],
        "groups": list(side.roll.groups),
        "persons": _persons(side, counted),
        "coco": coco,
    }


def _persons(side: Side, counted: Sequence[str]) -> list[list[Any]]:
    """Return a row for each person: image, number, truth, unit, groups, then joints and, where AP is gated, OKS.

    Joints: a word for each PCK protocol and in it for each seed. OKS: a number of thousandths for each seed.
    """
    roll, rows = side.roll, []
    places: list[list[int]] = [[] for _ in roll.names]
    for place, members in enumerate(roll.groups.values()):
        for member in members:
            places[member].append(place)
    words = [spelt(training.hits[name]) for name in counted for training in side.trainings]
    for index in range(len(roll.names)):
        unit = float(roll.unit[index])
        row = [str(roll.image[index]), int(roll.person[index]), str(roll.truth[index]), _number(unit)]
        row += [",".join(map(str, places[index])), " ".join(word[index] for word in words)]
        if side.coco:
            row.append(" ".join(_thousandths(training.oks[index]) for training in side.trainings))
        rows.append(row)
    return rows


def _side(record: Mapping[str, Any]) -> Side:
    seeds, jobs, protocols = record["seeds"], record["jobs"], tuple(record["protocols"])
    persons, coco, costs = record["persons"], record["coco"], record["costs"]
    if not seeds or len(jobs) != len(seeds) or len(set(seeds)) != len(seeds):
        raise ValueError("each seed needs one job")
    names = list(record["groups"])
    groups: dict[str, list[int]] = {name: [] for name in names}
    for index, row in enumerate(persons):
        for place in filter(None, row[4].split(",")):
            groups[names[int(place)]].append(index)
    roll = Roll(
        image=np.array([row[0] for row in persons], dtype=str),
        person=np.array([row[1] for row in persons], np.int64),
        truth=np.array([row[2] for row in persons], dtype=str),
        unit=np.array([_value(row[3]) for row in persons], np.float64),
        groups=groups,
    )
    counted = [name for name in protocols if name not in coco]
    joints = len(SKELETONS[record["skeleton"]].joints)
    words = [row[5].split(" ") if row[5] else [] for row in persons]
    trainings = []
    for place, (seed, job) in enumerate(zip(seeds, jobs, strict=True)):
        column = {name: number * len(seeds) + place for number, name in enumerate(counted)}
        scores = {tuple(row[:3]): _value(row[3 + place]) for row in record["scores"]}
        trainings.append(
            Training(
                seed=int(seed),
                job=str(job),
                scores=scores,
                hits={name: read_hits([word[column[name]] for word in words], joints) for name in counted},
                oks=np.array([_oks(row[6], place) if len(row) > 6 else math.nan for row in persons], np.float64),
                predictions={name: one["seeds"][place]["predictions"] for name, one in coco.items()},
                signs=_signs(record["signs"][place]),
                memory=costs["memory"][place],
                latency=costs.get("latency", [None] * len(seeds))[place],
            )
        )
    return Side(
        study=record["study"],
        scale=record["scale"],
        arm=record["arm"],
        skeleton=record["skeleton"],
        protocols=protocols,
        trainings=tuple(trainings),
        roll=roll,
        coco={
            name: coco_text.Ground(tuple(one["groups"]), tuple(one["truth"]), tuple(one["images"]))
            for name, one in coco.items()
        },
        parameters=int(costs["parameters"]),
        macs=int(costs["macs"]),
        device=costs["device"],
        hardware=costs.get("hardware", ""),
        provenance=record["provenance"],
    )


def _signs(values: Mapping[str, Any]) -> Signs:
    swapped, paired, joints = (int(values[name]) for name in ("swapped", "paired", "joints"))
    dx, dy, error = (_value(values[name]) for name in ("dx", "dy", "error"))
    return Signs(swapped, paired, dx, dy, error, joints)


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


def _spell(value: Any, key: str = "", depth: int = 0) -> str:
    """Spell JSON with an entry a line where lists are long, on one line where they are short."""
    pad = " " * (depth + 1)
    if isinstance(value, dict) and (depth == 0 or key == "coco" or "images" in value or "predictions" in value):
        parts = [f"{pad}{json.dumps(name)}: {_spell(part, name, depth + 1)}" for name, part in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * depth + "}" if parts else "{}"
    if isinstance(value, list) and value and (key in LINES or (value and isinstance(value[0], dict))):
        parts = [f"{pad}{_spell(part, '', depth + 1)}" for part in value]
        return "[\n" + ",\n".join(parts) + "\n" + " " * depth + "]"
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> float | None:
    return None if isinstance(value, float) and math.isnan(value) else value


def _value(value: float | None) -> float:
    """Return a number of the file.

    Raises: ValueError for an infinite one, or a NaN, which nothing here writes.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{value} is not a number")
    return value


def _thousandths(value: float) -> str:
    return "-" if math.isnan(value) else str(round(1000 * value))


def _oks(words: str, place: int) -> float:
    word = words.split(" ")[place]
    return math.nan if word == "-" else int(word) / 1000
