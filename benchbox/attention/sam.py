"""Spatial attention: one gate a position, from the mean over the channels.

Source: efficient-hrnet III-A, Fig. 2 (SAM); efficient-sam 3.1 and Table 1, whose three ways to convolve are `KERNELS`.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

KERNELS = {"7x7": (7,), "3x3+3x3": (3, 3), "3x3//3x3": (3, 3)}
"""Kernels of the convolutions: one after another (+), or side by side on the same map (//)."""
LAST = 1 + max(map(len, KERNELS.values()))
"""Place of the unit behind the convolutions, the one before them being 0."""


class Parallel(nn.ModuleList):
    """The sum of several layers' outputs on one map (the text of efficient-sam does not say how they are merged)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum: (B, C, H, W) -> (B, C, H, W)."""
        total = self[0](x)
        for layer in list(self)[1:]:
            total = total + layer(x)
        return total


def _unit(in_channels: int, out_channels: int, kernel: int, *, bias: bool, norm: bool) -> list[nn.Module]:
    """Return a convolution that keeps H x W and, if asked, its batch norm, which stands for its bias."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=bias and not norm)
    return [conv, nn.BatchNorm2d(out_channels)] if norm else [conv]


def _convolutions(channels: int, kernel: str, *, bias: bool, norm: bool) -> list[list[nn.Module]]:
    """Return the layers n -> n of one of `KERNELS`, unit by unit."""
    units = [_unit(channels, channels, size, bias=bias, norm=norm) for size in KERNELS[kernel]]
    if "//" not in kernel:
        return units
    return [[Parallel(nn.Sequential(*unit) if norm else unit[0] for unit in units)]]


def _numbered(units: dict[int, list[nn.Module]], size: int) -> nn.Sequential:
    """Chain units of up to `size` layers, named by the places of their units: gaps between these remain."""
    layers = [(str(place * size + i), layer) for place, unit in units.items() for i, layer in enumerate(unit)]
    return nn.Sequential(OrderedDict(layers))


class SpatialAttention(nn.Module):
    """Weigh the positions of a map and add the map: x + x * sigmoid(convolutions of mean_c(x)).

    Differs: the papers describe this gate as the second half of AM; alone it gets AM's residual add, so that the arms
    of a comparison differ in the gate only.
    Differs: `sam_width` n above 0 is from no paper's text; both kinds were found from the printed parameter counts.
    Gate "positions" maps the channels to n, convolves there and maps n to one weight a position, all with biases: with
    64 and a 3x3 final convolution it reproduces all rows of efficient-sam's Table 2 and those of Table 1 but one. Gate
    "channels" has batch norm after every convolution and weighs every channel: with 216 it comes within 0.1 M of every
    W32 row of efficient-hrnet's Table I.
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        sam_kernel: str = "3x3+3x3",
        sam_width: int = 0,
        sam_gate: str = "positions",
        bias: bool = True,
    ) -> None:
        """Make the gate.

        Args:
            channels: C of the map.
            reduction: not used here; every attention module takes the same keywords.
            sam_kernel: one of `KERNELS`.
            sam_width: 0 for the papers' gate on the channel mean; n for 1x1 C->n, the convolutions at n, and 1x1 back.
            sam_gate: with n: "positions" ends in 1x1 n->1, "channels" in 1x1 n->C.
            bias: whether convolutions have biases (the papers do not say); those before batch norm have none.
        """
        super().__init__()
        self.wide = sam_width > 0
        norm = self.wide and sam_gate == "channels"
        inner = _convolutions(max(1, sam_width), sam_kernel, bias=bias, norm=norm)
        if not self.wide:
            self.layers = _numbered(dict(enumerate(inner)), 1)
            return
        first = _unit(channels, sam_width, 1, bias=bias, norm=norm)
        last = _unit(sam_width, channels if norm else 1, 1, bias=bias, norm=norm)
        # the last unit has one name with all kernels, so that it starts from the same weights
        self.layers = _numbered({0: first, **dict(enumerate(inner, start=1)), LAST: last}, len(first))

    def gate(self, x: Tensor) -> Tensor:
        """Return the weights, in (0, 1), of a map (B, C, H, W): (B, 1, H, W), or (B, C, H, W) for every channel."""
        return self.layers(x if self.wide else x.mean(dim=1, keepdim=True)).sigmoid()

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return the weights of positions (B, 1 or C, H, W) of a map (B, C, H, W)."""
        return {"positions": self.gate(x)}

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed map plus the map: (B, C, H, W) -> (B, C, H, W)."""
        return x + x * self.gate(x)
