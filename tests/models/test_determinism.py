"""Training is repeatable: no network uses an operation that torch refuses, or replaces by a slow one, on CUDA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchbox.engine.loss import LOSSES
from benchbox.engine.train import train_epoch
from benchbox.models.initial import initialise
from tests.models.networks import ATTENDED, CASES, build, images

# What the documentation of torch.use_deterministic_algorithms names, and the operations of aten that each comes down
# to, without the underscore of those in place. First what is refused,
REFUSED: dict[str, set[str]] = {
    "torch.nn.AvgPool3d": {"avg_pool3d_backward"},
    "torch.nn.AdaptiveAvgPool2d": {"_adaptive_avg_pool2d_backward"},
    "torch.nn.AdaptiveAvgPool3d": {"_adaptive_avg_pool3d_backward"},
    "torch.nn.AdaptiveMaxPool2d": {"adaptive_max_pool2d_backward"},
    "torch.nn.FractionalMaxPool2d": {"fractional_max_pool2d_backward"},
    "torch.nn.FractionalMaxPool3d": {"fractional_max_pool3d_backward"},
    "torch.nn.MaxUnpool1d": {"max_unpool2d"},
    "torch.nn.MaxUnpool2d": {"max_unpool2d"},
    "torch.nn.MaxUnpool3d": {"max_unpool3d"},
    "torch.nn.functional.interpolate": {
        "upsample_linear1d_backward",
        "upsample_bilinear2d_backward",
        "_upsample_bilinear2d_aa_backward",
        "upsample_bicubic2d_backward",
        "_upsample_bicubic2d_aa_backward",
        "upsample_trilinear3d_backward",
    },
    "torch.nn.ReflectionPad1d": {"reflection_pad1d_backward"},
    "torch.nn.ReflectionPad2d": {"reflection_pad2d_backward"},
    "torch.nn.ReflectionPad3d": {"reflection_pad3d_backward"},
    "torch.nn.NLLLoss": {"nll_loss_forward", "nll_loss2d_forward"},
    "torch.nn.CTCLoss": {"_ctc_loss_backward"},
    "torch.nn.EmbeddingBag": {"_embedding_bag_backward"},
    "torch.Tensor.put_": {"put"},
    "torch.histc": {"histc"},
    "torch.bincount": {"bincount"},
    "torch.kthvalue": {"kthvalue"},
    "torch.median": {"median", "nanmedian"},
    "torch.nn.functional.grid_sample": {"grid_sampler_2d_backward", "grid_sampler_3d_backward"},
    "torch.cumsum": {"cumsum"},
    "torch.Tensor.scatter_reduce": {"scatter_reduce"},
    "torch.Tensor.resize_": {"resize"},
}
# then what goes another way, mostly through a sort; convolutions only choose among cuDNN's, so networks may have them.
REPLACED: dict[str, set[str]] = {
    **{f"torch.nn.Conv{transpose}{n}d": set() for transpose in ("", "Transpose") for n in (1, 2, 3)},
    "torch.bmm": set(),  # of sparse tensors
    "torch.nn.ReplicationPad1d": {"replication_pad1d_backward"},
    "torch.nn.ReplicationPad2d": {"replication_pad2d_backward"},
    "torch.nn.ReplicationPad3d": {"replication_pad3d_backward"},
    "torch.nn.MaxPool3d": {"max_pool3d_with_indices_backward"},
    "torch.Tensor.__getitem__": {"index"},
    "torch.Tensor.index_put": {"index_put", "_unsafe_index_put", "_index_put_impl"},
    "torch.Tensor.index_put_": {"index_put"},
    "torch.Tensor.scatter_add_": {"scatter_add"},
    "torch.Tensor.scatter": {"scatter"},
    "torch.gather": {"gather"},
    "torch.index_add": {"index_add"},
    "torch.index_select": {"index_select"},
    "torch.repeat_interleave": {"repeat_interleave"},
    "torch.Tensor.index_copy": {"index_copy"},
    "torch.Tensor.scatter_reduce": {"scatter_reduce"},
}
# What each of those that concern maps does, so that the table names what really runs.
EXAMPLES: dict[str, Callable[[Tensor], Tensor]] = {
    "torch.nn.AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d(3),
    "torch.nn.AdaptiveMaxPool2d": nn.AdaptiveMaxPool2d(3),
    "torch.nn.FractionalMaxPool2d": nn.FractionalMaxPool2d(2, output_size=4),
    "torch.nn.MaxUnpool2d": lambda x: nn.MaxUnpool2d(2)(*F.max_pool2d(x, 2, return_indices=True)),
    "torch.nn.MaxPool3d": nn.MaxPool3d(2),
    "torch.nn.functional.interpolate": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "torch.nn.functional.interpolate bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "torch.nn.functional.interpolate linear": lambda x: F.interpolate(x[0], scale_factor=2, mode="linear"),
    "torch.nn.functional.interpolate trilinear": lambda x: F.interpolate(x[None], scale_factor=2, mode="trilinear"),
    "torch.nn.ReflectionPad2d": nn.ReflectionPad2d(1),
    "torch.nn.ReplicationPad2d": nn.ReplicationPad2d(1),
    "torch.nn.NLLLoss": lambda x: F.nll_loss(x, torch.zeros(2, 8, 8, dtype=torch.long)),
    "torch.nn.CTCLoss": lambda x: F.ctc_loss(
        x[:, :, 0].transpose(0, 2).log_softmax(2), torch.ones(3, 2, dtype=torch.long), (8, 8, 8), (2, 2, 2)
    ),
    "torch.nn.EmbeddingBag": lambda x: F.embedding_bag(torch.tensor([[0, 1]]), x[0, 0], mode="max"),
    "torch.Tensor.put_": lambda x: (1 * x).put_(torch.tensor([0]), torch.tensor([1.0])),
    "torch.histc": lambda x: torch.histc(x.detach()),
    "torch.bincount": lambda x: torch.bincount(torch.tensor([0, 1]), weights=torch.ones(2)),
    "torch.kthvalue": lambda x: x.kthvalue(1, 1).values,
    "torch.median": lambda x: x.median(1).values,
    "torch.nn.functional.grid_sample": lambda x: F.grid_sample(x, torch.zeros(2, 4, 4, 2), align_corners=False),
    "torch.cumsum": lambda x: x.cumsum(1),
    "torch.Tensor.scatter_reduce": lambda x: (1 * x).scatter_reduce(1, x.argsort(1), x, "prod"),
    "torch.Tensor.scatter_add_": lambda x: (1 * x).scatter_add_(1, x.argsort(1), x),
    "torch.Tensor.scatter": lambda x: (1 * x).scatter(1, x.argsort(1), x),
    "torch.Tensor.__getitem__": lambda x: x[[0, 1]],
    "torch.Tensor.index_put": lambda x: (1 * x).index_put((torch.tensor([0]),), x[0], accumulate=True),
    "torch.Tensor.index_put_": lambda x: (1 * x).index_put_((torch.tensor([0]),), x[0]),
    "torch.gather": lambda x: x.gather(1, x.argsort(1)),
    "torch.index_add": lambda x: x.index_add(0, torch.tensor([0]), x[:1]),
    "torch.Tensor.index_copy": lambda x: x.index_copy(0, torch.tensor([0]), x[:1]),
    "torch.index_select": lambda x: x.index_select(0, torch.tensor([0])),
    "torch.repeat_interleave": lambda x: x.repeat_interleave(torch.tensor([1, 2]), 0),
}

TWICE = [case for case in CASES | ATTENDED if case.endswith((" am", " cbam")) or case.startswith(("acnn", "mrn"))]


class Recorder(TorchDispatchMode):
    """Keeps the names of all operations of aten that run, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.add(func.overloadpacket.__name__.rstrip("_"))
        return func(*args, **(kwargs or {}))


def caught(seen: set[str], *tables: dict[str, set[str]]) -> set[str]:
    """Return the entries of the documentation of which an operation was seen."""
    return {name for table in tables for name, operations in table.items() if operations & seen}


def entries() -> set[str]:
    listed = (torch.use_deterministic_algorithms.__doc__ or "").split("The following normally-nondeterministic")
    assert len(listed) == 3
    return {name for text in listed[1:] for name in re.findall(r"\* :\w+:`([\w.]+)`", text.split("In addition")[0])}


def batches(case: str, count: int = 1, joints: int = 3) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(0)
    shape = (2, joints, 2) if case.startswith("mrn") else (2, joints, 16, 16)
    return [
        (
            draw.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8),
            draw.random(shape, dtype=np.float32),
            np.ones((2, joints, 1), np.float32),
        )
        for _ in range(count)
    ]


def trained(case: str, device: str, *, steps: int, loss: str = "", weight: float = 0.0, **changes: Any) -> nn.Module:
    model = build(case, **changes)
    initialise(model, 0, scheme="he")
    model = model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    data = batches(case, steps, changes.get("joints", 3))
    loss = loss or ("coordinates" if case.startswith("mrn") else "mse")
    for step in train_epoch(
        model, optimizer, data, rate=1e-3, device=torch.device(device), loss=loss, auxiliary=weight
    ):
        assert step.loss > 0
    return model


def test_the_table_has_all_that_torch_documents() -> None:
    documented = entries()
    assert {"torch.nn.AdaptiveAvgPool2d", "torch.nn.functional.interpolate", "torch.gather"} <= documented
    assert documented <= REFUSED.keys() | REPLACED.keys()
    for operations in (REFUSED | REPLACED).values():
        for name in operations:
            assert hasattr(torch.ops.aten, name) or hasattr(torch.ops.aten, f"{name}_"), name


@pytest.fixture
def free() -> Iterator[None]:
    """Let torch use what is not repeatable: told otherwise, it puts other operations in its place."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_table_names_what_runs(example: str) -> None:
    name = example.split()[0]
    with Recorder() as recorder:
        y = EXAMPLES[example](torch.rand(2, 3, 8, 8, requires_grad=True))
        if y.requires_grad:
            y.sum().backward()
    assert name in caught(recorder.seen, REFUSED, REPLACED)


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (nn.AdaptiveAvgPool2d(2), "torch.nn.AdaptiveAvgPool2d"),
        (nn.Upsample(scale_factor=2, mode="bilinear"), "torch.nn.functional.interpolate"),
        (nn.ReflectionPad2d(1), "torch.nn.ReflectionPad2d"),
    ],
)
def test_a_bad_layer_in_a_network_is_found(bad: nn.Module, name: str) -> None:
    model = build("bilinear-resnet")
    with Recorder() as recorder:
        model(images(2)).sum().backward()
    assert caught(recorder.seen, REFUSED, REPLACED) == set()
    model.upsampling[0] = nn.Sequential(bad, model.upsampling[0])
    with Recorder() as recorder:
        model(images(2)).sum().backward()
    assert caught(recorder.seen, REFUSED, REPLACED) == {name}


@pytest.mark.parametrize("case", CASES | ATTENDED)
def test_no_step_of_training_needs_what_is_refused_or_replaced(case: str) -> None:
    with Recorder() as recorder:
        trained(case, "cpu", steps=1)
    assert {"convolution", "convolution_backward"} <= recorder.seen
    assert caught(recorder.seen, REFUSED, REPLACED) == set()


@pytest.mark.parametrize("loss", LOSSES)
def test_no_loss_is_refused(loss: str) -> None:
    with Recorder() as recorder:
        trained("hrnet", "cpu", steps=1, loss=loss, joints=9)
    assert caught(recorder.seen, REFUSED) == set()


@pytest.mark.parametrize("heatmaps", [1, 3])
def test_no_loss_of_auxiliary_heatmaps_is_refused(heatmaps: int) -> None:
    with Recorder() as recorder:
        trained("mrn", "cpu", steps=1, weight=1.0, heatmaps=heatmaps, auxiliary=True)
    assert caught(recorder.seen, REFUSED) == set()


@pytest.fixture
def deterministic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make torch refuse what is not repeatable, as a job does."""
    before = torch.are_deterministic_algorithms_enabled()
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)


# the devices that are there, so that nothing is skipped where there is no GPU
@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize("case", TWICE)
@pytest.mark.usefixtures("deterministic")
def test_two_steps_of_training_give_the_same_bits_twice(case: str, device: str) -> None:
    first, second = (trained(case, device, steps=2).state_dict() for _ in range(2))
    begun = trained(case, device, steps=0).state_dict()
    assert sum(not torch.equal(tensor, begun[name]) for name, tensor in first.items()) > len(first) / 2
    for name, tensor in first.items():
        assert tensor.isfinite().all(), name
        assert torch.equal(tensor, second[name]), name
