"""Pictures in wide colour or high dynamic range to SDR: the formulas, and a table made of them.

``to_sdr`` is the whole way in float64: transfer function, tone mapping, primaries, the SDR
display's curve. What a stream's samples mean is known when it opens; it is then worked out once for
a grid of Y'CbCr values, in which every frame is looked up (``appliance.pixels.cpu.table``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, Colour
from appliance.media.rgb import matrix_of
from appliance.media.wide_colour import HLG_PEAK, REFERENCE_WHITE, WideColour

F64 = NDArray[np.float64]

_HLG_GAMMA = 1.2

_WHITE_D65 = (0.3127, 0.3290)
PRIMARIES: dict[str, tuple[tuple[float, float], ...]] = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "display-p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "adobe-rgb": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
}
"""CIE 1931 xy of red, green and blue: ITU-R BT.709-6, BT.2020-2, SMPTE EG 432-1, Adobe RGB (1998);
white is D65 in all of them."""

NODES = 65
"""Of the grid along each axis: steps of 16 of the 10-bit codes."""


def hlg_to_light(signal: F64) -> F64:
    """Display light in cd/m² of HLG R'G'B', (..., 3), 0..1.

    The inverse OETF and the OOTF of ITU-R BT.2100-2, table 5, for a display of 1000 cd/m².
    """
    scene = _hlg_scene(signal)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    gain: F64 = np.power(luminance, _HLG_GAMMA - 1)
    return np.asarray(HLG_PEAK * gain[..., None] * scene)


def _hlg_scene(signal: F64) -> F64:
    """Scene light of HLG values, 1 at a signal of 1."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    signal = np.maximum(signal, 0)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_to_light(signal: F64) -> F64:
    """Display light in cd/m² of PQ values 0..1: the EOTF of ITU-R BT.2100-2, table 4."""
    root = np.power(np.clip(signal, 0, 1), 1 / _M2)
    return np.asarray(10_000 * np.power(np.maximum(root - _C1, 0) / (_C2 - _C3 * root), 1 / _M1))


def light_to_pq(light: F64) -> F64:
    """PQ values 0..1 of display light in cd/m²: the inverse of ``pq_to_light``."""
    power = np.power(np.maximum(light, 0) / 10_000, _M1)
    return np.asarray(np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2))


def tone_mapped(light: F64, peak: float) -> F64:
    """Display light of up to ``peak`` cd/m², brought to 0..203 cd/m².

    The EETF of ITU-R BT.2408-7, annex 5 (ITU-R BT.2390 before): up to a knee nothing changes, what
    is brighter is bent by a Hermite spline on PQ's scale. Black is 0 on both sides.
    """
    if peak <= REFERENCE_WHITE:
        return np.minimum(light, REFERENCE_WHITE)
    top = float(light_to_pq(np.array(peak)))
    value = np.minimum(light_to_pq(light) / top, 1)
    most = float(light_to_pq(np.array(REFERENCE_WHITE))) / top
    knee = 1.5 * most - 0.5
    t = (value - knee) / (1 - knee)
    bent = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * most
    )
    return pq_to_light(np.where(value < knee, value, bent) * top)


def to_bt709(primaries: str) -> F64:
    """The (3, 3) matrix from linear RGB of these primaries to that of ITU-R BT.709.

    By way of CIE XYZ (SMPTE RP 177).
    """
    return np.asarray(np.linalg.inv(_to_xyz("bt709")) @ _to_xyz(primaries))


def _to_xyz(primaries: str) -> F64:
    def xyz(x: float, y: float) -> list[float]:
        return [x / y, 1.0, (1 - x - y) / y]

    columns = np.array([xyz(*point) for point in PRIMARIES[primaries]]).T
    return np.asarray(columns * np.linalg.solve(columns, np.array(xyz(*_WHITE_D65))))


def to_sdr(signal: F64, kind: WideColour) -> F64:
    """R'G'B' of a ``kind``, (..., 3), 0..1, as SDR R'G'B' in BT.709's primaries, 0..1.

    Tone mapping scales all three by what it does to the largest ("maxRGB", ITU-R BT.2408-7, annex
    5), so that hues stay. Colours outside BT.709 are clipped, the simplest way of ITU-R BT.2407.
    """
    if kind.transfer == "sdr":
        linear = np.power(np.maximum(signal, 0), 2.4)
    else:
        light = hlg_to_light(signal) if kind.transfer == "hlg" else pq_to_light(signal)
        largest = light.max(axis=-1, keepdims=True)
        gain = tone_mapped(largest, kind.peak) / np.maximum(largest, 1e-9)
        linear = light * gain / REFERENCE_WHITE
    linear = np.clip(linear @ to_bt709(kind.primaries).T, 0, 1)
    return np.asarray(np.power(linear, 1 / 2.4))


def sdr_table(kind: WideColour, colour: Colour) -> F32:
    """The Y'CbCr of ``colour`` for a grid of a 10-bit picture's Y'CbCr.

    The codes are those of ITU-R BT.2100-2, table 9. Returns float32 (3, 65, 65, 65): Y, Cb, Cr in
    0..255 at Cb = 16 i, Cr = 16 j, Y = 16 k.
    """
    kr, kb = kind.kr_kb
    codes = 16.0 * np.arange(NODES)
    luma, chroma = (codes - 64) / 876, (codes - 512) / 896
    if kind.full:
        luma, chroma = codes / 1023, (codes - 512) / 1023
    table = np.empty((3, NODES, NODES, NODES), np.float32)
    matrix, offset = matrix_of(colour)
    # One Cb at a time: in float64 the whole grid would take a hundred megabytes.
    for index, pb in enumerate(chroma):
        y, pr = np.broadcast_arrays(luma[None, :], chroma[:, None])
        r, b = y + 2 * (1 - kr) * pr, y + 2 * (1 - kb) * pb
        g = (y - kr * r - kb * b) / (1 - kr - kb)
        sdr = to_sdr(np.stack((r, g, b), axis=-1), kind)
        table[:, index] = np.moveaxis(255 * sdr @ matrix.T.astype(np.float64) + offset, -1, 0)
    return table
