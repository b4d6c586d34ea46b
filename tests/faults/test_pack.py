"""A pack on a disk without room for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end import quick

pytestmark = pytest.mark.faults


def test_a_cache_without_room_is_one_line_and_the_run_goes_on_without_a_pack(
    undisturbed: Path, tmp_path: Path, cache: Path
) -> None:
    study, results, small = quick.write(tmp_path), tmp_path / "results", tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs more rights than this user has")
    try:
        for entry in cache.glob("synthetic-*-160-40"):
            shutil.copytree(entry, small / entry.name)
        code, said = quick.finish(quick.start(study, results, small, "-j", "1"))
        assert code == 4, said
        assert "the pack of training crops needs" in said
        assert "--no-pack" in said
        assert "Traceback" not in said
        assert os.listdir(small / "packs") == [".lock"]
        code, said = quick.finish(quick.start(study, results, small, "-j", "1", "--no-pack"))
        assert code == 0, said
        assert quick.rows(results) == quick.rows(undisturbed)
    finally:
        subprocess.run(["umount", str(small)], check=True)
