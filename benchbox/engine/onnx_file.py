"""A network as an ONNX file, checked by ONNX's own checker and against what onnxruntime makes of it.

Needs the extra `onnx`.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbox.engine.fold import folded
from benchbox.errors import EnvironmentProblem

OPSET = 18
INPUT = "images"


def require() -> None:
    """Check that the extra is installed.

    Raises: EnvironmentProblem.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as problem:
        raise EnvironmentProblem(f"ONNX needs an extra ({problem}): pip install 'benchbox[onnx]'") from None


def onnx_bytes(
    model: nn.Module, *, size: tuple[int, int], batch: int | None, output: str, facts: Mapping[str, str]
) -> bytes:
    """Return a network as an ONNX model, batch norm folded; the network is put into evaluation mode.

    Args:
        model: on the CPU, float32.
        size: (height, width) of its input in pixels. batch: images a call takes; any number when None.
        output: what its output is called; the input is "images", (B, 3, H, W) float32.
        facts: metadata of the file.

    Raises: onnx.checker.ValidationError where ONNX's checker finds the model wrong.
    """
    import onnx

    images = torch.zeros(batch or 2, 3, *size)
    axes = None if batch else {INPUT: {0: "B"}, output: {0: "B"}}
    with tempfile.TemporaryDirectory(prefix="benchbox-") as folder, warnings.catch_warnings(), torch.no_grad():
        file = Path(folder) / "network.onnx"
        # Tracing warns of every shape that becomes a constant: the size is one here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded(model),
            (images,),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[output],
            dynamic_axes=axes,
        )
        found = onnx.load(file)
    onnx.helper.set_model_props(found, dict(facts))
    onnx.checker.check_model(found, full_check=True)
    content: bytes = found.SerializeToString()
    return content


@torch.no_grad()
def deviation(content: bytes, model: nn.Module, images: torch.Tensor) -> float:
    """Return how far onnxruntime's output is from the network's, as a share of the network's largest value.

    Args: content: an ONNX model. images: (B, 3, H, W) float32 as the network sees them, on the CPU.

    Returns: infinite where shapes differ or a number is not finite.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(images.numpy())})
    expected = model.eval()(images).numpy()
    if found.shape != expected.shape:
        return float("inf")
    share = np.abs(found - expected).max() / np.abs(expected).max()
    return float(share) if np.isfinite(share) else float("inf")
