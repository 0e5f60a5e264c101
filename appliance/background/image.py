"""Picture files, checked before they are decoded."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from appliance.errors import InputError
from appliance.media.frame import U8

MOST_PIXELS = 100_000_000
"""Largest picture taken, in pixels; decoded it takes 300 MB for a moment."""

# Only what is wanted: Pillow knows formats that start other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def read_picture(path: Path, longest: int) -> U8 | None:
    """The picture in a file, RGB (height, width, 3), or None when it should be played as a video.

    Upright by its EXIF tag; what is transparent is black; of an animated PNG or WebP the first
    picture. None for an animated GIF and for what is no picture at all.

    Args:
        path: a regular file (``check_file``).
        longest: the canvas's longer side in pixels; a JPEG far larger is decoded at a fraction.

    Raises:
        InputError: too many pixels, broken off, or damaged.
    """
    where = f"background {str(path)!r}"
    try:
        with warnings.catch_warnings():
            # Our own limit is lower than the one this warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError as error:
        raise _too_large(where, str(error)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(
            f"{where}: it cannot be read as a picture ({error}); save it anew"
        ) from error
    with opened as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_large(where, f"{width}x{height} pixels")
        if picture.format == "GIF" and getattr(picture, "n_frames", 1) > 1:
            return None
        if picture.format == "JPEG":
            picture.draft(None, (longest, longest))
        try:
            upright = ImageOps.exif_transpose(picture)
            return _rgb(upright)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise InputError(
                f"{where}: the {picture.format} picture is damaged or broken off ({error}); "
                "expected a whole one: copy or save it anew"
            ) from error


def _too_large(where: str, what: str) -> InputError:
    return InputError(
        f"{where}: {what}; at most {MOST_PIXELS // 1_000_000} million pixels are taken: scale it "
        "down first"
    )


def _rgb(picture: Image.Image) -> U8:
    if picture.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I"):
        # Grey of 16 bits, which Pillow's own conversion cuts off at 255.
        grey = np.clip(np.asarray(picture, np.int64) // 257, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if "A" in picture.getbands() or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, rgba)
    return np.ascontiguousarray(picture.convert("RGB"), np.uint8)
