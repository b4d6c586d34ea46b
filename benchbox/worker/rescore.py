"""Make scores anew from saved records: no network, no GPU; the same bits as at training time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchbox import records, saved
from benchbox.jobdir import JobDir
from benchbox.metrics.protocol import Protocol, parse
from benchbox.worker.judge import ground_of_saved
from benchbox.worker.score import Ground, score_people, standard_protocols
from benchbox.worker.source import ground_of, open_source

Row = dict[str, Any]


def rescore_all(
    results: Path,
    jobs: Iterable[str],
    names: Iterable[str],
    asked: Sequence[str],
    *,
    data: Path | None,
    cache: Path,
    check: bool,
) -> list[dict[str, Any]]:
    """Rescore jobs and saved predictions; return what became of each: equal, changed or new, and its protocols.

    The standard protocols, those that the scores hold already, and those asked for are computed. With `check` nothing
    is written.

    Args: names: saved predictions. data, cache: where data sets lie.

    Raises: InvalidInput where records are damaged, EnvironmentProblem where the ground truth is missing.
    """
    done = []
    for job in jobs:
        folder = JobDir.of(results, job, data)
        attempt = folder.result()
        if attempt is None:
            done.append({"name": job, "state": "no result", "protocols": [], "rows": 0})
            continue
        config = folder.read()
        ground = ground_of(config, open_source(config, data, cache))
        done.append(_rescore(job, attempt.table("people"), attempt.table("scores"), ground, asked, check))
    for name in names:
        folder_of = saved.find(results, name)
        ground = ground_of_saved(folder_of)
        done.append(_rescore(name, folder_of.table("people"), folder_of.table("scores"), ground, asked, check))
    return done


def _rescore(
    name: str, people_file: Path, scores_file: Path, ground: Ground, asked: Sequence[str], check: bool
) -> dict[str, Any]:
    people, before = records.load(people_file, "people"), records.load(scores_file, "scores").to_pylist()
    known = [parse(text) for text in dict.fromkeys(row["protocol"] for row in before)]
    wanted = [parse(text).made_by(ground.prediction) for text in asked]
    protocols: list[Protocol] = list(dict.fromkeys([*standard_protocols(people, ground), *known, *wanted]))
    rows = [{"job": name} | row for row in score_people(people, ground, protocols)]
    old, new = _by_key(before), _by_key(rows)
    changed = sorted(key for key in old.keys() | new.keys() if key in old and old[key] != new.get(key))
    added = sorted({key[0] for key in new.keys() - old.keys()} - {key[0] for key in old})
    if not check and (changed or added or len(old) != len(new)):
        records.write(scores_file, "scores", rows)
    state = "changed" if changed else "new" if added else "equal"
    return {
        "name": name,
        "state": state,
        "protocols": [str(protocol) for protocol in protocols],
        "rows": len(rows),
        "changed": [list(key) for key in changed[:5]],
    }


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, str, str], tuple[float, int]]:
    return {(row["protocol"], row["metric"], row["group"]): (row["value"], row["n"]) for row in rows}
