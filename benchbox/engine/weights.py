"""Read weights that a network begins from: an official checkpoint, or one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchbox.errors import EnvironmentProblem, InvalidInput, nearest

WRAPPERS = ("state_dict", "model", "best_state_dict")
"""Keys under which checkpoints keep a network's weights beside other things."""


def load_weights(path: Path, model: nn.Module) -> None:
    """Load a file of weights into a network; every name and shape must fit.

    Names may begin with "module.", as data-parallel training leaves them.

    Args: path: a file of `torch.save` that holds tensors only. model: filled in place.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is no such file, or not of this network; one line names the first entry that does not fit.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as problem:
        raise EnvironmentProblem(f"{path}: cannot be read: {problem.strerror}") from None
    except Exception as problem:  # a damaged or hostile file raises nearly anything
        said = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise InvalidInput(f"{path}: not a file of weights: {said[:200]}") from None
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    if not isinstance(content, dict) or not content or not all(torch.is_tensor(value) for value in content.values()):
        raise InvalidInput(f"{path}: holds no weights by name")
    found = {str(name).removeprefix("module."): value for name, value in content.items()}
    _check(path, found, model.state_dict())
    model.load_state_dict(found)


def _check(path: Path, found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    counts = f"{len(found)} entries, the network has {len(wanted)}"
    for name, tensor in wanted.items():
        if name not in found:
            raise InvalidInput(f"{path}: lacks {name}{nearest(name, found) if len(found) < 5000 else ''} ({counts})")
        if found[name].shape != tensor.shape:
            raise InvalidInput(f"{path}: {name} is {list(found[name].shape)}, the network's {list(tensor.shape)}")
        if found[name].is_floating_point() and not torch.isfinite(found[name]).all():
            raise InvalidInput(f"{path}: {name} holds a value that is not finite")
    extra = next((name for name in found if name not in wanted), None)
    if extra is not None:
        raise InvalidInput(f"{path}: {extra} is not in the network ({counts})")
