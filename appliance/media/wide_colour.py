"""What the samples of a picture in wide colour or high dynamic range mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Transfer = Literal["hlg", "pq", "sdr"]

REFERENCE_WHITE = 203.0
"""Diffuse white in an HDR picture, cd/m² (ITU-R BT.2408-7, table 1); SDR's peak is set to it."""
HLG_PEAK = 1000.0
"""The display that an HLG picture is made for here, cd/m² (ITU-R BT.2100-2, table 5)."""


@dataclass(frozen=True, slots=True)
class WideColour:
    """What the samples of a 10-bit Y'CbCr picture mean.

    Attributes:
        transfer: hlg or pq of ITU-R BT.2100-2, or sdr, shown by ITU-R BT.1886 with gamma 2.4.
        primaries: a key of ``PRIMARIES`` in ``appliance.pixels.cpu.wide_colour``.
        kr_kb: luma weights of red and blue.
        full: luma and chroma use all codes, instead of 64..940 and 64..960.
        peak: the brightest the picture is made for, cd/m², 203..10000; only PQ leaves that open.
    """

    transfer: Transfer
    primaries: str = "bt2020"
    kr_kb: tuple[float, float] = (0.2627, 0.0593)
    full: bool = False
    peak: float = field(default=HLG_PEAK)
