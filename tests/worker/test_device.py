"""Which device a job computes on, and whether its arithmetic gives the same bits again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchbox.worker.run import prepare_device


@pytest.fixture(autouse=True)
def settings_restored() -> Iterator[None]:
    enabled, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(enabled)
    torch.backends.cudnn.benchmark = benchmark


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_cpu_is_always_repeatable(deterministic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert prepare_device(deterministic=deterministic) == torch.device("cpu")
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_gpu_is_where_the_study_wants_it(deterministic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    assert prepare_device(deterministic=deterministic) == torch.device("cuda")
    assert torch.are_deterministic_algorithms_enabled() is deterministic
    assert torch.backends.cudnn.benchmark is not deterministic
