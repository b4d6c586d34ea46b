"""Every network leaves as an ONNX file that onnxruntime computes alike, for one image and for several."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from benchbox.engine import onnx_file
from benchbox.models import MODELS
from tests.models.networks import CASES, JOINTS, settled

LARGEST = 1e-4
QUICK = ("hrnet am", "mrn")


def check(case: str) -> None:
    model = settled(case)
    content = onnx_file.onnx_bytes(model, size=(64, 64), batch=None, output="out", facts={"benchbox.job": "ab"})
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for some in (images, images[:1]):
        (found,) = session.run(["out"], {"images": some.numpy()})
        with torch.no_grad():
            expected = model.eval()(some).numpy()
        assert found.shape == expected.shape
        assert found.shape[:2] == (len(some), JOINTS)
        assert np.ptp(expected) > 0
        assert np.abs(found - expected).max() <= LARGEST * np.abs(expected).max()
        assert onnx_file.deviation(content, model, some) <= LARGEST
    kept = onnx.load_from_string(content)
    onnx.checker.check_model(kept, full_check=True)
    assert {one.key: one.value for one in kept.metadata_props} == {"benchbox.job": "ab"}


@pytest.mark.parametrize("case", QUICK)
def test_a_network_leaves_as_it_is(case: str) -> None:
    check(case)


@pytest.mark.engines
@pytest.mark.parametrize("case", [case for case in CASES if case not in QUICK and " of " not in case])
def test_every_network_leaves_as_it_is(case: str) -> None:
    assert {name for name, _ in CASES.values()} == set(MODELS)
    check(case)


@pytest.mark.parametrize("share", [0.0, 1e-3])
def test_what_is_off_is_seen(share: float) -> None:
    torch.manual_seed(0)
    model, images = nn.Conv2d(3, 2, 1, bias=False).eval(), torch.randn(2, 3, 8, 8)
    content = onnx_file.onnx_bytes(model, size=(8, 8), batch=2, output="out", facts={})
    model.weight.data /= 1 + share
    assert onnx_file.deviation(content, model, images) == pytest.approx(share, rel=1e-2, abs=1e-6)
    shape = [one.dim_value for one in onnx.load_from_string(content).graph.input[0].type.tensor_type.shape.dim]
    assert shape == [2, 3, 8, 8]
