"""The verb that writes a study to begin with: asked on a terminal, or by its options."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from benchbox.cli.draft import GROUNDS, VARIATIONS, Choice, known_data, network, spell, text_of, variation
from benchbox.cli.early import seeds_of
from benchbox.console import many, note, question
from benchbox.errors import OK, BenchboxError, InvalidInput, nearest
from benchbox.files import explained, write_temporary
from benchbox.networks import Network, networks
from benchbox.plan import Arm, expand, jobs
from benchbox.spec import read_study

Read = TypeVar("Read")
PCKH = {"coco17": "pckh@0.5/coco17", "mpii16": "pckh@0.5/hrnet-v1"}
"""The score that a gate of a drafted study holds, by the skeleton of its persons."""


@dataclass(frozen=True)
class Asked:
    """What the options say of a study; None where they leave it to the questions or the defaults."""

    model: str | None = None
    vary: str | None = None
    data: str | None = None
    seeds: str | None = None
    title: str = ""


def init(file: Path, asked: Asked, *, force: bool) -> int:
    """Write a study that runs at once, and say what to do with it; a name without an ending gets `.toml`."""
    ask = sys.stdin.isatty() and sys.stderr.isatty()
    file = _place(file)
    while file.exists() and not force:
        free = next(one for n in count(2) if not (one := file.with_stem(f"{file.stem}-{n}")).exists())
        if not ask:
            raise InvalidInput(f"{file}: is there already; --force writes over it, or name another, e.g. {free}")
        file = _place(Path(question(f"{file}: is there already; another file", str(free))))
    text = text_of(choose(asked, ask=ask))
    temporary = write_temporary(file, text)
    try:
        study = read_study(temporary)
        arms = {scale: expand(study, scale) for scale in ("paper", *study.scales)}["tiny"]
        write_temporary(file, text + _gate(next(arm for arm in arms if arm.reference), file))
    except BenchboxError as problem:
        temporary.unlink()
        said = str(problem).removeprefix(str(temporary)).lstrip(":0123456789 ")  # nobody knows the draft's lines
        raise InvalidInput(said) from None
    with explained(file):
        os.replace(temporary, file)
    name = shlex.quote(str(file))
    note(f"{file}: {many(len(arms), 'arm')}, {many(len(jobs(arms)), 'job')}")
    note(f"next: benchbox plan {name}, benchbox run {name}, benchbox table {name}")
    return OK


def _gate(arm: Arm, file: Path) -> str:
    """Return a gate on the reference arm, as comments; gates are no part of what a study computes."""
    stem = file.stem.encode("utf-8", "replace").decode()  # a file's name may be what no TOML can spell
    lines = {
        "name": "PCKh of the reference arm",
        "metric": "PCKh",
        "protocol": PCKH[arm.config.dataset.skeleton],
        "arm": arm.name,
        "scale": "tiny",
        "against": f"reference/{stem}.json",
        "tolerance": 5.0,
    }
    table = ["[[gates]]", *(f"{key} = {spell(value)}" for key, value in lines.items())]
    head = ["Uncomment from [[gates]] on: benchbox gate --update makes today's results a reference to commit, and"]
    head += ["benchbox gate holds later ones against it, on which this tolerance is in points."]
    return "\n" + "".join(f"# {line}\n" for line in [*head, *table])


def _place(file: Path) -> Path:
    if not file.suffix and not file.is_dir():
        file = file.with_suffix(".toml")
    if file.is_dir() or not file.absolute().parent.is_dir():
        what = "is a folder" if file.is_dir() else "no such folder to write it to"
        raise InvalidInput(f"{file}: {what}; name a file, e.g. study.toml")
    return file


def choose(asked: Asked, *, ask: bool) -> Choice:
    """Return what the options say, and for the rest what a person answers, or the defaults.

    Raises: InvalidInput for an option that is wrong; an answer that is wrong is asked for again.
    """
    families = {str(one.model["name"]): one.name for one in reversed(networks())}
    few = ", ".join(["hrnet-w32", *(name for kind, name in sorted(families.items()) if kind != "hrnet")])
    model = _chosen(asked.model, "hrnet-w32", ask, f"Network (such as {few}; all: benchbox models list)", _network)
    words = ", ".join(VARIATIONS)
    vary = _chosen(
        asked.vary,
        "attention",
        ask,
        f"What is varied ({words}, or KEY=VALUE,VALUE such as train.lr=1e-3,5e-4)",
        lambda text: (variation(model, text), text)[1],
    )
    data = _chosen(asked.data, "synthetic", ask, f"Data ({', '.join(GROUNDS)})", known_data)
    seeds = _chosen(asked.seeds, "0", ask, "Seeds (such as 0,1,2)", lambda text: tuple(seeds_of(text) or ()))
    return Choice(model.name, vary, data, seeds, asked.title)


def _network(name: str) -> Network:
    """Return the network of a name; of a wrong one tell the nearest, not all."""
    names = [one.name for one in networks()]
    begun = [one for one in names if one.startswith(f"{name}-")]
    if name not in names and len(begun) > 1:
        raise InvalidInput(f"{name}: unknown network; there are {', '.join(begun[:3])}; see benchbox models list")
    hint = nearest(name, names)
    if hint.startswith("; known"):
        raise InvalidInput(f"{name}: unknown network; see benchbox models list")
    return network(name)


def _chosen(given: str | None, default: str, ask: bool, what: str, read: Callable[[str], Read]) -> Read:
    if given is not None or not ask:
        return read(default if given is None else given)
    while True:
        try:
            return read(question(what, default))
        except BenchboxError as problem:
            note(str(problem))
