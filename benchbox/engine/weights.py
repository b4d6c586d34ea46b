"""Read weights that a network begins from, official or ours, whole or a backbone's; write them.

Files of torch.save that hold tensors only, and safetensors.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from benchbox.errors import EnvironmentProblem, InvalidInput, nearest
from benchbox.files import refuse_special

WRAPPERS = ("state_dict", "model", "best_state_dict")
"""Keys under which checkpoints keep a network's weights beside other things."""
SAFETENSORS = ".safetensors"
BEYOND_BACKBONE = ("deconv_layers.", "upsampling.", "final_layer.", "attention.")
"""First parts of the names of a pose network's own entries, which no classifier's weights have."""
COUNTER = ".num_batches_tracked"


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights in a file by name, on the CPU; nothing but tensors is read from it.

    Names may begin with "module.", as data-parallel training leaves them; it is taken off.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is no such file.
    """
    try:
        content: Any = _read(path)
    except InvalidInput:
        raise
    except OSError as problem:
        raise EnvironmentProblem(f"{path}: cannot be read: {problem.strerror or problem}") from None
    except Exception as problem:  # a damaged or hostile file raises nearly anything
        raise InvalidInput(f"{path}: not a file of weights: {_reason(problem)}") from None
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    if not isinstance(content, dict) or not content or not all(torch.is_tensor(value) for value in content.values()):
        raise InvalidInput(f"{path}: holds no weights by name")
    found = {str(name).removeprefix("module."): value for name, value in content.items()}
    claimed = next((name for name, value in found.items() if not _lies_here(value)), None)
    if claimed is not None:
        raise InvalidInput(f"{path}: {_cut(claimed)} is no plain array whose numbers the file holds")
    return found


def save_weights(path: Path, model: nn.Module) -> None:
    """Write a network's weights and batch-norm statistics as safetensors, whole or not at all.

    Raises: OSError when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # by Python's own file, whose errors are the disk's
        temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in model.state_dict().items()}))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def digest_of_weights(model: nn.Module) -> str:
    """Return the first 16 hex digits of the SHA-256 of a network's weights and statistics, whatever device has them."""
    found = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def load_weights(path: Path, model: nn.Module) -> None:
    """Load a file of weights into a network; every name and shape must fit.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is no such file, or not of this network; one line names the first entry that does not fit.
    """
    found, wanted = read_weights(path), model.state_dict()
    misfit = first_misfit(found, wanted)
    if misfit:
        raise InvalidInput(f"{path}: {misfit} ({len(found)} entries, the network has {len(wanted)})")
    refuse_infinite(path, found)
    model.load_state_dict(found)


def load_backbone(path: Path, model: nn.Module) -> None:
    """Load a classifier's weights into the backbone of a pose network; its head and attention stay as they are.

    Entries of the classifier that the backbone has not (its own head) are left out.

    Raises:
        EnvironmentProblem: the file cannot be read.
        InvalidInput: it is no such file, or lacks an entry of the backbone, or has one of another shape.
    """
    found = read_weights(path)
    used, wanted = backbone(found, model)
    misfit = first_misfit(used, wanted)
    if misfit:
        raise InvalidInput(f"{path}: {misfit} (of the backbone's {len(wanted)} entries it has {len(used)})")
    refuse_infinite(path, used)
    model.load_state_dict(used, strict=False)


def backbone(found: Mapping[str, Tensor], model: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the weights that belong to a network's backbone, and the backbone's own entries.

    Counters of batches, which old files lack, are asked for only where they are found.
    """
    wanted = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.startswith(BEYOND_BACKBONE) and (name in found or not name.endswith(COUNTER))
    }
    return {name: found[name] for name in wanted if name in found}, wanted


def first_misfit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """Say what first keeps weights from fitting a network, or nothing."""
    for name, tensor in wanted.items():
        if name not in found:
            hint = nearest(name, found) if len(found) < 5000 else ""
            return f"lacks {name}{hint if 'did you mean' in hint else ''}"
        if found[name].shape != tensor.shape:
            return f"{name} is {list(found[name].shape)}, the network's {list(tensor.shape)}"
    extra = next((name for name in found if name not in wanted), None)
    return "" if extra is None else f"{_cut(extra)} is not in the network"


def refuse_infinite(path: Path, found: Mapping[str, Tensor]) -> None:
    """Raise InvalidInput, with the file's name, where an entry holds a value that is not finite."""
    for name, tensor in found.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InvalidInput(f"{path}: {_cut(name)} holds a value that is not finite")


def _read(path: Path) -> Any:
    refuse_special(path)
    if path.suffix != SAFETENSORS:
        _refuse_packed(path)
        with warnings.catch_warnings(action="ignore"):  # torch's own, of how the file was written
            return torch.load(path, map_location="cpu", weights_only=True)
    try:
        return load_file(path)
    except SafetensorError as problem:
        raise ValueError(str(problem)) from None


def _refuse_packed(path: Path) -> None:
    """Raise InvalidInput where an archive claims more bytes than it has: torch packs nothing, but unpacks anything."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > path.stat().st_size:
        raise InvalidInput(f"{path}: unpacks to {claimed:,} bytes; weights are kept as torch.save writes them")


def _lies_here(value: Tensor) -> bool:
    """Tell whether a tensor has all its numbers in memory: a view that repeats a few of them may claim any size."""
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized or value.is_nested:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def _reason(problem: Exception) -> str:
    """Say why torch refused a file, without its advice to load anything at all."""
    if isinstance(problem, pickle.UnpicklingError):
        return "it holds more than tensors, or is damaged; nothing of it was run; save the network's state_dict() alone"
    return _cut((str(problem).splitlines() or [type(problem).__name__])[0], 200)


def _cut(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
