"""ACNN: a stacked hourglass in which every stack but the last masks what the next one gets to see.

With F(i) the feature that stack i makes its heatmaps H(i) of, and X(i) its input:

    M(i)   = sigmoid(f_c(F(i)))                                           Eq. 2
    X(i+1) = (X(i) + f_1x1(F(i)) + f'_1x1(H(i))) * M(i)                   Eq. 1
    P(i)   = H(i) + P(i-1) * (1 - M(i-1)),  P(1) = H(1)                   Eq. 4

so that a position that M(i-1) hides keeps the prediction it had. The network's output is the last P.

Source: acnn (3.2, 3.3, Figs. 3 and 4).
Differs: Eqs. 1 and 2 are missing from the text that is at hand; they are as its words and figures describe them. f_c
is one 1x1 convolution to one channel, without batch norm ("convolution layers to generate the binary masks").
Differs: the text calls the masks binary, and made by a sigmoid. Here they are the sigmoid's values; `mask="binary"`
makes them binary.
Differs: `mask_offset` is not in the text. It opens new masks (sigmoid(4) = 0.982), so that a network that was trained
without them is not changed at one stroke.
Differs: the last stack has no mask, for nothing would use it.
"""

from __future__ import annotations

import torch.fx
from torch import Tensor, nn

from benchbox.models.hourglass import Hourglass, Stack

KINDS = ("soft", "binary")
STATES = ("learned", "ones")


def check_input(height: int, width: int) -> None:
    """Raise ValueError unless both sides of an input, in pixels, are divisible by 64, as the hourglass needs."""
    if height % 64 or width % 64 or height < 64 or width < 64:
        raise ValueError(f"acnn needs sides divisible by 64; got {height}x{width}")


torch.fx.wrap("check_input")  # as in the hourglass


class Mask(nn.Module):
    """Make a mask of a feature: (B, C, H, W) -> (B, 1, H, W), in (0, 1), or 0 and 1 if binary."""

    def __init__(self, channels: int, *, binary: bool, offset: float) -> None:
        super().__init__()
        self.binary = binary
        self.offset = offset
        self.logit = nn.Conv2d(channels, 1, 1)

    def gates(self, feature: Tensor) -> dict[str, Tensor]:
        """Return the mask as weights of positions (B, 1, H, W)."""
        return {"positions": self.forward(feature)}

    def forward(self, feature: Tensor) -> Tensor:
        """Return the mask; a binary one has the gradient of the sigmoid that it cuts at 0.5."""
        soft = (self.logit(feature) + self.offset).sigmoid()
        if not self.binary:
            return soft
        hard = (soft > 0.5).to(soft.dtype)
        return hard + (soft - soft.detach())  # in this order: the bracket is exactly 0


class ACNN(Hourglass):
    """The network: an image (B, 3, H, W) to heatmaps (B, joints, H/4, W/4), H and W divisible by 64.

    `masks` may be set between two phases of training: "ones" is the plain hourglass, to the bit, and leaves the mask
    layers out of it; "learned" uses them.
    """

    def __init__(
        self,
        *,
        joints: int,
        stacks: int,
        shrink: float,
        mask: str,
        masks: str,
        mask_offset: float,
        masked_identity: bool,
        masked_heatmaps: bool,
    ) -> None:
        super().__init__(joints=joints, stacks=stacks, shrink=shrink, attention=None, attended=())
        self.masks = masks
        self.masked_identity = masked_identity
        self.masked_heatmaps = masked_heatmaps
        # after all else, under names of their own: the rest is named as in the hourglass
        self.mask_layers = nn.ModuleDict()
        for number, stack in self.stacks.items():
            assert isinstance(stack, Stack)
            if not stack.last:
                self.mask_layers[number] = Mask(stack.heatmap.in_channels, binary=mask == "binary", offset=mask_offset)

    def mask_parameters(self) -> dict[str, nn.Parameter]:
        """Name the parameters that task B, learning attention, trains; task A, the pose, trains all others.

        Source: acnn 3.3.
        """
        return {name: p for name, p in self.named_parameters() if name.startswith("mask_layers.")}

    def _onward(self, x: Tensor, gain: Tensor, mask: Tensor | None) -> Tensor:
        """Return the next stack's input (Eq. 1)."""
        if mask is None:
            return x + gain
        return (x + gain) * mask if self.masked_identity else x + gain * mask

    def _prediction(self, heatmap: Tensor, before: Tensor, mask: Tensor | None) -> Tensor:
        """Return P(i) of H(i), P(i-1) and M(i-1) (Eq. 4)."""
        if mask is None:
            return heatmap
        return (heatmap * mask if self.masked_heatmaps else heatmap) + before * (1 - mask)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the predictions of images (B, 3, H, W): in training all P(i), first to last, else the last."""
        check_input(x.shape[2], x.shape[3])
        x = self.stem(x)
        predictions: list[Tensor] = []
        mask = None
        for number, stack in self.stacks.items():
            assert isinstance(stack, Stack)
            feature, heatmap = stack(x)
            predictions.append(self._prediction(heatmap, predictions[-1], mask) if predictions else heatmap)
            if not stack.last:
                mask = self.mask_layers[number](feature) if self.masks == "learned" else None
                x = self._onward(x, stack.back(feature, heatmap), mask)
        return tuple(predictions) if self.training else predictions[-1]


def acnn(
    *,
    joints: int,
    stacks: int = 4,
    shrink: float = 1.0,
    mask: str = "soft",
    masks: str = "learned",
    mask_offset: float = 4.0,
    masked_identity: bool = True,
    masked_heatmaps: bool = False,
) -> ACNN:
    """Build an ACNN.

    Args:
        joints: number of heatmaps.
        stacks: hourglasses one after the other, with a mask between each two.
        shrink: every channel count is multiplied by it, rounded half up, and is at least 4.
        mask: "soft", or "binary": cut at 0.5, with the soft mask's gradient.
        masks: "learned", or "ones": every mask is 1 and P(i) = H(i), which is the plain hourglass.
        mask_offset: added to f_c before the sigmoid; with 0 a new mask is 0.5 everywhere.
        masked_identity: whether M(i) masks X(i) too, and not only what stack i adds to it.
        masked_heatmaps: whether Eq. 4 has H(i) * M(i-1) for H(i): "the heatmap is only on the selected regions by the
            previous attention mask" (3.2), which the equation does not say.

    Raises:
        ValueError: for an unknown `mask` or `masks`, fewer than 2 stacks, or a size below 1.
    """
    if joints < 1 or stacks < 2 or shrink <= 0:
        raise ValueError(
            "acnn needs joints of at least 1, stacks of at least 2 and shrink above 0; "
            f"got {joints}, {stacks}, {shrink}"
        )
    if mask not in KINDS:
        raise ValueError(f'acnn has no mask "{mask}"; known: {", ".join(KINDS)}')
    if masks not in STATES:
        raise ValueError(f'acnn has no masks "{masks}"; known: {", ".join(STATES)}')
    return ACNN(
        joints=joints,
        stacks=stacks,
        shrink=shrink,
        mask=mask,
        masks=masks,
        mask_offset=mask_offset,
        masked_identity=masked_identity,
        masked_heatmaps=masked_heatmaps,
    )
