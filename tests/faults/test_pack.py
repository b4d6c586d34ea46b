"""A pack on a disk without room for it, and a job killed while it builds one."""

from __future__ import annotations

import os
import shutil
import signal
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


def test_a_kill_while_the_pack_is_built_costs_nothing_but_the_pack(
    undisturbed: Path, tmp_path: Path, cache: Path
) -> None:
    study, results, own = quick.write(tmp_path), tmp_path / "results", tmp_path / "cache"
    for entry in cache.glob("synthetic-*-160-40"):
        shutil.copytree(entry, own / entry.name)

    def killed_in_time() -> bool:
        """Kill everybody while the pack is half there; it takes a tenth of a second to build."""
        shutil.rmtree(own / "packs", ignore_errors=True)
        process = quick.start(study, results, own, "-j", "1")
        quick.wait_until(lambda: any((own / "packs").glob(".partial-*")), pause=0.001)
        for pid in quick.workers(results):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        quick.finish(process)
        return not any((own / "packs").glob("[!.]*"))

    assert any(killed_in_time() for _ in range(5))
    assert any((own / "packs").glob(".partial-*"))
    code, said = quick.finish(quick.start(study, results, own, "-j", "1"))
    assert code == 0, said
    assert quick.rows(results) == quick.rows(undisturbed)
    assert not any((own / "packs").glob(".partial-*"))
    assert any((own / "packs").glob("[!.]*"))
