"""Fixtures that more than one part of the tests needs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end import quick

ROOT = Path(__file__).parents[1]
SLOW = ("studies", "end_to_end", "cli", "bad_input", "worker", "gates")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that two test processes end together."""
    items.sort(key=lambda item: SLOW.index(item.path.parent.name) if item.path.parent.name in SLOW else len(SLOW))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all tests and test processes: costs and embedded data are made once."""
    return made_once(tmp_path_factory, "cache", lambda folder: None)


@pytest.fixture
def benchbox(tmp_path: Path, cache: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command line in a folder of its own, without a GPU and without data."""

    def call(*words: str, timeout: float = 400, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("BENCHBOX_", "COLUMNS"))}
        settings = {"BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200", "CI": "1"}
        command = [sys.executable, "-m", "benchbox", *words]
        given = {**clean, **settings, **environment}
        return subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=timeout)

    return call


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real COCO, MPII and LSP samples that BENCHBOX_DATA names."""
    named = os.environ.get("BENCHBOX_DATA")
    if not named or not (Path(named) / "coco").is_dir():
        pytest.skip("real data: BENCHBOX_DATA does not name a folder that holds coco/")
    return Path(named).resolve()


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that the first of the test processes to ask for it makes, for all of them."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def smoke_results(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The results folder of one whole smoke study; only to be read."""

    def make(folder: Path) -> None:
        given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}
        command = [sys.executable, "-m", "benchbox", "run", str(ROOT / "ablations/smoke.toml")]
        done = subprocess.run(
            [*command, "--results", str(folder / "results")], env=given, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "smoke", make) / "results"


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The results of the quick study, run one job at a time without a disturbance; only to be read."""

    def make(folder: Path) -> None:
        code, said = quick.finish(quick.start(quick.write(folder), folder / "results", cache, "-j", "1"))
        assert code == 0, said

    return made_once(tmp_path_factory, "undisturbed", make) / "results"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped (BENCHBOX_CI), a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("BENCHBOX_CI"):
        print(f"\n{len(skipped)} tests were skipped where none may be", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
