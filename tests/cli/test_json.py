"""The JSON of the verbs has the keys that the README's table says, no others and no fewer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import readme

Call = Callable[..., subprocess.CompletedProcess[str]]
CALLS = {
    "plan": "plan STUDY",
    "power": "plan STUDY --effect 1",
    "status": "status STUDY",
    "study-table": "table STUDY --compare",
    "group-table": "table STUDY --by joint",
    "paper-tables": "table --paper acnn",
    "claims": "claims --paper acnn",
    "explain": "explain STUDY baseline AP",
    "compare": "compare STUDY:baseline STUDY:sub-network\\ 1",
    "rescore": "rescore STUDY --check",
    "data-list": "data list",
    "models-list": "models list",
    "models-check": "models check WEIGHTS",
    "results-clean": "results clean",
    "results-merge": "results merge RESULTS --results here",
    "models-export": "models export STUDY:baseline --out one.onnx",
    "doctor": "doctor",
    "gate": "gate STUDY",
}
ELSEWHERE = {
    "paper-table": "tests/cli/test_json.py",
    "score": "tests/end_to_end/test_rescore.py",
    "verify": "tests/cli/test_papers.py",
    "predict": "tests/worker/test_images.py",
    "gate-update": "tests/end_to_end/test_gate.py",
    "data-check": "tests/cli/test_datasets.py",
    "models-bench": "tests/cli/test_models_bench.py",
    "results-tensorboard": "tests/cli/test_tensorboard.py",
    "doctor-resume": "tests/cli/test_resume.py",
}
"""Kinds that other tests make anyway, and where they are held against the README."""


@pytest.mark.parametrize("kind", CALLS)
def test_the_json_of_a_verb_is_as_documented(
    kind: str, root: Path, smoke_results: Path, benchbox: Call, tmp_path: Path
) -> None:
    (tmp_path / "ablations").symlink_to(root / "ablations")
    weights = next(smoke_results.glob("jobs/*/attempts/*/weights.safetensors"))
    files = {"STUDY": "ablations/smoke.toml", "WEIGHTS": str(weights), "RESULTS": str(smoke_results)}
    words = [files.get(word, word.replace("STUDY", files["STUDY"])) for word in CALLS[kind].replace("\\ ", "~").split()]
    done = benchbox(*(word.replace("~", " ") for word in words), "--json", BENCHBOX_RESULTS=str(smoke_results))
    answer = json.loads(done.stdout)
    assert answer["kind"] == kind
    assert readme.undocumented(answer) == set()
    for table in answer.get("tables", ()):
        assert readme.undocumented(table) == set()


def test_every_kind_is_held_against_the_readme(root: Path) -> None:
    assert {*CALLS, *ELSEWHERE} == readme.json_keys().keys()
    for file in ELSEWHERE.values():
        assert "readme.undocumented(" in (root / file).read_text(encoding="utf-8")
