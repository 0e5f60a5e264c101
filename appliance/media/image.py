"""Picture files, checked before they are decoded."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from appliance.errors import InputError
from appliance.media.frame import U8
from appliance.media.icc import in_srgb

MOST_PIXELS = 100_000_000
"""The largest picture accepted, in pixels; decoded, it takes 400 MB for a moment."""

MOST_WITH_ALPHA = 25_000_000
"""Of a picture that is taken with its alpha, in pixels: it is decoded in one piece."""

MOST_WORKING = 420_000_000
"""What decoding a picture may take, in bytes, before it is made small."""

# Only what is wanted: some of Pillow's formats start other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
_STRIP = 1 << 20
_ORIENTATION = 0x0112


def decode_picture(data: bytes, longest: int, what: str) -> U8:
    """As ``read_picture``, of a file's content in memory; of an animation the first picture.

    ``what`` is what errors call it. Raises InputError also for what is no picture.
    """
    opened = _opened(BytesIO(data), what)
    if opened is None:
        raise InputError(f"{what}: it is no picture that is read; expected {', '.join(FORMATS)}")
    with opened as picture:
        return _decoded(picture, what, lambda: reduced(picture, longest, what))


def open_picture(path: Path, use: str = "background") -> Image.Image | None:
    """A picture file, only its header read; None if it is none.

    ``use`` is what errors call it. Raises InputError for too many pixels or a damaged header.
    """
    return _opened(path, f"{use} {str(path)!r}")


def _opened(file: Path | BytesIO, where: str) -> Image.Image | None:
    try:
        with warnings.catch_warnings():
            # Our own limit is lower than the one this warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError as error:
        raise _too_large(where, str(error)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(
            f"{where}: it cannot be read as a picture ({error}); save it anew"
        ) from error
    width, height = picture.size
    if width * height > MOST_PIXELS:
        picture.close()
        raise _too_large(where, f"the picture has {width}x{height} pixels")
    return picture


def read_picture(path: Path, longest: int, use: str = "background") -> U8 | None:
    """The picture in a file, RGB (height, width, 3), or None when it should be played as a video.

    In sRGB, by its colour profile if it has one; turned upright by its EXIF tag; with transparency
    on black. None for an animated GIF and for anything that is not a picture.

    Args:
        path: a regular file (``check_file``).
        longest: the canvas's longer side in pixels; a far larger JPEG is decoded at reduced size.
        use: what messages call it.

    Raises:
        InputError: too many pixels, truncated, or damaged.
    """
    where = f"{use} {str(path)!r}"
    opened = open_picture(path, use)
    if opened is None:
        return None
    with opened as picture:
        if picture.format == "GIF" and getattr(picture, "is_animated", False):
            return None
        return _decoded(picture, where, lambda: reduced(picture, longest, str(path)))


def read_cut_out(path: Path, longest: int, use: str) -> tuple[U8, U8 | None] | None:
    """The picture in a file as ``read_picture`` gives it, and its alpha; None if it is none.

    Alpha is uint8 (height, width), and None where the picture has none or hides nothing; with it,
    colours are not multiplied. Of an animation the first picture. ``use`` is what errors call the
    file. Raises InputError.
    """
    where = f"{use} {str(path)!r}"
    opened = open_picture(path, use)
    if opened is None:
        return None
    with opened as picture:
        if "A" not in picture.getbands() and "transparency" not in picture.info:
            return _decoded(picture, where, lambda: reduced(picture, longest, str(path))), None
        if picture.width * picture.height > MOST_WITH_ALPHA:
            raise InputError(
                f"{use} {str(path)!r}: the picture has {picture.width}x{picture.height} pixels and "
                f"an alpha channel; with one, at most {MOST_WITH_ALPHA // 1_000_000} million pixels"
                " are taken: scale it down first"
            )
        rgba = _decoded(picture, where, lambda: _rgba(picture, longest, str(path)))
    alpha = np.ascontiguousarray(rgba[:, :, 3])
    return np.ascontiguousarray(rgba[:, :, :3]), alpha if alpha.min(initial=255) < 250 else None


def _rgba(picture: Image.Image, longest: int, name: str) -> U8:
    upright = ImageOps.exif_transpose(in_srgb(picture, name).convert("RGBA"))
    by = max(1, min(upright.size) // longest)
    # Pillow weighs the colours with their alpha.
    return np.asarray(upright.reduce(by) if by > 1 else upright, np.uint8)


def _decoded(picture: Image.Image, where: str, decode: Callable[[], U8]) -> U8:
    """What ``decode`` makes of an opened picture. Raises InputError."""
    needs = working_bytes(picture)
    if needs > MOST_WORKING:
        raise InputError(f"{where}: {too_costly(picture, needs)}")
    try:
        return decode()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise InputError(
            f"{where}: the {picture.format} picture is damaged or broken off "
            f"({error}); expected a whole one: copy or save it anew"
        ) from error


def working_bytes(picture: Image.Image) -> int:
    """About how many bytes decoding a picture takes that was opened, but not decoded."""
    pixels = picture.width * picture.height
    stored = 4 if len(picture.getbands()) > 1 or picture.mode in ("I", "F") else 2
    if picture.format == "WEBP":
        return 16 * pixels  # libwebp's own canvases, and Pillow's
    if picture.format == "JPEG" and picture.info.get("progressive"):
        # Every coefficient of a progressive one is kept, however small it is then decoded.
        return (stored + 2 * len(picture.getbands())) * pixels
    return stored * pixels


def too_costly(picture: Image.Image, needs: int) -> str:
    """In words, that a picture takes more memory than is given."""
    return (
        f"the picture has {picture.width}x{picture.height} pixels, and decoding such a "
        f"{picture.format} takes {needs // 10**6} MB, of at most {MOST_WORKING // 10**6}; scale it "
        "down, or save it as PNG"
    )


def reduced(picture: Image.Image, longest: int, name: str) -> U8:
    """An opened picture, sRGB (height, width, 3), upright, on black, made smaller while it is read.

    Both sides stay at least ``longest``, as far as they were and the picture is no narrow strip. It
    is decoded once; all else is done in strips of a million pixels, so that it takes little more.
    ``name`` is what a warning calls it. Raises what Pillow does.
    """
    picture.draft(None, (longest, longest))
    turn = picture.getexif().get(_ORIENTATION, 1)
    picture.load()
    corner = picture.crop((0, 0, 1, 1))
    if in_srgb(corner, name) is corner:
        picture.info.pop("icc_profile", None)  # there is none, or the warning is enough once
    width, height = picture.size
    most = 16 * longest * longest
    by = max(1, min(width, height) // longest, math.ceil(math.sqrt(width * height / most)))
    rows = max(1, _STRIP // (width * by)) * by
    small = np.empty((math.ceil(height / by), math.ceil(width / by), 3), np.uint8)
    for top in range(0, height, rows):
        strip = flat_rgb(picture.crop((0, top, width, min(height, top + rows))), name)
        if by > 1:
            strip = np.asarray(Image.fromarray(strip).reduce(by))
        small[top // by : top // by + len(strip)] = strip
    if turn not in range(2, 9):
        return small
    upright = Image.fromarray(small)
    upright.getexif()[_ORIENTATION] = turn
    return np.ascontiguousarray(ImageOps.exif_transpose(upright), np.uint8)


def _too_large(where: str, what: str) -> InputError:
    return InputError(
        f"{where}: {what}; at most {MOST_PIXELS // 1_000_000} million pixels are taken: scale it "
        "down first"
    )


def flat_rgb(picture: Image.Image, name: str) -> U8:
    """A picture or a part of one as sRGB, (height, width, 3), on black.

    ``name`` is what a warning calls it. Raises OSError, ValueError, SyntaxError or EOFError where
    it is damaged.
    """
    if picture.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I"):
        # 16-bit grey, which Pillow's own conversion clips at 255.
        grey = np.clip(np.asarray(picture, np.int64) // 257, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    picture = in_srgb(picture, name)
    if "A" in picture.getbands() or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, rgba)
    return np.ascontiguousarray(picture.convert("RGB"), np.uint8)
