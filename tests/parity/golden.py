"""Read the golden numbers: what the official HRNet code gave for fixed inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "golden"


def cases(name: str) -> list[Any]:
    """Return the cases of `<name>.npz` as pytest parameters; each is a dict of arrays."""
    return [pytest.param(case, id=f"{name}-{i}") for i, case in enumerate(_read(name))]


def entries(name: str) -> list[Any]:
    """Return the entries of the list in `<name>.json` as pytest parameters."""
    with (FOLDER / f"{name}.json").open() as file:
        return [pytest.param(entry, id=f"{name}-{i}") for i, entry in enumerate(json.load(file))]


def _read(name: str) -> Iterator[dict[str, np.ndarray]]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as data:
        for i in range(int(data["num_cases"])):
            prefix = f"c{i:02d}_"
            yield {key.removeprefix(prefix): data[key] for key in data.files if key.startswith(prefix)}
