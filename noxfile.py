"""The sessions of the project; they run in the environment that called nox, since torch is a gigabyte."""

from __future__ import annotations

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False

THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

# Two processes for two cores; a file's tests stay together, since they share what is slow to make.
# Else the files of many tests would go first, and those that take minutes last.
BY_FILE = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def pytest(session: nox.Session, *words: str) -> None:
    """Call pytest on one thread a process, with the session's own words last."""
    session.run(sys.executable, "-m", "pytest", *words, *session.posargs, env=THREADS)


@nox.session
def tests(session: nox.Session) -> None:
    """Units, golden numbers, texts of the command line, properties, one smoke study, a few fixed kills."""
    pytest(session, *BY_FILE, "-m", "not engines and not faults and not studies")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.run(sys.executable, "-m", "ruff", "check", ".")
    session.run(sys.executable, "-m", "ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types of the package."""
    session.run(sys.executable, "-m", "mypy")


@nox.session
def engines(session: nox.Session) -> None:
    """A real Slurm, a real browser, and several processes for one job: agreement with one, kills, signals."""
    pytest(session, *BY_FILE, "-m", "engines")


@nox.session
def faults(session: nox.Session) -> None:
    """Kills at random moments, full disks, planted bugs, files with random damage, secrets, the network."""
    pytest(session, "-n", "2", "-m", "faults")


@nox.session
def studies(session: nox.Session) -> None:
    """Every study at tiny with its table, and the mini scale where real data lie at BENCHBOX_DATA."""
    # A study trains two jobs at a time by itself; the other tests take a core each.
    whole = "tests/studies/test_studies.py"
    pytest(session, "-m", "studies", "-s", whole)
    pytest(session, *BY_FILE, "-m", "studies", "--ignore", whole)


@nox.session
def bench(session: nox.Session) -> None:
    """Speeds, by hand: start-up, planning, samples, scores, comparisons, big files, tables, page, gates, the queue."""
    parts = "speeds networks jpeg pack coco_scores comparisons annotations tables page gate queue"
    for part in parts.split():
        session.run(sys.executable, "-m", f"tests.bench.{part}", *session.posargs, env=THREADS)
