"""Picture files, checked before they are decoded."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from appliance.errors import InputError
from appliance.media.frame import U8
from appliance.media.icc import in_srgb

MOST_PIXELS = 100_000_000
"""The largest picture accepted, in pixels; decoded, it takes 300 MB for a moment."""

# Only what is wanted: some of Pillow's formats start other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def open_picture(path: Path) -> Image.Image | None:
    """A picture file, only its header read; None if it is none.

    Raises InputError for too many pixels or a damaged header.
    """
    where = f"background {str(path)!r}"
    try:
        with warnings.catch_warnings():
            # Our own limit is lower than the one this warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=_FORMATS)
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
        raise _too_large(where, f"{width}x{height} pixels")
    return picture


def read_picture(path: Path, longest: int) -> U8 | None:
    """The picture in a file, RGB (height, width, 3), or None when it should be played as a video.

    In sRGB, by its colour profile if it has one; turned upright by its EXIF tag; with transparency
    on black. None for an animated GIF and for anything that is not a picture.

    Args:
        path: a regular file (``check_file``).
        longest: the canvas's longer side in pixels; a far larger JPEG is decoded at reduced size.

    Raises:
        InputError: too many pixels, truncated, or damaged.
    """
    opened = open_picture(path)
    if opened is None:
        return None
    with opened as picture:
        if picture.format == "GIF" and getattr(picture, "n_frames", 1) > 1:
            return None
        if picture.format == "JPEG":
            picture.draft(None, (longest, longest))
        try:
            return flat_rgb(ImageOps.exif_transpose(picture), str(path))
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise InputError(
                f"background {str(path)!r}: the {picture.format} picture is damaged or broken off "
                f"({error}); expected a whole one: copy or save it anew"
            ) from error


def _too_large(where: str, what: str) -> InputError:
    return InputError(
        f"{where}: {what}; at most {MOST_PIXELS // 1_000_000} million pixels are taken: scale it "
        "down first"
    )


def flat_rgb(picture: Image.Image, name: str) -> U8:
    """The picture as sRGB, (height, width, 3), on black; ``name`` is what a warning calls it.

    Raises OSError, ValueError, SyntaxError or EOFError where it is damaged.
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
