"""MRN: hourglasses of plain convolutions, each ending in one heatmap, and a Refinement Net from there to coordinates.

Source: Selvam and Mishra, "Multi-scale Attention Aided Multi-Resolution Network for Human Pose Estimation" (paper
mrn-attention): network 3.1, Fig. 1; Refinement Net 3.2, Figs. 2, 3; masks 3.3; layers 3.4.
Not in the text, and therefore ours: the number of stacks, the convolutions at a resolution (one before pooling, one on
the skip, one after up-sampling), the front's channel counts, the Refinement Net's layers, the slope of LeakyReLU (0.3
is Keras's, whose words Algorithm 1 uses), the 1x1 convolution that widens a heatmap for the next stack, and that
coordinates are fractions of the crop.

Differs: 3.3 calls the pooled half of a module once "bottom" and once "top"; X_b is here the map that goes down, as in
Fig. 8's "Bottom half of MRN does human localization".
Differs: with `masks="ones"` the modules are left out, and the values are those of the network without attention. By the
letter a mask of ones in Eqs. 4 and 6 would double a map; the paper's task A is to train the network without attention.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchbox.attention.masks import GlobalMask, HeatmapMask, ResolutionMask
from benchbox.models.channels import scaled

FRONT = 64
CHANNELS = 256
REFINEMENT = (32, 64, 128)
LEVELS = 4  # poolings of a module: 64, 32, 16 and 8 cells a side, then 4
ATTENTION = ("none", "global", "heatmap", "multi-resolution")
MERGES = ("heatmap", "features")
MASKS = ("learned", "ones")


def check_input(height: int, width: int, size: tuple[int, int] | None = None) -> None:
    """Raise ValueError unless both sides of an input, in pixels, are divisible by 64 and, if given, those of `size`."""
    if height % 64 or width % 64 or height < 64 or width < 64:
        raise ValueError(f"mrn needs sides divisible by 64; got {height}x{width}")
    if size is not None and (height, width) != size:
        raise ValueError(f"mrn was built for {size[0]}x{size[1]}; got {height}x{width}")


torch.fx.wrap("check_input")


class Unit(nn.Module):
    """Convolution, batch norm, LeakyReLU: (B, C, H, W) -> (B, C', H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, *, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated map."""
        return F.leaky_relu(self.bn(self.conv(x)), self.slope, inplace=True)


class Front(nn.Module):
    """The Front Module: an image (B, 3, H, W) to a map (B, C, H/4, W/4).

    Its residual module is a bottleneck of half the channels; 1x1 convolutions have no batch norm, as anywhere here.
    """

    def __init__(self, stem: int, channels: int, *, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.stem = Unit(3, stem, 7, 2, slope=slope)
        half = max(1, channels // 2)
        self.narrow = nn.Conv2d(stem, half, 1)
        self.middle = Unit(half, half, slope=slope)
        self.widen = nn.Conv2d(half, channels, 1)
        self.skip = nn.Conv2d(stem, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map."""
        x = self.stem(x)
        y = self.middle(F.leaky_relu(self.narrow(x), self.slope))
        y = F.leaky_relu(self.widen(y) + self.skip(x), self.slope)
        return F.max_pool2d(y, 2)


class MultiResolution(nn.Module):
    """One MRN: a map (B, C, h, w) to features of its shape and to heatmaps (B, M, h, w) in (0, 1).

    With 256 channels it has 12 convolutions 3x3 with batch norm of 590,592 parameters each and two 1x1 of 65,792:
    7.22 M, where a module of the stacked hourglass has 2.79 M; the paper's "lesser number of parameters" (5) does not
    hold for a module.
    """

    def __init__(self, channels: int, *, heatmaps: int, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.before = nn.ModuleList(Unit(channels, channels, slope=slope) for _ in range(LEVELS))
        self.skip = nn.ModuleList(Unit(channels, channels, slope=slope) for _ in range(LEVELS))
        self.after = nn.ModuleList(Unit(channels, channels, slope=slope) for _ in range(LEVELS))
        self.lowest = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(2))
        self.final_layer = nn.Conv2d(channels, heatmaps, 1)

    def forward(self, x: Tensor, masks: Sequence[nn.Module]) -> tuple[Tensor, Tensor]:
        """Return features and heatmaps, given the masks of the five resolutions, the highest first, or none."""
        bottoms = []
        for before in self.before:
            bottoms.append(before(x))
            x = F.max_pool2d(bottoms[-1], 2)
        top = x
        for conv in self.lowest:
            top = F.leaky_relu(conv(top), self.slope)
        if masks:
            top = masks[LEVELS](top, x)
        for level in reversed(range(LEVELS)):
            top = self.after[level](F.interpolate(top, scale_factor=2.0, mode="nearest"))
            if masks:
                top = masks[level](top, bottoms[level])
            top = top + self.skip[level](bottoms[level])
        return top, self.final_layer(top).sigmoid()


class Merge(nn.Module):
    """What the next stack begins with: heatmaps (B, M, h, w), and if asked features and input, as (B, C, h, w)."""

    def __init__(self, heatmaps: int, channels: int, *, features: bool) -> None:
        super().__init__()
        self.back = nn.Conv2d(heatmaps, channels, 1)
        self.features = nn.Conv2d(channels, channels, 1) if features else None

    def forward(self, x: Tensor, features: Tensor, heatmaps: Tensor) -> Tensor:
        """Return the next input, given the stack's input, its features and its (masked) heatmaps."""
        y = self.back(heatmaps)
        return y if self.features is None else x + self.features(features) + y


class Refinement(nn.Module):
    """The Refinement Net: heatmaps (B, M, h, w) to coordinates (B, K, 2)."""

    def __init__(self, heatmaps: int, widths: Sequence[int], *, cells: int, joints: int, slope: float) -> None:
        super().__init__()
        before = [heatmaps, *widths[:-1]]
        self.layers = nn.ModuleList(Unit(a, b, stride=2, slope=slope) for a, b in zip(before, widths, strict=True))
        self.final_layer = nn.Linear(widths[-1] * cells, 2 * joints)

    def forward(self, x: Tensor) -> Tensor:
        """Return x, y of every joint, in the order of the joints."""
        for layer in self.layers:
            x = layer(x)
        return self.final_layer(x.flatten(1)).unflatten(1, (-1, 2))


class MRN(nn.Module):
    """The network: an image (B, 3, H, W) to coordinates (B, joints, 2), H and W divisible by 64 and as built for.

    A coordinate is a fraction of the crop: x * W and y * H are its zero-based pixels, 0 the centre of the first one.
    In training mode with `auxiliary` it returns these and the stacks' heatmaps before any mask, (B, S, M, H/4, W/4).
    `masks` may be set between steps: "learned", or "ones" for the network without attention.
    """

    def __init__(
        self,
        *,
        joints: int,
        input: tuple[int, int],
        stacks: int,
        heatmaps: int,
        merge: str,
        attention: str,
        masks: str,
        auxiliary: bool,
        slope: float,
        mask_width: int,
        shrink: float,
    ) -> None:
        super().__init__()
        self.input, self.masks, self.auxiliary = input, masks, auxiliary
        channels = scaled(CHANNELS, shrink)
        self.front = Front(scaled(FRONT, shrink), channels, slope=slope)
        self.stacks = nn.ModuleList(MultiResolution(channels, heatmaps=heatmaps, slope=slope) for _ in range(stacks))
        self.merges = nn.ModuleList(Merge(heatmaps, channels, features=merge == "features") for _ in range(stacks - 1))
        widths = [scaled(width, shrink) for width in REFINEMENT]
        cells = (input[0] // 32) * (input[1] // 32)
        self.refinement = Refinement(heatmaps, widths, cells=cells, joints=joints, slope=slope)

        # after all else, so that what the four schemes share keeps its order; by stack, then by resolution
        self.attention = nn.ModuleDict()
        if attention == "global":
            self.attention["image"] = GlobalMask(width=scaled(mask_width, shrink), slope=slope)
        elif attention == "heatmap":
            self.attention["heatmap"] = nn.ModuleList(HeatmapMask(heatmaps) for _ in range(stacks))
        elif attention == "multi-resolution":
            self.attention["resolution"] = nn.ModuleList(
                nn.ModuleList(ResolutionMask(channels) for _ in range(LEVELS + 1)) for _ in range(stacks)
            )

    def mask_parameters(self) -> dict[str, nn.Parameter]:
        """Return the parameters of task B, learning attention; all others are task A's (3.4, Algorithm 1)."""
        return {name: value for name, value in self.named_parameters() if name.startswith("attention.")}

    def _attend(self, name: str) -> nn.ModuleList | None:
        """Return a scheme's masks by stack where they are learned, else None."""
        masks = self.attention[name] if self.masks == "learned" and name in self.attention else None
        assert masks is None or isinstance(masks, nn.ModuleList)
        return masks

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return the coordinates; in training mode with `auxiliary` the heatmaps too."""
        check_input(x.shape[2], x.shape[3], self.input)
        if self.masks == "learned" and "image" in self.attention:
            x = self.attention["image"](x)
        at_resolutions, at_heatmaps = self._attend("resolution"), self._attend("heatmap")
        x = self.front(x)
        predicted = []
        for place, stack in enumerate(self.stacks):
            features, y = stack(x, at_resolutions[place] if at_resolutions is not None else ())
            predicted.append(y)
            if at_heatmaps is not None:
                y = at_heatmaps[place](y)
            if place < len(self.merges):
                x = self.merges[place](x, features, y)
        coordinates = self.refinement(y)
        if self.training and self.auxiliary:
            return coordinates, torch.stack(predicted, dim=1)
        return coordinates


def mrn(
    *,
    joints: int,
    input: tuple[int, int] = (256, 256),
    stacks: int = 2,
    heatmaps: int = 1,
    merge: str = "heatmap",
    attention: str = "none",
    masks: str = "learned",
    auxiliary: bool = False,
    slope: float = 0.3,
    mask_width: int = 32,
    shrink: float = 1.0,
) -> MRN:
    """Build an MRN with its Refinement Net.

    Args:
        joints: K of the coordinates.
        input: (height, width) of the crops in pixels, divisible by 64; the fully connected layer depends on it.
        stacks: MRNs one after the other.
        heatmaps: maps M that each of them ends in: 1 as in the paper, or the number of joints for comparison.
        merge: what the next stack gets: "heatmap" alone as in the paper, or "features": input + features + heatmap.
        attention: "none", "global" (Eqs. 1, 2), "heatmap" (Eqs. 3, 4; after every stack) or "multi-resolution"
            (Eqs. 5-7; at five resolutions of every stack).
        masks: "learned", or "ones" for the values of the network without attention (task A).
        auxiliary: whether training mode returns the heatmaps too; needs `heatmaps` to be 1 or `joints`.
        slope: of LeakyReLU for negative values, from 0 to 1.
        mask_width: channels of the global mask's hourglass.
        shrink: every channel count is multiplied by it, rounded half up, and is at least 4.

    Raises:
        ValueError: for an unknown name, an impossible size, or auxiliary heatmaps without a target.
    """
    if min(joints, stacks, heatmaps, mask_width) < 1 or shrink <= 0:
        raise ValueError(
            "mrn needs joints, stacks, heatmaps and mask_width of at least 1 and shrink above 0; "
            f"got {joints}, {stacks}, {heatmaps}, {mask_width}, {shrink}"
        )
    if not 0 <= slope <= 1:
        raise ValueError(f"mrn needs a slope from 0 to 1; got {slope}")
    check_input(*input)
    for name, value, known in (("merge", merge, MERGES), ("attention", attention, ATTENTION), ("masks", masks, MASKS)):
        if value not in known:
            raise ValueError(f'mrn has no {name} "{value}"; known: {", ".join(known)}')
    if auxiliary and heatmaps not in (1, joints):
        raise ValueError(f"mrn has targets for 1 or {joints} auxiliary heatmaps; got {heatmaps}")
    return MRN(
        joints=joints,
        input=(input[0], input[1]),
        stacks=stacks,
        heatmaps=heatmaps,
        merge=merge,
        attention=attention,
        masks=masks,
        auxiliary=auxiliary,
        slope=slope,
        mask_width=mask_width,
        shrink=shrink,
    )
