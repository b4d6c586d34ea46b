"""What is on record of a job as an event file of TensorBoard."""

from __future__ import annotations

import json
import math
from pathlib import Path

from benchbox import events, store
from benchbox.cli import folders, pictures
from benchbox.cli.tensorboard import FOLDER, Run
from benchbox.config import JobConfig, stretches
from benchbox.errors import BenchboxError
from benchbox.events import Picture, Scalar, Text
from benchbox.files import refuse_outside
from benchbox.jobdir import Attempt, JobDir
from benchbox.report import curves
from benchbox.report.persons import scores_of, worst
from benchbox.spec import flatten

SIDE = 192
"""Of a picture, in pixels."""


def written(run: Run, folder: JobDir, state: str, persons: int, results: Path) -> str:
    """Write a run's file; what a running job has done so far, so that a later call adds the rest."""
    config = folder.read()
    began = Attempt(folder, folder.numbers()[0]).path.joinpath("claim.json")
    when = {"began": float(int(began.stat().st_mtime)) if began.exists() else 0.0}
    about = [f"job {run.job}", *(f"{name} {value}" for name, value in run.facts.items())]
    about.append(f"pictures of {persons} persons" if persons else "no pictures")
    content = events.head(_settings(config, run), name=run.folder, **when)
    content += events.body([Text("job", 0, "\n\n".join(about)), *_by_epoch(folder, config)], **when)
    result = folder.result()
    if result is None:
        return events.grow(_file(run, results), content)
    found = store.read(results, [run.job])
    content += events.body(_scores(found, config), **when)
    # Pictures stand at the end: where there are some behind the very same numbers, they need not be drawn again.
    if persons and events.starts_with(_file(run, results), content):
        return "unchanged"
    return events.grow(_file(run, results), content + events.body(_pictures(run, config, persons, results), **when))


def _file(run: Run, results: Path) -> Path:
    file = results / FOLDER / run.folder / events.NAME
    refuse_outside(file, results)
    return file


def _settings(config: JobConfig, run: Run) -> dict[str, str | float | bool]:
    """Return all values of a job, and what the study calls it; what is neither a number nor a text as JSON."""
    values = flatten(config.model_dump(mode="json"))
    known: dict[str, str | float | bool] = dict(run.facts)
    for key, value in values.items():
        plain = isinstance(value, (str, int, float, bool))
        known[".".join(key)] = value if plain else json.dumps(value)
    return known


def _by_epoch(folder: JobDir, config: JobConfig) -> list[Scalar]:
    """Return loss, learning rate and the glance at a few persons of every epoch that is over."""
    rates = {epoch: one.rate for one in stretches(config) for epoch in range(one.first, one.last + 1)}
    scalars = []
    for one in curves.logged(folder):
        scalars.append(Scalar("training/loss", one.epoch, one.loss))
        if one.epoch in rates:
            scalars.append(Scalar("training/rate", one.epoch, rates[one.epoch]))
        scalars += [Scalar(f"training/{name} of a few persons", one.epoch, value) for name, value in one.scores.items()]
    return scalars


def _scores(found: store.Store, config: JobConfig) -> list[Scalar]:
    """Return what was scored on all test persons: after some epochs, and in the end by every protocol."""
    last = _last(config)
    scalars = []
    for text in found.runs["validations"]:
        for one in curves.validations(text):
            scalars += [
                Scalar(f"validation/{name}", int(one["epoch"]), float(value))
                for name, value in one.items()
                if name != "epoch"
            ]
    whole = found.scores[found.scores["group"] == "all"]
    for protocol, metric, value in zip(whole["protocol"], whole["metric"], whole["value"], strict=True):
        if not math.isnan(value):
            scalars.append(Scalar(f"score/{metric} {protocol}", last, float(value)))
    return scalars


def _last(config: JobConfig) -> int:
    return max((one.last for one in stretches(config)), default=0)


def _pictures(run: Run, config: JobConfig, most: int, results: Path) -> list[Picture | Text]:
    """Return pictures of the persons predicted worst and of the first ones; none where images are not at hand."""
    if not most:
        return []
    people = store.people(results, run.job)
    first = people["person"].to_pylist()[:most]
    scores = scores_of(people, first)
    badly = worst(people, most)
    shown = [(f"worst persons/{place}", one.number, one.score) for place, one in enumerate(badly, start=1)]
    shown += [(f"first persons/{place}", one, scores.get(one, math.nan)) for place, one in enumerate(first, start=1)]
    numbers = list(dict.fromkeys(number for _, number, _ in shown))
    try:
        drawn = pictures.persons(results, run.job, numbers, folders.data_root(), SIDE)
    except BenchboxError:
        return []
    measure, last = badly[0].measure if badly else "score", _last(config)
    lines = [f"{tag}: person {number}, {measure} {score:.1f}" for tag, number, score in shown if number in drawn]
    found = [Picture(tag, last, drawn[number], SIDE) for tag, number, _ in shown if number in drawn]
    return [*found, Text("persons", last, "\n\n".join(lines))]
