"""Backgrounds whose hidden colours, profile or HDR must not show as they are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appliance.http.pictures import thumbnail
from tests.background.test_background import shown
from tests.media.test_icc import by_hand, display_p3
from tests.sources.hdr import SKIN, hdr_clip, middles
from tests.sources.test_formats import ffmpeg

GREEN = (60, 180, 75)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Green on the left; on the right magenta that is wholly transparent."""
    pixels = np.zeros((180, 320, 4), np.uint8)
    pixels[:, :160], pixels[:, 160:] = (*GREEN, 255), (255, 0, 255, 0)
    path = tmp_path_factory.mktemp("alpha") / "half.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("libvpx-vp9", "yuva420p", ".webm"),
        ("libvpx", "yuva420p", ".webm"),
        ("prores_ks", "yuva444p10le", ".mov"),
        ("qtrle", "argb", ".mov"),
        ("png", "rgba", ".mov"),
    ],
)
@pytest.mark.parametrize("fit", ["fill", "fit"])
def test_what_is_transparent_in_a_video_is_black(
    half: Path, tmp_path: Path, codec: str, pix_fmt: str, suffix: str, fit: str
) -> None:
    path = tmp_path / f"v{suffix}"
    size = "320x180" if fit == "fill" else "640x480"
    more = ["-auto-alt-ref", "0"] if codec.startswith("libvpx") else []
    ffmpeg(
        "-loop", "1", "-i", half, "-frames:v", "4", "-r", "10", "-s", size,
        "-c:v", codec, "-pix_fmt", pix_fmt, *more, path,
    )  # fmt: skip
    picture = shown(path, fit=fit)
    assert picture[60:120, 60:130].mean((0, 1)) == pytest.approx(GREEN, abs=5)
    assert picture[:, 180:].max() < 4


def test_a_video_that_is_half_transparent(tmp_path: Path) -> None:
    half_grey = tmp_path / "g.png"
    Image.new("RGBA", (320, 180), (200, 200, 200, 128)).save(half_grey)
    path = tmp_path / "g.mov"
    ffmpeg("-i", half_grey, "-c:v", "png", "-pix_fmt", "rgba", path)
    assert shown(path)[90, 160] == pytest.approx([100] * 3, abs=3)


def test_hdr_behind_the_person(tmp_path: Path) -> None:
    path = hdr_clip(tmp_path / "hdr.mp4", "arib-std-b67")
    assert middles(shown(path))[0] == pytest.approx(SKIN, abs=3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_display_p3_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p3{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {"quality": 100}
    picture = Image.new("RGB", (320, 180), SKIN)
    picture.save(path, icc_profile=display_p3(), **options)  # type: ignore[arg-type]
    seen = shown(path)[90, 160]
    assert seen == pytest.approx(by_hand(SKIN), abs=2.5)
    small = Image.open(_written(tmp_path / "t.jpg", thumbnail(str(path), 64, 36, 10**6)))
    assert small.getpixel((32, 18)) == pytest.approx(by_hand(SKIN), abs=3)


def test_a_thumbnail_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    picture = Image.new("RGB", (64, 36))
    picture.paste((255, 255, 255), (0, 0, 64, 18))
    picture.save(tmp_path / "p.jpg", exif=exif)
    small = Image.open(
        _written(tmp_path / "t.jpg", thumbnail(str(tmp_path / "p.jpg"), 64, 36, 10**6))
    ).convert("L")
    assert small.getpixel((32, 6)) < 40  # type: ignore[operator]
    assert small.getpixel((32, 30)) > 215  # type: ignore[operator]


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
