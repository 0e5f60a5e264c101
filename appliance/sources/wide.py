"""Streams in wide colour or high dynamic range (HLG, PQ, BT.2020, Display-P3), brought to SDR.

GStreamer's converter applies a stream's matrix, and neither its transfer function nor its
primaries: such a picture comes out pale. So these streams stay in their own colours, 10 bits, up to
the appsink, and are looked up in a table there.
"""

from __future__ import annotations

import time

import numpy as np
import structlog

from appliance.errors import SourceError
from appliance.media.frame import F32, Colour, Frame
from appliance.media.gst import Gst, GstVideo, first_structure, full_range
from appliance.media.wide_colour import HLG_PEAK, REFERENCE_WHITE, Transfer, WideColour
from appliance.sources.planes import planes_of

log = structlog.get_logger(__name__)

WIDE_FORMAT = "I420_10LE"
"""What these streams are delivered in, as GStreamer calls it."""

_Transfer, _Primaries, _Matrix = (
    GstVideo.VideoTransferFunction, GstVideo.VideoColorPrimaries, GstVideo.VideoColorMatrix,
)  # fmt: skip
_TRANSFERS: dict[object, Transfer] = {_Transfer.ARIB_STD_B67: "hlg", _Transfer.SMPTE2084: "pq"}
_PRIMARIES = {
    _Primaries.BT2020: "bt2020",
    _Primaries.SMPTEEG432: "display-p3",
    _Primaries.ADOBERGB: "adobe-rgb",
}
# Luma weights of red and blue: ITU-R BT.2020-2, BT.709-6, BT.601-7.
_BT2020_WEIGHTS, _BT709_WEIGHTS, _BT601_WEIGHTS = (0.2627, 0.0593), (0.2126, 0.0722), (0.299, 0.114)
_WEIGHTS = {_Matrix.BT709: _BT709_WEIGHTS, _Matrix.BT601: _BT601_WEIGHTS}


def wide_colour(caps: Gst.Caps) -> WideColour | None:
    """What the samples of raw video caps mean; None for SDR in the usual colours.

    ``peak`` comes from the stream's own brightest pixel or mastering display, if it tells.
    """
    info = GstVideo.VideoInfo.new_from_caps(caps)
    if info is None:
        return None
    colours = info.colorimetry
    transfer = _TRANSFERS.get(colours.transfer, "sdr")
    # HDR that leaves its primaries out has those of BT.2100.
    primaries = _PRIMARIES.get(colours.primaries, "bt2020" if transfer != "sdr" else None)
    if colours.primaries == _Primaries.BT709 or primaries is None:
        if transfer == "sdr":
            return None
        primaries = "bt709"
    weights = _WEIGHTS.get(colours.matrix, _BT2020_WEIGHTS)
    # RGB is converted to YUV on the way, which GStreamer then calls limited.
    rgb = info.finfo.flags & GstVideo.VideoFormatFlags.RGB
    full = not rgb and full_range(colours)
    peak = _peak(first_structure(caps)) if transfer == "pq" else HLG_PEAK
    return WideColour(transfer, primaries, weights, full, peak)


def _peak(structure: Gst.Structure) -> float:
    """The brightest pixel (MaxCLL), else the mastering display's peak, else 1000 cd/m²."""
    light = (structure.get_string("content-light-level") or "").split(":")
    display = (structure.get_string("mastering-display-info") or "").split(":")
    found = 0.0
    if light[0].isdigit():
        found = float(light[0])
    if not found and len(display) == 10 and display[8].isdigit():
        # In units of 0.0001 cd/m² (ITU-T H.265, D.3.28).
        found = int(display[8]) / 10_000
    return min(10_000.0, max(REFERENCE_WHITE, found)) if found else HLG_PEAK


class ToSdr:
    """Turns a stream's wide pictures into SDR frames; keeps the table of the kind that it has."""

    def __init__(self, name: str) -> None:
        """``name`` is the source's, for the log."""
        self._name = name
        self._caps: Gst.Caps | None = None
        self._made: tuple[WideColour, Colour] | None = None
        self._table: F32 | None = None

    def frame(
        self, sample: Gst.Sample, colour: Colour, *, pts: int, serial: int, discontinuity: bool
    ) -> Frame:
        """The sample as a frame of ``colour`` in memory of its own. Raises SourceError."""
        from appliance.pixels.cpu.table import look_up

        table = self._table_for(sample.get_caps(), colour)
        mapping, (y, cb, cr) = planes_of(sample, np.uint16)
        out_y = np.empty(y.shape, np.uint8)
        out_uv = np.empty((*cb.shape, 2), np.uint8)
        look_up(table, y, cb, cr, out_y, out_uv)
        mapping.unmap()
        return Frame(out_y, out_uv, colour, pts, time.monotonic_ns(), serial, discontinuity)

    def _table_for(self, caps: Gst.Caps, colour: Colour) -> F32:
        known = self._caps is not None and self._caps.is_equal(caps)
        if known and self._table is not None and self._made is not None and self._made[1] == colour:
            return self._table
        kind = wide_colour(caps)
        if kind is None:
            raise SourceError(f"{self._name}: its colours have changed ({caps.to_string()})")
        if self._table is None or self._made != (kind, colour):
            from appliance.pixels.cpu.wide_colour import sdr_table

            how = "tone-mapped" if kind.transfer != "sdr" else "converted"
            log.info(
                f"the picture is {how} to SDR",
                source=self._name, transfer=kind.transfer, primaries=kind.primaries,
                **({"peak_cd_m2": round(kind.peak)} if kind.transfer != "sdr" else {}),
            )  # fmt: skip
            self._table, self._made = sdr_table(kind, colour), (kind, colour)
        self._caps = caps
        return self._table
