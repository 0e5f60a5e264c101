"""Paste: a feathered patch at (x, y) into a picture in device memory."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.surface import Surface
from appliance.pixels.cpu.paste import default_ramp

_BLOCK = (32, 4)


def paste(
    context: Context, picture: int, picture_pitch: int, size: tuple[int, int], patch: int,
    patch_pitch: int, patch_size: tuple[int, int], channels: int, x: int, y: int,
    ramp: float | None = None, mask: int = 0, mask_pitch: int = 0,
) -> None:  # fmt: skip
    """``cpu.paste``: sizes are (width, height), pitches in bytes.

    ``mask`` is as ``cpu.paste_nv12`` has it: the address of a byte for each pixel of the patch; 0:
    none.

    Raises:
        ValueError: channels other than 1 to 4, or a ramp that is negative or not finite.
    """
    width, height = patch_size
    ramp = default_ramp(width) if ramp is None else ramp
    if not 1 <= channels <= 4 or not 0 <= ramp < float("inf"):
        raise ValueError(
            f"{channels} channels and a ramp of {ramp} pixels: expected 1 to 4, and 0 or more"
        )
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(width, size[0] - x), min(height, size[1] - y)
    if left >= right or top >= bottom:
        return
    # One word more than the bytes need: the first may begin before the part.
    words = ((right - left) * channels + 3) // 4 + 1
    context.kernels["paste"](
        blocks(words, bottom - top, _BLOCK), (*_BLOCK, 1),
        picture=picture, picture_pitch=picture_pitch, patch=patch, patch_pitch=patch_pitch,
        x=x, y=y, width=width, height=height, channels=channels, left=left, top=top, right=right,
        bottom=bottom, ramp=ramp, mask=mask, mask_pitch=mask_pitch,
    )  # fmt: skip


def paste_nv12(
    context: Context, frame: Surface, patch: Surface, x: int, y: int, ramp: float | None = None,
    mask: int = 0, mask_pitch: int = 0,
) -> None:  # fmt: skip
    """``cpu.paste_nv12``: any offset, odd ones too; in place. ``mask`` as ``paste`` has it.

    Raises:
        ValueError: the colours differ, or a bad ramp.
    """
    if frame.colour != patch.colour:
        raise ValueError(
            f"cannot paste {patch.colour} into {frame.colour}: convert the patch first"
        )
    ramp = default_ramp(patch.width) if ramp is None else ramp
    paste(
        context, frame.address, frame.pitch, (frame.width, frame.height), patch.address,
        patch.pitch, (patch.width, patch.height), 1, x, y, ramp, mask, mask_pitch,
    )  # fmt: skip
    left, top = max(0, x // 2), max(0, y // 2)
    right = min((frame.width + 1) // 2, (x + patch.width + 1) // 2)
    bottom = min((frame.height + 1) // 2, (y + patch.height + 1) // 2)
    if left >= right or top >= bottom:
        return
    context.kernels["paste_chroma"](
        blocks(right - left, bottom - top, _BLOCK), (*_BLOCK, 1),
        picture=frame.uv, picture_pitch=frame.uv_pitch, patch=patch.uv,
        patch_pitch=patch.uv_pitch, x=x, y=y, width=patch.width, height=patch.height, left=left,
        top=top, right=right, bottom=bottom, ramp=ramp, mask=mask, mask_pitch=mask_pitch,
    )  # fmt: skip
