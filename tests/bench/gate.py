"""How long gates take: 20 checks of 2,000 resamples on 3,000 persons, all passing and all regressed."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from pathlib import Path

from tests.gates import made

JOINTS = [f"joint:{joint}" for joint in made.COCO17.joints]
GROUPS = ["all", *JOINTS, "category:dancing", "pair:Wrist"]
LIMIT = 10


def timed(folder: Path, name: str, code: int) -> None:
    """Judge once and print the seconds."""
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        found = made.call(folder)
    seconds = time.perf_counter() - began
    assert found == code, made.verdicts(folder)
    print(f"{len(GROUPS)} gates, 3,000 persons, {name:<22} {seconds:.1f} s (limit {LIMIT})")


def main() -> None:
    """Print every figure."""
    people = made.persons(3000)
    for seeds in ([0], [0, 1, 2]):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            made.write(folder, people=people, seeds=seeds)
            study = folder / "study.toml"
            study.write_text(study.read_text().replace("[0, 1, 2]", str(seeds)))
            made.declare(folder, *({"group": f'"{group}"', "seeds": "1", "tolerance": "4.0"} for group in GROUPS))
            assert made.call(folder, update=True) == 0
            made.unpublish(folder)
            made.write(folder, made.near(0.302), people=people, seeds=seeds)
            timed(folder, f"{len(seeds)} seeds, passing", 0)
            made.unpublish(folder)
            made.write(folder, made.near(0.6), people=people, seeds=seeds)
            timed(folder, f"{len(seeds)} seeds, regressed", 1)


if __name__ == "__main__":
    main()
