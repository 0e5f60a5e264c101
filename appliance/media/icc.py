"""ICC profiles of pictures: what a phone saves as Display-P3, say, comes in sRGB."""

from __future__ import annotations

import io

import structlog
from PIL import Image, ImageCms

log = structlog.get_logger(__name__)


def in_srgb(picture: Image.Image, name: str) -> Image.Image:
    """The picture in sRGB by the profile embedded in it; as it is if it has none.

    Grey, RGB and CMYK, alpha kept; by LittleCMS, which Pillow brings. A profile that cannot be used
    is left out, with a warning that calls the picture ``name``.
    """
    profile = picture.info.get("icc_profile")
    if not profile:
        return picture
    if picture.mode in ("P", "PA"):
        transparent = picture.mode == "PA" or "transparency" in picture.info
        picture = picture.convert("RGBA" if transparent else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA") else None
    plain = picture.convert(picture.mode[:-1]) if alpha is not None else picture
    try:
        made = ImageCms.profileToProfile(
            plain,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, ImportError) as error:
        log.warning(
            "a picture's colour profile cannot be used; its colours are taken for sRGB",
            picture=name, reason=" ".join(str(error).split()),
        )  # fmt: skip
        return picture
    assert made is not None  # None only in place
    if alpha is not None:
        made.putalpha(alpha)
    elif "transparency" in picture.info and picture.mode == "RGB":
        # One colour is transparent: by the numbers that were in the file.
        made.putalpha(picture.convert("RGBA").getchannel("A"))
    made.info.pop("icc_profile", None)
    return made
