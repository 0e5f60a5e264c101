"""Pictures with a colour profile: the right values in sRGB, and what cannot be used said."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from appliance.media.icc import in_srgb

# sRGB's and Display-P3's primaries, linear, by way of XYZ (SMPTE RP 177), as CSS Color 4 gives it.
P3_TO_SRGB = np.array(
    [[1.2249, -0.2249, 0.0], [-0.0421, 1.0421, 0.0], [-0.0196, -0.0786, 1.0983]]
)  # fmt: skip


def display_p3() -> bytes:
    """An ICC profile (ICC.1:2010) with Display-P3's matrix, adapted to D50, and sRGB's curve."""

    def numbers(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    text = "P3".encode("utf-16be")
    words = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 4, 28) + text
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0)
    curve += numbers(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = {b"desc": words, b"cprt": words, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    for name, xyz in (
        (b"wtpt", (0.9642, 1.0, 0.8249)),
        (b"rXYZ", (0.51512, 0.24120, -0.00105)),
        (b"gXYZ", (0.29198, 0.69225, 0.04189)),
        (b"bXYZ", (0.15710, 0.06657, 0.78407)),
    ):
        tags[name] = b"XYZ " + bytes(4) + numbers(*xyz)
    start = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(data), b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + numbers(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + table + data


def by_hand(rgb: tuple[int, int, int]) -> np.ndarray:
    """What a Display-P3 colour is in sRGB: IEC 61966-2-1's curve and the matrix above."""
    value = np.array(rgb) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = np.clip(P3_TO_SRGB @ linear, 0, 1)
    curved = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(255 * curved)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize(
    "colour", [(204, 130, 102), (128, 128, 128), (60, 180, 75), (255, 0, 0), (30, 60, 200)]
)
def test_display_p3(colour: tuple[int, int, int], mode: str) -> None:
    picture = Image.new("RGB", (4, 4), colour)
    picture = picture.convert(mode, palette=Image.Palette.ADAPTIVE)
    picture.info["icc_profile"] = display_p3()
    made = in_srgb(picture, "p")
    assert made.mode == ("RGBA" if mode == "RGBA" else "RGB")
    assert made.getpixel((1, 1))[:3] == pytest.approx(by_hand(colour), abs=2)  # type: ignore[index]
    # Once is enough.
    assert in_srgb(made, "p") is made


def test_alpha_stays() -> None:
    picture = Image.new("RGBA", (2, 2), (204, 130, 102, 90))
    picture.info["icc_profile"] = display_p3()
    assert in_srgb(picture, "p").getpixel((0, 0))[3] == 90  # type: ignore[index]


def test_without_one_nothing_is_done() -> None:
    picture = Image.new("RGB", (2, 2), (204, 130, 102))
    assert in_srgb(picture, "p") is picture


@pytest.mark.parametrize("profile", [b"nonsense", display_p3()[:200], bytes(500)])
def test_one_that_cannot_be_used_is_said(profile: bytes) -> None:
    picture = Image.new("RGB", (2, 2), (204, 130, 102))
    picture.info["icc_profile"] = profile
    with capture_logs() as logs:
        assert in_srgb(picture, "wall.png") is picture
    assert [line["picture"] for line in logs] == ["wall.png"]


def test_a_profile_for_another_kind_of_picture_is_said() -> None:
    picture = Image.new("L", (2, 2), 90)
    picture.info["icc_profile"] = display_p3()
    with capture_logs() as logs:
        assert in_srgb(picture, "grey.png") is picture
    assert len(logs) == 1
