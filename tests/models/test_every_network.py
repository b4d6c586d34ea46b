"""What every network promises, whatever it is: sizes, shapes, memory, tracing, gradients, widths, kinds of layers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from benchbox.attention import ATTENTION
from benchbox.config import JobConfig
from benchbox.models import MODELS
from benchbox.models.channels import scaled
from benchbox.models.initial import initialise
from benchbox.worker.network import network
from tests.models.networks import CASES, JOINTS, SAYS, SIDES, STACKED, build, images, outputs, settled

SIZES = [(32, 32), (64, 64), (64, 96), (192, 64), (64, 256), (256, 192), (384, 288)]
PLAIN = [case for case, (_, options) in CASES.items() if not callable(options.get("attention"))]
BROKEN = [(0, 64), (16, 16), (48, 64), (64, 80), (255, 192), (256, 190), (1, 1)]
# what a job says of the networks, by the registry's names
JOBS: dict[str, dict[str, Any]] = {
    "hrnet": {"name": "hrnet", "blocks": 1, "modules": [1, 1, 1]},
    "simple-baseline": {"name": "resnet"},
    "bilinear-resnet": {"name": "resnet", "head": "bilinear"},
    "hourglass": {"name": "hourglass", "stacks": 1},
    "acnn": {"name": "acnn", "stacks": 2},
    "mrn": {"name": "mrn"},
}


def meta(case: str, size: tuple[int, int] = (64, 64), **changes: Any) -> nn.Module:
    with torch.device("meta"):
        return build(case, size, **changes)


@cache
def small(name: str) -> nn.Module:
    return build(name)


def job(name: str, size: tuple[int, int]) -> JobConfig:
    return JobConfig.model_validate({"dataset": {"name": "synthetic", "input": size}, "model": JOBS[name]})


def fits(name: str, size: tuple[int, int]) -> bool:
    return size[0] % SIDES[name] == 0 == size[1] % SIDES[name] and min(size) > 0


def refusal(name: str, size: tuple[int, int]) -> str:
    return f"{SAYS.get(name, name)} needs sides divisible by {SIDES[name]}; got {size[0]}x{size[1]}"


def test_every_network_and_every_attention_has_a_case() -> None:
    assert {name for name, _ in CASES.values()} == set(MODELS) == set(JOBS) == set(SIDES)
    assert {f"bilinear-resnet {kind}" for kind in ATTENTION} <= set(CASES)


@pytest.mark.parametrize("case", PLAIN)
def test_it_runs_at_every_size_that_it_promises(case: str) -> None:
    name = CASES[case][0]
    tried = [size for size in SIZES if fits(name, size)]
    assert len(tried) >= 4
    for height, width in tried:
        model = build(case, (height, width)).requires_grad_(False)
        shape = (2, JOINTS, 2) if name == "mrn" else (2, JOINTS, height // 4, width // 4)
        for mode in (True, False) if (height, width) == tried[0] else (False,):
            found = model.train(mode)(torch.zeros(2, 3, height, width))
            several = name in STACKED and mode
            assert isinstance(found, tuple if several else Tensor)
            assert len(outputs(found)) == (CASES[case][1]["stacks"] if several else 1)
            assert all(part.shape == shape and part.dtype == torch.float32 for part in outputs(found))


@pytest.mark.parametrize("size", [*SIZES, *BROKEN])
@pytest.mark.parametrize("name", MODELS)
def test_other_sizes_are_refused_in_one_line_that_names_the_network_and_the_size(
    name: str, size: tuple[int, int]
) -> None:
    if fits(name, size):
        job(name, size)
        return
    with pytest.raises(ValueError, match=f"^{refusal(name, size)}$"):
        small(name)(torch.empty(2, 3, *size))
    with pytest.raises(ValidationError) as caught:
        job(name, size)
    (error,) = caught.value.errors() if min(size) >= 32 else (None,)
    assert error is None or error["msg"] == f"Value error, dataset.input: {refusal(name, size)}"


@pytest.mark.parametrize("name", MODELS)
def test_the_network_of_a_job_takes_the_jobs_input_on_the_meta_device(name: str) -> None:
    size = (256, 192)
    config = job(name, size)
    with torch.device("meta"):
        model = network(config).eval()
    found = model(torch.empty(1, 3, *size, device="meta"))
    assert found.shape == ((1, 17, 2) if name == "mrn" else (1, 17, 64, 48))
    assert found.is_meta
    assert config.model.predicts == ("coordinates" if name == "mrn" else "heatmaps")


@pytest.mark.parametrize("case", CASES)
def test_traced_channels_last_or_one_by_one_images_give_the_same(case: str) -> None:
    size = (64, 128)
    model, x = settled(case, size).double().eval(), images(2, size).double()
    traced = torch.fx.symbolic_trace(model)
    with torch.no_grad():
        expected = model(x)
        assert isinstance(expected, Tensor)
        assert expected.std() > 1e-6
        assert not torch.allclose(expected[0], expected[1])
        assert torch.equal(traced(x), expected)
        alone = torch.cat([model(image[None]) for image in x])
        last = model.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    for other in (alone, last):
        torch.testing.assert_close(other, expected, rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match=re.escape(refusal(CASES[case][0], (64, 80)))):
        traced(x[..., :80])


@pytest.mark.parametrize("case", CASES)
def test_gradients_reach_every_parameter(case: str) -> None:
    model = settled(case).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()  # or the biases of convolutions would rightly have no gradient
    sum(part.square().sum() for part in outputs(model(images(4)))).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("case", CASES)
def test_shrink_scales_every_channel_count(case: str) -> None:
    full, quarter = (meta(case, shrink=shrink) for shrink in (1.0, 0.25))
    # masks, mean and maximum, colours, joints; the spatial gate's own width, coordinates
    fixed = {1, 2, 3, JOINTS, 6, 2 * JOINTS}
    small = dict(quarter.named_parameters())
    assert list(small) == [name for name, _ in full.named_parameters()]
    for name, parameter in full.named_parameters():
        for dim, (a, b) in enumerate(zip(parameter.shape, small[name].shape, strict=True)):
            assert (b == a) if dim > 1 or a in fixed else (b == scaled(a, 0.25)), (name, a, b)


@pytest.mark.parametrize("case", CASES)
def test_only_convolutions_linear_layers_and_batch_norms_have_weights(case: str) -> None:
    model = build(case)
    initialise(model, 0)
    kinds = {type(m) for m in model.modules() if next(m.parameters(recurse=False), None) is not None}
    assert kinds <= {nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d}
    assert {type(m) for m in model.modules() if next(m.buffers(recurse=False), None) is not None} == {nn.BatchNorm2d}


@pytest.mark.parametrize("scheme", ["normal", "he"])
@pytest.mark.parametrize("case", PLAIN)
def test_training_starts_from_small_outputs(case: str, scheme: str) -> None:
    """Heatmaps and coordinates of people have mean squares of about 0.01 and 0.3; a loss must not start far above."""
    model = build(case).requires_grad_(False)
    initialise(model, 0, scheme=scheme)
    for part in outputs(model.train()(images(4))):
        assert 0 <= part.square().mean() < 0.01
