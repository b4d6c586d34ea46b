"""Read results back: the states of jobs and the rows that their published attempts wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchbox import records, saved
from benchbox.errors import InvalidInput
from benchbox.jobdir import JobDir, State


@dataclass(frozen=True)
class Store:
    """States by job id, and the `runs` and `scores` rows of the jobs that have a result."""

    states: dict[str, State]
    runs: pd.DataFrame
    scores: pd.DataFrame


def read(results: Path, jobs: Iterable[str], data: Path | None = None) -> Store:
    """Read the states and rows of some jobs; what is not there is pending.

    Raises: InvalidInput naming a Parquet file that is damaged or of a later version.
    """
    states, tables = {}, {"runs": [], "scores": []}  # type: dict[str, State], dict[str, list[pa.Table]]
    for job in jobs:
        folder = JobDir.of(results, job, data)
        states[job] = folder.state()
        result = folder.result()
        for name in tables if result else ():
            assert result is not None
            tables[name].append(records.load(result.table(name), name, job))
    frames = {name: _frame(parts, name) for name, parts in tables.items()}
    return Store(states, frames["runs"], frames["scores"])


def with_saved(store: Store, results: Path, names: Iterable[str]) -> Store:
    """Add predictions of others, each a job of its own name in the state "saved".

    Raises: InvalidInput for a name that is not there or records that are damaged.
    """
    states, tables = dict(store.states), []
    for name in names:
        tables.append(records.load(saved.find(results, name).table("scores"), "scores"))
        states[name] = State("saved")
    scores = pd.concat([store.scores, *(table.to_pandas() for table in tables)], ignore_index=True)
    return Store(states, store.runs, scores if tables else store.scores)


def people(results: Path, job: str) -> pa.Table:
    """Read the `people` rows of one job.

    Raises: InvalidInput when it has no result.
    """
    result = JobDir.of(results, job).result()
    if result is None:
        raise InvalidInput(f"job {job}: has no result in {results}")
    return records.load(result.table("people"), "people", job)


def _frame(parts: list[pa.Table], name: str) -> pd.DataFrame:
    table = pa.concat_tables(parts) if parts else records.SCHEMAS[name].empty_table()
    frame: pd.DataFrame = table.to_pandas()
    return frame
