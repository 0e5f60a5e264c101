"""The decoder: upsample, add the encoder's skip, refine; the last step is a pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from export.network.blocks import ConvNormAct, SeparableConv


class UpStep(nn.Module):
    """Compress, upsample bilinearly by 2, add the compressed skip, refine."""

    def __init__(self, in_channels: int, skip_channels: int, width: int, out: int) -> None:
        super().__init__()
        self.compress = ConvNormAct(in_channels, width, 1)
        self.skip: nn.Module = (
            nn.Identity() if skip_channels == width else ConvNormAct(skip_channels, width, 1)
        )
        self.refine = SeparableConv(width, out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(n, in, h, w) and skip (n, skip, 2h, 2w) to (n, out, 2h, 2w)."""
        # Compressed before upsampling: a quarter of the work.
        up = functional.interpolate(
            self.compress(x), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        y: Tensor = self.refine(up + self.skip(skip))
        return y


class Decoder(nn.Module):
    """From 1/16 to full size over the skips at 1/8, 1/4 and 1/2."""

    def __init__(
        self, pyramid: int, skips: tuple[int, int, int], widths: tuple[int, int, int]
    ) -> None:
        """`pyramid` channels come in; `skips` at 1/2, 1/4, 1/8; `widths` at 1/8, 1/4, 1/2."""
        super().__init__()
        half, quarter, eighth = skips
        self.up8 = UpStep(pyramid, eighth, widths[0], widths[0])
        self.up4 = UpStep(widths[0], quarter, widths[1], widths[1])
        self.up2 = UpStep(widths[1], half, half, widths[2])
        self.head = nn.Conv2d(widths[2], 4, 3, padding=1)

    def forward(
        self,
        x: Tensor,
        half: Tensor,
        quarter: Tensor,
        eighth: Tensor,
        prior: Tensor | None = None,
    ) -> Tensor:
        """Features at 1/16 and the skips to logits of alpha (n, 1, h, w) at full size.

        `prior`: logits (n, 1, h / 2, w / 2) to begin from.
        """
        y = self.up8(x, eighth)
        y = self.up4(y, quarter)
        y = self.up2(y, half)
        # Four logits a position at half size, shuffled to full size: sub-pixel detail without
        # a convolution there, which would cost as much as all of the encoder.
        logits = self.head(y) if prior is None else self.head(y) + prior
        return functional.pixel_shuffle(logits, 2)
