"""The encoder: a strided stem and inverted residuals down to a sixteenth of the input."""

from __future__ import annotations

from torch import Tensor, nn

from export.network.blocks import ConvNormAct, InvertedResidual
from export.network.priors import PriorFeatures


class FeatureEncoder(nn.Module):
    """Features at 1/2, 1/4, 1/8 and 1/16.

    The last stage keeps 1/16 and widens its view by dilation instead of more stride (the
    'atrous' of DeepLab): at 288x160 a further stride would leave 9x5 positions.
    """

    def __init__(
        self,
        channels: tuple[int, int, int, int],
        depths: tuple[int, int, int],
        expands: tuple[float, float, float, float],
        dilations: tuple[int, ...],
    ) -> None:
        """`channels` at 1/2 .. 1/16; `depths` residual blocks after each strided one."""
        super().__init__()
        c2, c4, c8, c16 = channels
        self.stem = ConvNormAct(3, c2, 3, stride=2)
        self.quarter = nn.Sequential(
            InvertedResidual(c2, c4, expands[0], stride=2),
            *(InvertedResidual(c4, c4, expands[1]) for _ in range(depths[0])),
        )
        self.eighth = nn.Sequential(
            InvertedResidual(c4, c8, expands[1], kernel=5, stride=2),
            *(InvertedResidual(c8, c8, expands[2]) for _ in range(depths[1])),
        )
        self.sixteenth = nn.Sequential(
            InvertedResidual(c8, c16, expands[2], stride=2),
            *(
                InvertedResidual(c16, c16, expands[3], dilation=dilations[i % len(dilations)])
                for i in range(depths[2])
            ),
        )

    def forward(
        self, x: Tensor, prior: PriorFeatures | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Image (n, 3, h, w) to features at 1/2, 1/4, 1/8, 1/16; h, w multiples of 16.

        What a prior found is added at each size, before the next one is computed from it.
        """
        if prior is None:
            half = self.stem(x)
            quarter = self.quarter(half)
            eighth = self.eighth(quarter)
            return half, quarter, eighth, self.sixteenth(eighth)
        convolution, norm, act = self.stem
        # After the stem's norm, so that norm and convolution still fold into one.
        half = act(norm(convolution(x)) + prior.half)
        quarter = self.quarter(half) + prior.quarter
        eighth = self.eighth(quarter) + prior.eighth
        return half, quarter, eighth, self.sixteenth(eighth) + prior.sixteenth
