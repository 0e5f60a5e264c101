"""Captions: a premultiplied NV12 picture with alpha, laid over a composite in device memory."""

from __future__ import annotations

import numpy as np

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.overlay import Overlay

_BLOCK = (32, 8)
_HEADER = 64  # bytes: PLACED in overlay.cuh


class DeviceCaption:
    """An overlay on the device, at ``address``: it never moves, so that graphs can be replayed."""

    def __init__(self, context: Context, width: int, height: int) -> None:
        """Take memory for any overlay of pictures of this size; nothing is shown yet."""
        self._context, self._mapped = context, context.integrated
        self._rect = Rect(0, 0, width // 2 * 2, height // 2 * 2)
        size = _HEADER + 5 * self._rect.area // 2
        if self._mapped:
            self._staged, self.address = context.mapped((size,), np.uint8)
        else:
            self._staged = context.pinned((size,), np.uint8)
            self._buffer = context.alloc(size, zero=True)
            self.address = self._buffer.address
        self._staged[:_HEADER] = 0
        self._there: Overlay | None = None

    @property
    def rect(self) -> Rect:
        """Where overlays may lie."""
        return self._rect

    def put(self, overlay: Overlay | None) -> None:
        """Have this overlay there, None: nothing; launches a copy, if it is not there already.

        Not to be recorded into a graph. The frame before must be finished.

        Raises:
            ValueError: the overlay is odd in place or size, or not inside the picture.
        """
        if overlay is self._there:
            return
        used = _HEADER
        place = np.zeros(4, np.int32)
        if overlay is not None:
            height, width = overlay.alpha.shape
            lies = Rect(overlay.x, overlay.y, width, height)
            if (lies.x | lies.y | width | height) & 1 or not self._rect.contains(lies):
                raise ValueError(
                    f"an overlay of {width}x{height} at ({lies.x}, {lies.y}): expected even "
                    f"numbers inside {self._rect.width}x{self._rect.height}"
                )
            place[:] = (lies.x, lies.y, width, height)
            for plane in (overlay.luma, overlay.alpha, overlay.chroma):
                self._staged[used : used + plane.size] = plane.reshape(-1)
                used += plane.size
        self._staged[: place.nbytes] = place.view(np.uint8)
        self._there = overlay
        if self._mapped:
            return
        with self._context.guard("sending a caption"):
            self._context.driver.memcpy_htod_async(
                self.address, self._staged[:used], self._context.stream
            )


def blend_overlay(context: Context, out: Surface, caption: DeviceCaption) -> None:
    """``cpu.blend_overlay`` of what was put; nothing, if that is none.

    Raises:
        ValueError: the picture is smaller than what the caption was made for, or not NV12.
    """
    if out.kind != "nv12" or not out.rect.contains(caption.rect):
        raise ValueError(
            f"cannot lay a caption for {caption.rect.width}x{caption.rect.height} over "
            f"{out.width}x{out.height} {out.kind}: expected NV12, at least as large"
        )
    context.kernels["blend_overlay"](
        blocks(caption.rect.width // 2, caption.rect.height // 2, _BLOCK), (*_BLOCK, 1),
        caption=caption.address, **out.arguments("out_"),
    )  # fmt: skip
