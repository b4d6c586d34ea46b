"""The verbs of networks: what those with a name cost, and which of them a file of weights fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchbox import costs
from benchbox.cli.ask import ask
from benchbox.cli.counts import count_networks
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.console import data, note, plain
from benchbox.errors import FAILED, OK
from benchbox.networks import networks, note_of, source_of

COSTS_NOTES = (
    "MACs: multiply-adds of convolutions and matrix products, for one image.",
    "GFLOPs: as pose papers count, weights times output positions over 1024^3; a transposed convolution of stride 2 "
    "counts four times.",
)

COLOURS_NOTE = "Colour: the order in which the released weights of such a network expect the channels."


def list_all(names: Sequence[str], format: str) -> int:
    """Print what networks cost at every input they are listed at, beside what was reported; all without names."""
    listed = [(network, one) for network in networks(names) for one in network.listed]
    jobs = [network.job(one.dataset, one.input) for network, one in listed]
    counted = count_networks(jobs)
    rows = []
    for (network, one), job in zip(listed, jobs, strict=True):
        height, width = one.input
        rows.append(
            {
                "network": network.name,
                "dataset": one.dataset,
                "joints": job.dataset.joints,
                "input": f"{height}x{width}",
                **vars(counted[costs.key(job)]),
                "parameters_reported": one.parameters or None,
                "gflops_reported": one.gflops or None,
                "notes": " ".join(one.notes) or None,
                "source": source_of(network),
            }
        )
    marks = {key: number for number, key in enumerate(dict.fromkeys(key for _, one in listed for key in one.notes), 1)}
    columns = [
        Column("network", "Network"),
        Column("joints", "Joints", right=True),
        Column("input", "Input"),
        Column("parameters", "#Param counted", right=True, show=lambda value: f"{value / 1e6:.3f}M"),
        Column("parameters_reported", "#Param reported", right=True),
        Column("macs", "MACs", right=True, show=lambda value: f"{value / 1e9:.3f}G"),
        Column("field_gflops", "GFLOPs counted", right=True, show=lambda value: f"{value:.2f}"),
        Column("gflops_reported", "GFLOPs reported", right=True),
        Column("notes", "Note", show=lambda keys: " ".join(f"[{marks[key]}]" for key in keys.split())),
    ]
    footnotes = [f"[{number}] {note_of(key)}" for key, number in marks.items()]
    footnotes += [*COSTS_NOTES, f"Reported: {'; '.join(dict.fromkeys(row['source'] for row in rows))}."]
    emit(format, "Networks", columns, rows, {"schema": 1, "kind": "models-list"}, footnotes)
    return OK


def check(path: Path, format: str) -> int:
    """Print which networks a file of weights fits, with the line of a study that uses it; 1 where it fits none."""
    answer: dict[str, Any] = ask(["fit", str(path)])
    file = str(path.resolve())
    rows = []
    for row in answer["fits"]:
        role = row["fits"].removeprefix("model.")
        family = f"{row['model']['name']} (unlisted)"
        rows.append(
            {**row, "network": row["network"] or family, "toml": f"model = {_toml(row['model'] | {role: file})}"}
        )
    columns = [
        Column("network", "Network"),
        Column("fits", "Fits as"),
        Column("joints", "Joints", right=True),
        Column("parameters", "#Param", right=True, show=lambda value: f"{value:,}"),
        Column("colour", "Colour"),
    ]
    columns += [] if format == "rich" else [Column("toml", "In a study")]
    meta = {"schema": 1, "kind": "models-check", "file": file, "entries": answer["entries"]}
    emit(format, f"{path.name}: {answer['entries']} entries", columns, rows, meta, [COLOURS_NOTE] if rows else [])
    if format == "rich":
        for row in rows:  # below the table, where no column's width breaks them
            data(plain(row["toml"]))
    if not rows:
        nearest = answer["nearest"]
        name = nearest["network"] or _toml(nearest["model"])
        note(f"{path}: fits no network; the nearest, {name}: {nearest['misfit']}")
    return OK if rows else FAILED


def _toml(value: Any) -> str:
    """Spell a value as TOML in one line; a string's JSON is TOML too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
