"""A face's patch into the host's canvas, by the product's own feathered paste."""

from __future__ import annotations

from appliance.errors import FaceError
from appliance.faces.base import Patch
from appliance.media.frame import Frame
from appliance.pixels import cpu


def paste_patch(canvas: Frame, patch: Patch, feather: float | None = None) -> None:
    """Lay ``patch`` over ``canvas``, whose y and uv must be writable; its alpha stays.

    ``feather`` is the ramp in pixels, inside the patch's own edge; None: a ninth of its width; 0:
    the patch's mask alone. Parts outside the canvas are cut off.

    Raises FaceError for planes that do not fit ``patch.rect``, as a driver's may not.
    """
    rect = patch.rect
    shape, half = (rect.height, rect.width), ((rect.height + 1) // 2, (rect.width + 1) // 2, 2)
    mask = patch.mask
    fits = patch.y.shape == shape and patch.uv.shape == half
    if not fits or (mask is not None and mask.shape != shape) or 0 in shape:
        raise FaceError(
            f"a face driver gave planes {patch.y.shape}, {patch.uv.shape} and a mask "
            f"{None if mask is None else mask.shape} for {rect.width}x{rect.height} pixels; "
            f"expected {shape}, {half}, {shape}"
        )
    over = Frame(patch.y, patch.uv, canvas.colour)
    cpu.paste_nv12(canvas, over, rect.x, rect.y, feather, mask)
