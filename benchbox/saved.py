"""Predictions that others made, judged here and kept: one folder each, beside the jobs.

results/predictions/<name>/saved.json        what they are: file, data set, ground truth, how they were made
                           people.parquet scores.parquet
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox.errors import InvalidInput, nearest
from benchbox.files import explained, listed, read_json, refuse_outside, write_json

SCHEMA = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Saved:
    """One folder of saved predictions."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def table(self, name: str) -> Path:
        return self.path / f"{name}.parquet"

    def read(self) -> dict[str, Any]:
        """Read saved.json.

        Raises: InvalidInput where it is missing, a link or of another schema.
        """
        refuse_outside(self.path / "saved.json", self.path)
        record = read_json(self.path / "saved.json", {"dataset", "truth", "prediction", "skeleton"})
        if record is None or record.get("schema") != SCHEMA:
            raise InvalidInput(f"{self.path / 'saved.json'}: missing or not of schema {SCHEMA}; save them again")
        return record

    def data_set(self) -> str:
        """Return whose persons they are of: a data set's, or `synthetic` where the truth's path is of embedded ones."""
        record = self.read()
        embedded = any(part.startswith("synthetic") for part in Path(str(record["truth"])).parts)
        return "synthetic" if embedded else str(record["dataset"]).partition(":")[0]


def names(results: Path) -> list[str]:
    """List the saved predictions of a results folder."""
    found = listed(results / "predictions")
    return sorted(entry.name for entry in found if NAME.fullmatch(entry.name) and not entry.is_symlink())


def find(results: Path, name: str) -> Saved:
    """Return saved predictions by name.

    Raises: InvalidInput for a name that is not there.
    """
    if name not in names(results):
        raise InvalidInput(f"{name}: no saved predictions in {results}{nearest(name, names(results))}")
    return Saved(results / "predictions" / name)


def check_name(name: str) -> None:
    """Refuse a name for saved predictions that is no plain name.

    Raises: InvalidInput.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput(f"--save {name}: a name is 1 to 64 letters, digits, dots, dashes, underscores; e.g. theirs")


@contextmanager
def replaced(results: Path, name: str, record: dict[str, Any]) -> Iterator[Saved]:
    """Fill a folder that takes its name, and the place of an older one, only once it is whole.

    Raises: InvalidInput for a name that is no plain name.
    """
    check_name(name)
    parent = results / "predictions"
    with explained(parent):
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=parent))
    try:
        with explained(parent):
            write_json(draft / "saved.json", {"schema": SCHEMA, "name": name, **record})
            yield Saved(draft)
            draft.chmod(0o755)
            if (parent / name).exists():
                old = Path(tempfile.mkdtemp(prefix=".old-", dir=parent))
                os.rename(parent / name, old / name)
                os.rename(draft, parent / name)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.rename(draft, parent / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
