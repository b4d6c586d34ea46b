"""The part of `plan` that prints how long, how fast and what every arm learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchbox.cli.markup import Column
from benchbox.config import JobConfig, late_drops, stretches
from benchbox.console import many, note
from benchbox.plan import Arm

COLUMNS = [
    Column("arms", "Arms"),
    Column("epochs", "Epochs", right=True),
    Column("learns", "Learns"),
    Column("masks", "Masks"),
    Column("optimizer", "Optimizer"),
    Column("rate", "Rate", right=True, show=lambda value: f"{value:g}"),
    Column("batch", "Batch", right=True),
]


def of_job(config: JobConfig) -> list[dict[str, Any]]:
    """Return a job's training as stretches of epochs of one rate: first and last from 1, what learns, how."""
    return [
        {
            "first": one.first,
            "last": one.last,
            "learns": one.phase.trains,
            "masks": one.phase.masks,
            "optimizer": config.train.optimizer,
            "rate": float(f"{one.rate:.10g}"),
            "batch": one.phase.batch,
        }
        for one in stretches(config)
    ]


def warn(study: Path, arms: Sequence[Arm]) -> None:
    """Say which drops of the rate no arm, or some arms, live to see."""
    names: dict[str, set[str]] = {}
    for arm in arms:
        for key, said in late_drops(arm.config).items():
            names.setdefault(f"{key}: {said}", set()).add(arm.name)
    every = len({arm.name for arm in arms})
    for said, some in names.items():
        of = "" if len(some) == every else f" (of {many(len(some), 'arm')}, first {min(some)})"
        note(f"{study.name}: {said}{of}")


def rows(arms: Sequence[Arm]) -> list[Mapping[str, Any]]:
    """Return the rows of the table: one schedule after another, with the arms that follow it."""
    shared: dict[str, tuple[list[dict[str, Any]], list[str]]] = {}
    for arm in arms:
        found = of_job(arm.config)
        names = shared.setdefault(repr(found), (found, []))[1]
        if arm.name not in names:
            names.append(arm.name)
    table: list[Mapping[str, Any]] = []
    for found, names in shared.values():
        for number, one in enumerate(found or [{"learns": "nothing"}]):
            shown = {key: value for key, value in one.items() if (key, value) not in UNSAID}
            epochs = f"{one['first']}-{one['last']}" if found else "0"
            table.append({**shown, "arms": ", ".join(names) if number == 0 else "", "epochs": epochs})
    return table


UNSAID = {("masks", "learned")}
