"""The formulas of HDR against the values that the recommendations give, and the table in them."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Matrix, Range
from appliance.media.rgb import matrix_of
from appliance.media.wide_colour import WideColour
from appliance.pixels.cpu.table import look_up
from appliance.pixels.cpu.wide_colour import (
    hlg_to_light,
    light_to_pq,
    pq_to_light,
    sdr_table,
    to_bt709,
    to_sdr,
    tone_mapped,
)


@pytest.mark.parametrize(("light", "signal"), [(0, 0), (100, 0.508), (203, 0.581), (1000, 0.752)])
def test_pq(light: float, signal: float) -> None:
    # ITU-R BT.2408-7, table 1, and ITU-R BT.2390-11.
    assert light_to_pq(np.array(light)) == pytest.approx(signal, abs=0.001)
    assert pq_to_light(np.array(signal)) == pytest.approx(light, rel=0.01, abs=0.01)
    assert pq_to_light(np.array(1.0)) == pytest.approx(10_000)


@pytest.mark.parametrize(("signal", "light"), [(0.0, 0), (0.38, 26), (0.75, 203), (1.0, 1000)])
def test_hlg(signal: float, light: float) -> None:
    # ITU-R BT.2408-7, table 1: 18 % grey card 26 cd/m², diffuse white 203 cd/m².
    assert hlg_to_light(np.full(3, signal)) == pytest.approx([light] * 3, rel=0.015)


def test_the_knee() -> None:
    light = np.array([0.0, 1, 26, 80, 203, 500, 1000, 4000])
    mapped = tone_mapped(light, 1000)
    # ITU-R BT.2408-7, annex 5: nothing changes below, the peak becomes the peak, all else between.
    assert mapped[:4] == pytest.approx(light[:4], rel=1e-6)
    assert mapped[6:] == pytest.approx([203, 203], rel=1e-6)
    assert np.all(np.diff(mapped[:7]) > 0)
    assert 0.75 < mapped[4] / 203 < 0.85
    assert tone_mapped(light, 203) == pytest.approx(np.minimum(light, 203))


def test_primaries() -> None:
    # ITU-R BT.2407-0.
    assert to_bt709("bt2020") == pytest.approx(
        np.array(
            [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
        ),
        abs=2e-4,
    )
    assert to_bt709("bt709") == pytest.approx(np.eye(3), abs=1e-12)


@pytest.mark.parametrize("transfer", ["hlg", "pq", "sdr"])
@pytest.mark.parametrize("colour", [Colour(), Colour(Matrix.BT601, Range.FULL)])
def test_the_table_is_the_formulas(transfer: str, colour: Colour) -> None:
    kind = WideColour(transfer)  # type: ignore[arg-type]
    rng = np.random.default_rng(2)
    y = rng.integers(250, 880, (40, 60)).repeat(2, 0).repeat(2, 1)
    chroma = rng.integers(480, 545, (2, 40, 60))
    out_y, out_uv = np.empty((80, 120), np.uint8), np.empty((40, 60, 2), np.uint8)
    planes = [np.asarray(plane, np.uint16) for plane in (y, *chroma)]
    look_up(sdr_table(kind, colour), planes[0], planes[1], planes[2], out_y, out_uv)
    luma, cb, cr = (y[::2, ::2] - 64) / 876, (chroma[0] - 512) / 896, (chroma[1] - 512) / 896
    r, b = luma + 1.4746 * cr, luma + 1.8814 * cb
    g = (luma - 0.2627 * r - 0.0593 * b) / 0.6780
    matrix, offset = matrix_of(colour)
    exact = 255 * to_sdr(np.stack((r, g, b), axis=-1), kind) @ matrix.T + offset
    off = np.abs(np.dstack((out_y[::2, ::2], out_uv)) - exact)
    # Rounding alone is 0.25 typically; PQ's strong colours near its peak are the hardest.
    assert np.median(off) < 0.4
    assert np.percentile(off, 99) < (6 if transfer == "pq" else 2.5)


def test_codes_beyond_the_nominal_range_neither_wrap_nor_fault() -> None:
    y = np.array([[0, 1023], [65535, 64]], np.uint16)
    chroma = np.array([[65535]], np.uint16)
    out_y, out_uv = np.empty((2, 2), np.uint8), np.empty((1, 1, 2), np.uint8)
    look_up(sdr_table(WideColour("pq"), Colour()), y, chroma, chroma, out_y, out_uv)
    assert out_y.min() >= 16
    assert out_y.max() <= 235
    assert out_y[0, 1] == out_y[1, 0]
