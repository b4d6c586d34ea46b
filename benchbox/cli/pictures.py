"""Pictures of evaluated persons, for what shows them; the worker draws them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from benchbox.cli import folders
from benchbox.cli.ask import ask


def persons(results: Path, job: str, numbers: Sequence[int], data: Path | None, side: int = 160) -> dict[int, bytes]:
    """Return pictures of evaluated persons by number: the crop, the predicted joints and the true ones.

    Predicted limbs are solid and light (yellow), true ones dashed and dark (blue).

    Args:
        results, job: a job with a result.
        numbers: of persons, as `people` has them.
        data: the data root. side: of a picture in pixels.

    Returns: PNG files, side x side pixels; persons whose image is not at hand are absent.
    Raises: CannotJudge without a result, InvalidInput where its records are damaged.
    """
    words = ["persons", "--results", str(results), "--cache", str(folders.cache_root())]
    words += ["--data", str(data)] if data else []
    found = ask(words, {"job": job, "numbers": [int(number) for number in numbers], "side": side})
    return {int(number): base64.b64decode(text) for number, text in found.items()}
