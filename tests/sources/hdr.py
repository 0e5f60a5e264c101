"""Clips in HLG, PQ and wide SDR of known colours, encoded by the standards' equations."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

SKIN = (204, 130, 102)
PATCHES = (SKIN, (255, 255, 255), (128, 128, 128), (20, 20, 20))
# ITU-R BT.2087-0, 2: BT.709 to BT.2020, linear. SMPTE EG 432-1's by way of XYZ (from colour.js).
BT709_TO = {
    "bt2020": ((0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956)),
    "smpte432": ((0.8225, 0.1775, 0.0), (0.0332, 0.9668, 0.0), (0.0171, 0.0724, 0.9105)),
}
WEIGHTS = {"bt2020nc": (0.2627, 0.6780, 0.0593), "bt709": (0.2126, 0.7152, 0.0722)}


def pq(light: F64) -> F64:
    """ITU-R BT.2100-2, table 4, inverse EOTF of cd/m²."""
    power = (np.maximum(light, 0) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: F64) -> F64:
    """ITU-R BT.2100-2, table 5: inverse OOTF for 1000 cd/m² and OETF."""
    display = np.maximum(light, 1e-7) / 1000
    luminance = display @ np.array(WEIGHTS["bt2020nc"])
    scene = display * luminance[..., None] ** ((1 - 1.2) / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    )


def encoded(transfer: str, primaries: str, rgb: F64, white: float = 203.0) -> F64:
    """R'G'B' 0..1 of an SDR picture, 0..255, whose white is shown at ``white`` cd/m²."""
    linear = (rgb / 255) ** 2.4 @ np.array(BT709_TO[primaries]).T
    if transfer == "arib-std-b67":
        return hlg(linear * white)
    if transfer == "smpte2084":
        return pq(linear * white)
    return np.asarray(np.maximum(linear, 0) ** (1 / 2.4))


def patches(width: int, height: int) -> F64:
    """``PATCHES`` side by side, RGB 0..255."""
    picture = np.zeros((height, width, 3))
    for index, patch in enumerate(PATCHES):
        picture[:, index * width // 4 : (index + 1) * width // 4] = patch
    return picture


def hdr_clip(
    path: Path,
    transfer: str,
    *,
    primaries: str = "bt2020",
    matrix: str = "bt2020nc",
    full: bool = False,
    size: tuple[int, int] = (320, 180),
    codec: tuple[str, ...] = ("libx265", "-x265-params", "log-level=error:qp=4"),
    frames: int = 3,
) -> Path:
    """A clip of ``patches`` by ffmpeg, 10 bits, with its colours said in the stream."""
    width, height = size
    signal = encoded(transfer, primaries, patches(width, height))
    kr, _, kb = WEIGHTS[matrix]
    y = signal @ np.array(WEIGHTS[matrix])
    cb = (signal[..., 2] - y) / (2 * (1 - kb))
    cr = (signal[..., 0] - y) / (2 * (1 - kr))
    halved = [one.reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for one in (cb, cr)]
    luma, span, zero = (1023, 1023, 0) if full else (876, 896, 64)
    planes = [zero + luma * y, *(512 + span * one for one in halved)]
    raw = b"".join(np.rint(plane).astype("<u2").tobytes() for plane in planes) * frames
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le",
        "-s", f"{width}x{height}", "-r", "10", "-color_range", "pc" if full else "tv", "-i", "-",
        "-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix,
        "-color_range", "pc" if full else "tv", "-c:v", *codec, str(path),
    ]  # fmt: skip
    done = subprocess.run(command, input=raw, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return path


def middles(picture: F64) -> list[F64]:
    """The colour in the middle of each patch of a picture that was ``patches``."""
    height, width = picture.shape[:2]
    rows = slice(height // 3, height * 2 // 3)
    return [
        np.asarray(np.median(picture[rows, x - width // 32 : x + width // 32], axis=(0, 1)))
        for x in (width * (2 * index + 1) // 8 for index in range(4))
    ]
