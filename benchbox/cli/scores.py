"""The verbs of scores: judge predictions that others made, and make a study's scores anew from its records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbox import saved
from benchbox.cli import early
from benchbox.cli.ask import ask
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.places import cache_root, data_root
from benchbox.console import note
from benchbox.errors import FAILED, OK, InvalidInput, nearest
from benchbox.files import listed

if TYPE_CHECKING:  # what reads studies takes as long to load as all that `score` needs
    from benchbox.cli.study import Choice

GROUPS = ("all", "pair", "joint", "category", "activity")
"""Kinds of groups that scores come in; the first two are shown unless another is asked for."""
N = "n: labelled joints; of AP, predictions; of a category or an activity, persons."
"""What the column n counts."""


def score(
    predictions: Path,
    dataset: str,
    *,
    truth: Path | None,
    protocols: Sequence[str],
    origin: int,
    save: str,
    by: str | None,
    results: Path,
    format: str,
) -> int:
    """Judge predictions and print their scores."""
    shown = ("all", "pair") if by is None else ("all", check_group(by))
    if save in saved.names(results):
        note(f"{save}: replaces predictions for {saved.find(results, save).read()['dataset']}")
    answer = judged(predictions, dataset, truth=truth, protocols=protocols, origin=origin, save=save, results=results)
    rows = [row for row in answer["rows"] if format == "json" or row["group"].partition(":")[0] in shown]
    kinds = {row["group"].partition(":")[0] for row in answer["rows"]}
    if by is not None and by not in kinds:
        raise InvalidInput(f"--by {by}: {dataset} has no such groups; known: {', '.join(sorted(kinds - {'all'}))}")
    columns = [
        Column("protocol", "Protocol"),
        Column("metric", "Metric"),
        Column("group", "Group"),
        Column("value", "Score", right=True, show=lambda value: f"{value:.2f}"),
        Column("n", "n", right=True),
    ]
    meta = {"schema": 1, "kind": "score", "predictions": str(predictions), "dataset": dataset, "saved": save or None}
    emit(
        format, f"{predictions.name} on {dataset}", columns, rows, meta, _footnotes(answer["rows"], answer["protocol"])
    )
    if save:
        note(f"saved as {save}; next: benchbox table STUDY --with {save}")
    return OK


def judged(
    predictions: Path,
    dataset: str,
    *,
    truth: Path | None,
    protocols: Sequence[str],
    origin: int,
    save: str,
    results: Path,
) -> dict[str, Any]:
    """Have the worker judge predictions; return its rows and the protocol's part that says how they were made.

    Raises: InvalidInput for a file that is not what it should be, CannotJudge where nothing can be scored,
        EnvironmentProblem without ground truth.
    """
    if origin not in (0, 1):
        raise InvalidInput(f"--origin {origin}: coordinates count from 0 or from 1, as MATLAB does; e.g. --origin 1")
    words = ["score", str(predictions), "--dataset", dataset, "--results", str(results), "--origin", str(origin)]
    words += ["--save", save] if save else []
    words += ["--truth", str(truth)] if truth else []
    words += [word for text in protocols for word in ("--protocol", text)]
    data = data_root()
    answer: dict[str, Any] = ask([*words, *(["--data", str(data)] if data else [])])
    for line in answer["notes"]:
        note(f"{predictions.name}: {line}")
    return answer


def rescore(path: Path | None, choice: Choice, protocols: Sequence[str], check: bool, format: str) -> int:
    """Rebuild scores from records and say what became of each result."""
    names = saved.names(choice.results)
    if str(path) in names:
        wanted, names = [], [str(path)]
    else:
        wanted, names = _jobs(path, choice), names if path is None else []
    if not wanted and not names:
        raise InvalidInput(f"{choice.results}: has no results to rescore; benchbox run STUDY.toml makes them")
    from benchbox.jobdir import JobDir

    of_jobs = [JobDir.of(choice.results, job).read().dataset.skeleton for job in wanted]
    of_saved = [str(saved.find(choice.results, name).read()["skeleton"]) for name in names]
    early.require_joints(protocols, dict.fromkeys([*of_jobs, *of_saved]))
    words = ["rescore", "--results", str(choice.results), "--cache", str(cache_root())]
    words += ["--jobs", *wanted, "--saved", *names, *(["--check"] if check else [])]
    words += [word for text in protocols for word in ("--protocol", text)]
    data = data_root()
    done: list[dict[str, Any]] = ask([*words, *(["--data", str(data)] if data else [])])
    columns = [
        Column("name", "Result"),
        Column("state", "State"),
        Column("rows", "Rows", right=True),
        Column("protocols", "Protocols", show=lambda value: ", ".join(value)),
    ]
    emit(format, "Rescored from records", columns, done, {"schema": 1, "kind": "rescore", "check": check})
    changed = [one for one in done if one["state"] == "changed"]
    for one in changed:
        note(f"{one['name']}: other scores than those kept: {'; '.join(' '.join(key) for key in one['changed'])}")
    return FAILED if check and any(one["state"] != "equal" for one in done) else OK


def check_group(by: str) -> str:
    """Return a kind of group.

    Raises: InvalidInput for another word.
    """
    if by not in GROUPS[1:]:
        raise InvalidInput(f"--by {by}: unknown{nearest(by, GROUPS[1:])}")
    return by


def _jobs(path: Path | None, choice: Choice) -> list[str]:
    from benchbox.cli.study import select
    from benchbox.jobdir import JobDir
    from benchbox.plan import jobs

    if path is not None:
        return list(jobs(select(path, choice).arms))
    found = [entry.name for entry in listed(choice.results / "jobs")]
    return [job for job in found if JobDir.of(choice.results, job).result() is not None]


def _made(protocol: str) -> str:
    """Return a protocol that says how predictions were made, as an example for one that does not."""
    return protocol.replace("given", "det-56.4/flip" if protocol.startswith("coco-kp") else "gt-boxes/flip")


def _footnotes(rows: Sequence[dict[str, Any]], prediction: str) -> list[str]:
    kinds = sorted({row["group"].partition(":")[0] for row in rows} - {"all", "pair"})
    notes = [N]
    if prediction.startswith("given") and rows:
        example = _made(next((row["protocol"] for row in rows if "/hrnet-v1/" in row["protocol"]), rows[0]["protocol"]))
        notes.append(f"given: the file does not say how predictions were made; --protocol can ({example}).")
    return notes + ([f"More: --by {' | '.join(kinds)}."] if kinds else [])
