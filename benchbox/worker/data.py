"""Look at the data sets on disk for the command line, which never reads them itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbox.catalogue import CATALOGUE
from benchbox.errors import BenchboxError
from benchbox.worker.source import READERS


def is_full(name: str, data: Path) -> bool:
    """Tell whether all of a data set lies at the data root, by its official numbers of persons with keypoints."""
    layout = "lsp" if name == "lspet" else name
    try:
        return all(len(READERS[layout](data / name, split)) == n for split, n in CATALOGUE[name].people.items())
    except BenchboxError:
        return False


def check(name: str, split: str, data: Path | None, cache: Path) -> dict[str, Any]:
    raise NotImplementedError
