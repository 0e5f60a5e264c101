"""Backgrounds: right colours for every kind of picture, and clear errors for non-pictures."""

from __future__ import annotations

import math
import os
import struct
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from appliance.background.base import Background
from appliance.background.make import make_background
from appliance.config.settings import BackgroundSettings
from appliance.errors import InputError
from appliance.media import picture_file as image_module
from appliance.media.frame import Colour, Format, Frame, Matrix, Range, blank
from appliance.media.picture_file import read_picture
from appliance.media.rgb import nv12_to_rgb, rgb_to_nv12
from tests.conftest import ClipFactory
from tests.memory import peak_mb
from tests.sources.pictures import assert_alike, by_ffmpeg, first_frame, rgb
from tests.sources.test_formats import ffmpeg

F64 = NDArray[np.float64]
COLOURS = [Colour(matrix, range_) for matrix in Matrix for range_ in Range]
CANVAS = Format(320, 180, (30, 1), Colour(Matrix.BT709, Range.LIMITED))


def live(format: Format = CANVAS) -> Frame:
    return blank(format.width, format.height, format.colour)


def shown(uri: object, format: Format = CANVAS, **settings: object) -> F64:
    """The background as an RGB picture."""
    background = make_background(
        BackgroundSettings.model_validate({"uri": str(uri), **settings}), format
    )
    try:
        frame = background.frame(live(format))
        assert (frame.width, frame.height, frame.colour) == (
            format.width, format.height, format.colour,
        )  # fmt: skip
        return rgb(frame)
    finally:
        background.close()
        background.close()


def reference_nv12(picture: F64, colour: Colour) -> tuple[F64, F64]:
    """Y and CbCr in float64, chroma as the mean of 2x2 pixels; not rounded."""
    kr, kb = colour.matrix.kr_kb
    r, g, b = (picture[..., i] / 255 for i in range(3))
    y = kr * r + (1 - kr - kb) * g + kb * b
    pb, pr = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    pair = np.stack([pb, pr], -1)
    height, width = y.shape
    mean = pair.reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
    if colour.range is Range.LIMITED:
        return 16 + 219 * y, 128 + 224 * mean
    return 255 * y, np.clip(128 + 255 * mean, 0, 255)


@pytest.mark.parametrize("colour", COLOURS)
def test_rgb_to_nv12_against_float64(colour: Colour) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (602, 64, 3)).astype(np.uint8)
    frame = rgb_to_nv12(picture, colour)
    y, uv = reference_nv12(picture.astype(np.float64), colour)
    assert np.abs(frame.y - y).max() <= 0.51
    assert np.abs(frame.uv - uv).max() <= 0.51


@pytest.mark.parametrize("colour", COLOURS)
def test_nv12_and_back(colour: Colour) -> None:
    flat = np.random.default_rng(4).integers(30, 226, (20, 20, 3)).astype(np.uint8)
    picture = flat.repeat(2, 0).repeat(2, 1)
    back = nv12_to_rgb(rgb_to_nv12(picture, colour))
    assert np.abs(back.astype(int) - picture).max() <= 3


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("text", ["#00b140", "#FFFFFF", "#000000", "#ff0000", "#123456"])
def test_colours(text: str, colour: Colour) -> None:
    wanted = [int(text[i : i + 2], 16) for i in (1, 3, 5)]
    picture = shown(f"colour:{text}", Format(64, 36, (30, 1), colour))
    assert np.ptp(picture, (0, 1)).max() == 0
    assert picture[0, 0] == pytest.approx(wanted, abs=2.5)


@pytest.mark.parametrize("colour", COLOURS)
def test_the_gradient_has_no_bands(colour: Colour) -> None:
    format = Format(1280, 720, (30, 1), colour)
    background = make_background(BackgroundSettings(uri="gradient://"), format)
    frame = background.frame(live(format))
    assert frame is background.frame(live(format))  # made once
    # A band is a run of one value: where the gradient changes by a level every 8 pixels, dither
    # changes the value every other pixel or so.
    row = frame.y[300, 700:1200].astype(int)
    runs = np.diff(np.flatnonzero(np.diff(row)))
    assert runs.max() < 30
    # Without the dither it is smooth, and lit in the middle.
    smooth = cv2.GaussianBlur(frame.y.astype(np.float32), (0, 0), 6)
    assert np.abs(np.diff(smooth, axis=1)).max() < 1
    assert smooth[300, 640] > smooth[5, 5] + 60
    assert np.abs(frame.uv.astype(int) - 128).max() < 24


# Picture files.


@pytest.fixture(scope="module")
def portrait() -> F64:
    """Coloured patches of even sizes: no chroma sample straddles two of them."""
    patches = np.random.default_rng(5).integers(0, 256, (9, 16, 3))
    return patches.repeat(20, 0).repeat(20, 1).astype(np.float64)


def save(picture: F64, path: Path, **options: object) -> Path:
    Image.fromarray(picture.astype(np.uint8)).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".png", {}),
        (".bmp", {}),
        (".webp", {"lossless": True}),
        (".jpg", {"quality": 100, "subsampling": 0}),
    ],
)
def test_kinds_of_files(
    portrait: F64, tmp_path: Path, suffix: str, options: dict[str, object], colour: Colour
) -> None:
    path = save(portrait, tmp_path / f"p{suffix}", **options)
    picture = shown(path, Format(320, 180, (30, 1), colour))
    assert np.abs(picture - portrait).mean() < 2
    assert np.percentile(np.abs(picture - portrait), 99) <= 5


def test_modes_of_pictures(portrait: F64, tmp_path: Path) -> None:
    rgb8 = Image.fromarray(portrait.astype(np.uint8))
    grey = np.asarray(rgb8.convert("L"))

    rgb8.convert("L").save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "grey16.png")
    rgb8.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    rgb8.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95, subsampling=0)
    rgb8.convert("1").save(tmp_path / "bits.png")
    cv2.imwrite(str(tmp_path / "rgb16.png"), portrait[:, :, ::-1].astype(np.uint16) * 257)
    three = np.repeat(grey[:, :, None], 3, 2).astype(np.float64)
    for name, wanted in (
        ("grey.png", three),
        ("grey16.png", three),
        ("palette.png", portrait),
        ("cmyk.jpg", portrait),
        ("rgb16.png", portrait),
    ):
        assert np.abs(shown(tmp_path / name) - wanted).mean() < 3, name
    assert set(np.unique(np.rint(shown(tmp_path / "bits.png")))) <= {0.0, 255.0}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_black(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGBA", (320, 180), (200, 200, 200, 255))
    ImageDraw.Draw(picture).rectangle((160, 0, 319, 179), fill=(200, 200, 200, 0))
    ImageDraw.Draw(picture).rectangle((80, 0, 159, 179), fill=(200, 200, 200, 128))
    path = tmp_path / "alpha.png"
    if mode == "P":
        index = np.zeros((180, 320), np.uint8)
        index[:, 160:] = 1
        paletted = Image.fromarray(index, "P")
        paletted.putpalette([200, 200, 200, 90, 90, 90])
        paletted.save(path, transparency=1)
    else:
        picture.convert(mode).save(path)
    seen = shown(path)
    assert seen[:, 2:78].mean() == pytest.approx(200, abs=3)
    assert seen[:, 162:].max() < 3
    if mode != "P":
        assert seen[:, 82:158].mean() == pytest.approx(100, abs=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_shown_upright(portrait: F64, tmp_path: Path, orientation: int) -> None:
    # How a camera would have stored the upright picture for each orientation.
    stored = {
        1: portrait, 2: portrait[:, ::-1], 3: portrait[::-1, ::-1], 4: portrait[::-1],
        5: portrait.transpose(1, 0, 2), 6: np.rot90(portrait),
        7: np.rot90(portrait, 2).transpose(1, 0, 2), 8: np.rot90(portrait, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(
        np.ascontiguousarray(stored), tmp_path / "p.jpg", exif=exif, quality=98, subsampling=0
    )
    assert np.abs(shown(path) - portrait).mean() < 3


def test_fill_and_fit(portrait: F64, tmp_path: Path) -> None:
    path = save(portrait, tmp_path / "p.png")  # 16:9
    square = Format(180, 180, (30, 1), CANVAS.colour)
    fill = shown(path, square, fit="fill")
    assert np.abs(fill - portrait[:, 70:250]).mean() < 3
    fit = shown(path, square, fit="fit")
    assert fit[:38].max() < 3
    assert fit[140:].max() < 3
    middle = cv2.resize(portrait, (180, 102), interpolation=cv2.INTER_AREA)
    # Patches are now 11.25 pixels wide: chroma samples straddle two of them.
    assert np.abs(fit[38:140].mean(2) - middle.mean(2)).mean() < 6
    tall = shown(path, Format(64, 320, (30, 1), CANVAS.colour), fit="fit")
    assert tall[:140].max() < 3


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (33, 35)])
@pytest.mark.parametrize("fit", ["fill", "fit"])
def test_pictures_of_strange_sizes(tmp_path: Path, size: tuple[int, int], fit: str) -> None:
    path = save(np.full((size[1], size[0], 3), 130.0), tmp_path / "p.png")
    seen = shown(path, fit=fit)
    # At least two pixels are shown, next to the middle.
    assert seen[88:92, 156:164].max((0, 1)) == pytest.approx([130] * 3, abs=3)


def test_a_large_jpeg_is_cheap(tmp_path: Path) -> None:
    path = save(np.full((4000, 6000, 3), 90.0), tmp_path / "large.jpg", quality=60)
    begun = time.process_time()
    assert shown(path).mean() == pytest.approx(90, abs=3)
    assert time.process_time() - begun < 1.5


def test_names(portrait: F64, tmp_path: Path) -> None:
    for name in ("with space.png", "grün ☂#1%20.png"):
        path = save(portrait, tmp_path / name)
        assert np.abs(shown(path) - portrait).mean() < 2
        assert np.abs(shown(path.as_uri()) - portrait).mean() < 2


# Hostile files.


def png_header(width: int, height: int) -> bytes:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    )
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    return start + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def hostile(path: Path, kind: str) -> None:
    good = path.parent / "good.png"
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.float64)
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("Dear reader, this is no picture. " * 100)
    elif kind == "cut png":
        path.write_bytes(save(noise, good).read_bytes()[:30_000])
    elif kind == "cut jpeg":
        path.write_bytes(save(noise, good.with_suffix(".jpg")).read_bytes()[:5_000])
    elif kind == "only a header":
        path.write_bytes(png_header(200, 200)[:40])
    elif kind == "giant":
        path.write_bytes(png_header(20_000, 20_000))
    elif kind == "large":
        path.write_bytes(png_header(10_001, 10_000))
    elif kind == "endless":
        path.write_bytes(png_header(2**31 - 1, 2**31 - 1))
    elif kind == "bmp of a gigabyte":
        info = struct.pack("<IiiHHIIiiII", 40, 19_000, 19_000, 1, 24, 0, 0, 0, 0, 0, 0)
        path.write_bytes(b"BM" + struct.pack("<IHHI", 2**30, 0, 0, 54) + info + b"\0" * 100)
    elif kind == "postscript":
        path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "there is no such file"),
        ("folder", "it is a folder; expected a file"),
        ("fifo", "it is a FIFO"),
        ("empty", r"0 bytes"),
        ("text", "ffprobe"),
        ("cut png", "damaged or broken off"),
        ("cut jpeg", "damaged or broken off"),
        ("only a header", "damaged|cannot be read|ffprobe"),
        ("giant", r"at most 100 million pixels"),
        ("large", r"10001x10000 pixels; at most 100 million pixels"),
        ("endless", r"at most 100 million pixels"),
        ("bmp of a gigabyte", r"at most 100 million pixels"),
        ("postscript", "ffprobe"),
    ],
)
def test_what_is_no_background_says_so_soon(tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "background.png"
    hostile(path, kind)
    begun = time.monotonic()
    with pytest.raises(InputError, match=words) as caught:
        shown(path)
    assert str(path) in str(caught.value)
    assert time.monotonic() - begun < 4


def test_nothing_is_decoded_before_the_size_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    hostile(tmp_path / "p.png", "large")
    monkeypatch.setattr(image_module, "flat_rgb", decode)
    with pytest.raises(InputError):
        shown(tmp_path / "p.png")


# Moving backgrounds.


def frames_of(background: Background, seconds: float) -> list[Frame]:
    """What it shows when polled every 5 ms; polling must cost nothing."""
    seen: list[Frame] = []
    picture, spent, asked = live(), 0.0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.thread_time()
        frame = background.frame(picture)
        spent += time.thread_time() - begun
        asked += 1
        if not seen or frame is not seen[-1]:
            seen.append(frame)
        time.sleep(0.005)
    assert spent / asked < 0.001
    return seen


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_video_plays_and_loops(clip: ClipFactory, suffix: str) -> None:
    gif = {"codec": "gif", "pix_fmt": "rgb8", "matrix": "", "range": ""} if suffix == ".gif" else {}
    path = clip(320, 180, frames=10, fps=25, suffix=suffix, **gif)
    background = make_background(BackgroundSettings(uri=str(path)), CANVAS)
    try:
        assert not background.wants_frame
        frames = frames_of(background, 1.3)
    finally:
        begun = time.monotonic()
        background.close()
    assert time.monotonic() - begun < 2
    # 1.3 s at 25 fps, three loops: nothing missing except what the machine was too busy for.
    assert len(frames) >= 18
    gaps = np.diff([frame.pts for frame in frames]) / 1e9
    assert gaps.min() > 0.03
    assert gaps.max() < 0.25


def test_a_video_fills_or_fits(clip: ClipFactory) -> None:
    path = clip(320, 240, frames=5, source="smptebars")
    theirs = by_ffmpeg(path, 320, 180, filters="crop=320:180")
    assert_alike(shown(path, fit="fill")[6:-6], theirs[6:-6], typical=2, most=8)
    fit = shown(path, fit="fit")
    assert fit[:, :38].max() < 3
    assert_alike(
        fit[:, 40:280], by_ffmpeg(path, 240, 180, filters="scale=240:180"), typical=2, most=14
    )
    wide = clip(640, 180, frames=5, source="smptebars")
    theirs = by_ffmpeg(wide, 320, 180, filters="crop=320:180")
    assert_alike(shown(wide, fit="fill"), theirs, typical=2, most=8)


def test_a_video_that_vanishes_keeps_its_last_picture(clip: ClipFactory, tmp_path: Path) -> None:
    path = tmp_path / "b.gif"
    small = clip(64, 48, frames=3, codec="gif", pix_fmt="rgb8", matrix="", range="", suffix=".gif")
    path.write_bytes(small.read_bytes())
    background = make_background(BackgroundSettings(uri=str(path)), CANVAS)
    try:
        path.unlink()
        last = frames_of(background, 0.6)[-1]
        assert background.frame(live()) is last
        assert last.y.max() > 50
    finally:
        background.close()


def test_sound_alone_is_no_background(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "sound.wav")
    with pytest.raises(InputError, match=r"background .*(no video|not a video)"):
        shown(tmp_path / "sound.wav")


@pytest.mark.parametrize("radius", [0.005, 0.03, 0.25])
@pytest.mark.parametrize("size", [(1280, 720), (90, 160), (64, 32)])
def test_the_blurred_scene(radius: float, size: tuple[int, int]) -> None:
    format = Format(*size, (30, 1), CANVAS.colour)
    source = "demo://" if size[0] > size[1] else "test://smpte"
    scene = first_frame(source, format)
    background = make_background(BackgroundSettings(uri="blur://", blur_radius=radius), format)
    assert background.wants_frame
    frame = background.frame(scene)
    assert (frame.width, frame.height, frame.colour) == (*size, format.colour)
    sigma = radius * size[1]
    wanted = cv2.GaussianBlur(rgb(scene), (0, 0), max(0.3, sigma), borderType=cv2.BORDER_REPLICATE)
    assert np.abs(rgb(frame) - wanted).mean() < 4
    # No detail finer than the radius is left.
    edges = np.abs(np.diff(frame.y.astype(float), axis=1)).max()
    assert edges <= 255 / max(1.0, sigma) + 1


def test_the_shared_backgrounds(shared: Path) -> None:
    for path in sorted((shared / "media" / "backgrounds").glob("*.jpg"))[::60]:
        assert np.ptp(shown(path)) > 60


@pytest.mark.parametrize(("mode", "most"), [("RGBA", 120), ("RGB", 120), ("I;16", 90), ("P", 70)])
def test_a_large_picture_takes_its_pixels_and_little_more(
    tmp_path: Path, mode: str, most: float
) -> None:
    """16 million pixels, 64 MB as RGBA; it took 460 MB, and 50 million 1.4 GB."""
    path = tmp_path / "p.png"
    Image.new(mode, (4000, 4000)).save(path)
    small, grew = peak_mb(lambda: read_picture(path, 640))
    assert small is not None
    assert small.shape == (667, 667, 3)
    assert grew < most


@pytest.mark.parametrize("size", [(1003, 701), (4001, 333), (50, 40_000)])
def test_a_picture_made_small_in_strips_is_the_same(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_module, "_STRIP", 20_000)
    path = tmp_path / "p.png"
    y, x = np.mgrid[: size[1], : size[0]]
    ramp = np.stack([x * 255 // size[0], y * 255 // size[1], (x + y) % 256], -1).astype(np.uint8)
    Image.fromarray(ramp).save(path)
    small = read_picture(path, 100)
    assert small is not None
    by = math.ceil(size[1] / small.shape[0])
    whole = np.asarray(Image.fromarray(ramp).reduce(by))
    assert np.abs(small.astype(int) - whole).max() <= 1
    assert small.nbytes <= 3 * 17 * 100 * 100


@pytest.mark.parametrize(
    ("kind", "options"), [("WEBP", {"lossless": True}), ("JPEG", {"progressive": True})]
)
def test_what_takes_too_much_to_decode_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, options: dict[str, bool]
) -> None:
    path = tmp_path / "p.png"
    Image.new("RGB", (640, 480)).save(path, kind, **options)
    monkeypatch.setattr(image_module, "MOST_WORKING", 2_000_000)
    with pytest.raises(InputError, match=rf"640x480 pixels, and decoding such a {kind} takes"):
        read_picture(path, 320)
    Image.new("RGB", (640, 480)).save(path, "PNG")
    assert read_picture(path, 320) is not None


def test_the_most_pixels_fit_into_what_decoding_may_take() -> None:
    for kind, mode in (("PNG", "RGBA"), ("BMP", "RGB"), ("GIF", "P"), ("PNG", "I;16")):
        opened = Image.new(mode, (1, 1))
        opened.format = kind
        one = image_module.working_bytes(opened)
        assert one * image_module.MOST_PIXELS <= image_module.MOST_WORKING
