"""What torch finds on this machine, for the command line, which never loads it."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from benchbox.engine.fold import bf16_is_native


def torch_sees() -> dict[str, Any]:
    """Return torch's version, the CUDA it was built for, the devices it can use, and which of them compute in bf16.

    Returns: version; cuda: None for a build without; gpus: names of the devices; why_not: what kept CUDA from being
    used, empty where nothing did; bf16: cpu and cuda, the latter None without a device.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        usable = torch.cuda.is_available()
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if usable else []
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "gpus": gpus,
        "why_not": "" if usable or not caught else str(caught[-1].message).strip().splitlines()[0],
        "bf16": {
            "cpu": bf16_is_native(torch.device("cpu")),
            "cuda": bf16_is_native(torch.device("cuda")) if usable else None,
        },
    }
