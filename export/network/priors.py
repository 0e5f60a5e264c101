"""Published networks as branches inside ours: what they take for a person, as a prior.

Each branch is MediaPipe's trunk on our own picture and grid, so that its maps lie on ours. What it
takes for a person comes at 1/4 as a logit of alpha; the edges are ours to find. That logit goes to
our stem as one more channel and to our output, and the trunks' maps go to ours of the same size.
All that joins begins at zero, but for the output's factor: training begins from our network plus
a share of theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.network.selfie import SelfieTrunk

# Beyond alpha 0.01 and 0.99 a prior is no surer: ours must be able to overrule it.
_SUREST = 4.6
_FACTOR = 0.5


class PriorFeatures(NamedTuple):
    """What all branches add to ours, each at the size of the map that it joins."""

    half: Tensor  # to the stem, before its ReLU
    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor
    logits: Tensor  # to the output, at 1/2


def _joint(channels: int, out: int) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, out, 1, bias=False)
    nn.init.zeros_(convolution.weight)
    return convolution


class PriorBranch(nn.Module):
    """One published trunk, and what it takes for a person."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = SelfieTrunk()
        self.head = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of RGB (n, 3, h, w) in [0, 1]: logits at 1/4, and maps at 1/4, 1/8 and 1/16."""
        found = self.trunk(image)
        logits = self.head(found.quarter).clamp(-_SUREST, _SUREST)
        return logits, found.quarter, found.eighth, found.sixteenth


class Priors(nn.Module):
    """All branches of a network and how they join it."""

    def __init__(self, names: tuple[str, ...], channels: tuple[int, int, int, int]) -> None:
        """A branch a name; `channels` are ours at 1/2 .. 1/16."""
        super().__init__()
        self.branches = nn.ModuleDict({name: PriorBranch() for name in names})
        half, quarter, eighth, sixteenth = channels
        count = len(names)
        self.to_half = _joint(count, half)
        self.to_quarter = _joint(16 * count, quarter)
        self.to_eighth = _joint(24 * count, eighth)
        self.to_sixteenth = _joint(32 * count, sixteenth)
        self.factors = nn.Conv2d(count, 1, 1, bias=False)
        nn.init.constant_(self.factors.weight, _FACTOR / count)

    def forward(self, image: Tensor, keep: Tensor | None = None) -> PriorFeatures:
        """Of RGB (n, 3, h, w) in [-1, 1]; `keep` (n, branches): 0 leaves one out of a sample."""
        image = image * 0.5 + 0.5
        found = [branch(image) for branch in self.branches.values()]
        if keep is not None:
            found = [
                tuple(x * keep[:, index].reshape(-1, 1, 1, 1) for x in maps)
                for index, maps in enumerate(found)
            ]
        logits, quarter, eighth, sixteenth = (
            torch.cat(maps, 1) for maps in zip(*found, strict=True)
        )
        logits = functional.interpolate(
            logits, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return PriorFeatures(
            self.to_half(logits / _SUREST), self.to_quarter(quarter), self.to_eighth(eighth),
            self.to_sixteenth(sixteenth), self.factors(logits),
        )  # fmt: skip
