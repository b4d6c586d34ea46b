"""HRNet: four stages, one more branch at half the resolution in each, all branches exchanged after every module.

Source: Sun, Xiao, Liu and Wang, "Deep High-Resolution Representation Learning for Human Pose Estimation", CVPR 2019
(3, Fig. 1); attention after the transitions from efficient-hrnet (III, Table I).
At the defaults the parameters have the names, order and shapes of the authors' released weights.

Differs: `shrink`, `blocks` and `modules` make smaller networks than the papers'; the defaults are the papers'.
Differs: efficient-hrnet does not say where its modules sit. Nine places, one for every branch that leaves one of the
three transitions, is the only reading under which "3 blocks of AM in sub-network 1, 1 block for sub-network 2, and
total of 4 blocks" is the union of its Table I rows "sub-network 1" and "stage 1".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, fx, nn

from benchbox.models.channels import scaled
from benchbox.models.residual import EXPANSION, Basic, Bottleneck, conv, unit

STEM = 64
PLANES = 64
PLACES = tuple((stage, branch) for stage in (1, 2, 3) for branch in range(1, stage + 2))


def check_input(height: int, width: int) -> None:
    """Raise ValueError unless both sides of an input, in pixels, are divisible by 32."""
    if height % 32 or width % 32 or height < 32 or width < 32:
        raise ValueError(f"hrnet needs sides divisible by 32; got {height}x{width}")


fx.wrap("check_input")


def check_places(places: Sequence[tuple[int, int]]) -> None:
    """Raise ValueError for a (stage, sub-network) pair, one-based, that is not one of the nine."""
    for place in places:
        if tuple(place) not in PLACES:
            known = " ".join(f"({stage},{branch})" for stage, branch in PLACES)
            raise ValueError(f"hrnet has no place {tuple(place)} (stage, sub-network); the nine are {known}")


def _fuse_path(widths: Sequence[int], target: int, source: int) -> nn.Module:
    """Return the layers that bring branch `source` to the channels, and down to the resolution, of `target`."""
    if source == target:
        return nn.Identity()
    if source > target:
        return unit(widths[source], widths[target], 1, relu=False)
    steps = target - source
    keep = [unit(widths[source], widths[source], 3, 2, relu=True) for _ in range(steps - 1)]
    return nn.Sequential(*keep, unit(widths[source], widths[target], 3, 2, relu=False))


class HRModule(nn.Module):
    """Residual blocks on every branch, then the sum of all branches at each of the first `outputs` resolutions."""

    def __init__(self, widths: Sequence[int], *, blocks: int, outputs: int) -> None:
        super().__init__()
        count = len(widths)
        self.branches = nn.ModuleList(nn.Sequential(*(Basic(width) for _ in range(blocks))) for width in widths)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_fuse_path(widths, target, source) for source in range(count)) for target in range(outputs)
        )

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        """Return the fused maps: branch b is (B, C_b, H / 2^b, W / 2^b) in and out."""
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        fused = []
        for target, paths in enumerate(self.fuse_layers):
            assert isinstance(paths, nn.ModuleList)
            y = paths[0](xs[0])
            for source in range(1, len(xs)):
                x = paths[source](xs[source])
                if source > target:
                    # "nearest" gathers in its backward pass on CUDA, so it is deterministic there; "bilinear" is not
                    x = F.interpolate(x, size=y.shape[2:], mode="nearest")
                y = y + x
            fused.append(y.relu_())
        return fused


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Return a layer for every branch of `after`; the last one halves the resolution of the last branch of `before`."""
    layers = nn.ModuleList()
    for old, new in zip(before, after, strict=False):
        layers.append(nn.Identity() if old == new else unit(old, new, 3, relu=True))
    # nested once more, as the released weights are named
    layers.append(nn.Sequential(unit(before[-1], after[-1], 3, 2, relu=True)))
    return layers


class HRNet(nn.Module):
    """The network: an image (B, 3, H, W) to heatmaps (B, joints, H/4, W/4), H and W divisible by 32."""

    def __init__(
        self,
        *,
        joints: int,
        width: int,
        shrink: float,
        blocks: int,
        modules: tuple[int, int, int],
        attention: Callable[[int], nn.Module] | None,
        places: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__()
        stem, planes = scaled(STEM, shrink), scaled(PLANES, shrink)
        widths = [scaled(width << branch, shrink) for branch in range(4)]
        self.conv1 = conv(3, stem, 3, 2)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = conv(stem, stem, 3, 2)
        self.bn2 = nn.BatchNorm2d(stem)
        expanded = EXPANSION * planes
        self.layer1 = nn.Sequential(*(Bottleneck(expanded if i else stem, planes) for i in range(blocks)))

        def stage(branches: int, *, last: bool = False) -> nn.Sequential:
            count = modules[branches - 2]
            outputs = [branches] * (count - 1) + [1 if last else branches]
            return nn.Sequential(*(HRModule(widths[:branches], blocks=blocks, outputs=n) for n in outputs))

        self.transition1 = _transition([expanded], widths[:2])
        self.stage2 = stage(2)
        self.transition2 = _transition(widths[:2], widths[:3])
        self.stage3 = stage(3)
        self.transition3 = _transition(widths[:3], widths[:4])
        self.stage4 = stage(4, last=True)
        self.final_layer = nn.Conv2d(widths[0], joints, 1)

        # after all else, so that the released weights keep their order: attention.<stage>.<sub-network>
        self.attention = nn.ModuleDict({str(number): nn.ModuleDict() for number in (1, 2, 3)})
        if attention is not None:
            for number, branch in sorted(set(places)):
                self._at(number)[str(branch)] = attention(widths[branch - 1])

    def _at(self, stage: int) -> nn.ModuleDict:
        """Return the attention modules after a transition, by sub-network."""
        modules = self.attention[str(stage)]
        assert isinstance(modules, nn.ModuleDict)
        return modules

    def _cross(self, stage: int, transition: nn.ModuleList, xs: list[Tensor]) -> list[Tensor]:
        """Return the inputs of the next stage: a transition's outputs, with attention where this network has it."""
        outputs = [layer(xs[min(branch, len(xs) - 1)]) for branch, layer in enumerate(transition)]
        attend = self._at(stage)
        return [attend[str(b)](x) if str(b) in attend else x for b, x in enumerate(outputs, start=1)]

    def forward(self, x: Tensor) -> Tensor:
        """Return the heatmaps (B, joints, H/4, W/4) of images (B, 3, H, W)."""
        check_input(x.shape[2], x.shape[3])
        x = self.bn1(self.conv1(x)).relu_()
        x = self.bn2(self.conv2(x)).relu_()
        x = self.layer1(x)
        xs = self.stage2(self._cross(1, self.transition1, [x]))
        xs = self.stage3(self._cross(2, self.transition2, xs))
        xs = self.stage4(self._cross(3, self.transition3, xs))
        return self.final_layer(xs[0])


def hrnet(
    *,
    joints: int,
    width: int = 32,
    shrink: float = 1.0,
    blocks: int = 4,
    modules: tuple[int, int, int] = (1, 4, 3),
    attention: Callable[[int], nn.Module] | None = None,
    places: Sequence[tuple[int, int]] = (),
) -> HRNet:
    """Build an HRNet.

    Args:
        joints: number of heatmaps.
        width: channels of the first branch (32 for HRNet-W32); each further branch has twice as many.
        shrink: every channel count is multiplied by it, rounded half up, and is at least 4.
        blocks: residual blocks in the first layer and in every branch of every module.
        modules: modules of stages 2, 3 and 4.
        attention: makes a module that keeps a map's shape from the map's channel count.
        places: where to put one, as (stage, sub-network), one-based: after transition `stage`, on branch `sub-network`.

    Raises:
        ValueError: for a place that does not exist, places without attention, or a size below 1.
    """
    if min(joints, width, blocks, *modules) < 1 or shrink <= 0:
        raise ValueError(
            "hrnet needs joints, width, blocks and modules of at least 1 and shrink above 0; "
            f"got {joints}, {width}, {blocks}, {modules}, {shrink}"
        )
    check_places(places)
    if places and attention is None:
        raise ValueError("hrnet got places for attention but no attention module")
    return HRNet(
        joints=joints,
        width=width,
        shrink=shrink,
        blocks=blocks,
        modules=modules,
        attention=attention,
        places=places,
    )
