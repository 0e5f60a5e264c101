"""The person's layer moved and brought to another size, in device memory."""

from __future__ import annotations

import numpy as np

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import check_alike
from appliance.pixels.cpu.affine import Viewport, fades
from appliance.pixels.gpu.layer import PersonLayer

_BLOCK = (32, 8)

# Layout of the struct in affine.cuh.
VIEW = np.dtype(
    [("left", "<f4"), ("top", "<f4"), ("step", "<f4"), ("fades", "<f4", 4), ("rect", "<i4", 4)]
)


class DeviceViewport:
    """A VIEW on the device, at ``address``: it never moves, so that graphs can be replayed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mapped = context.integrated
        if self._mapped:
            self._staged, self.address = context.mapped((VIEW.itemsize,), np.uint8)
        else:
            self._staged = context.pinned((VIEW.itemsize,), np.uint8)
            self._buffer = context.alloc(VIEW.itemsize, zero=True)
            self.address = self._buffer.address
        self._there: tuple[Viewport, Rect, Rect] | None = None

    def put(self, view: Viewport, rect: Rect, canvas: Rect) -> None:
        """Have this view there: launches a copy, if it is not there already.

        Not to be recorded into a graph. The frame before must be finished.

        Args:
            rect: the layer's, in the picture. canvas: all of the canvas.
        """
        wanted = (view, rect, canvas)
        if wanted == self._there:
            return
        self._there = wanted
        lies = view.shown(rect, canvas)
        block = self._staged.view(VIEW)[0]
        block["left"], block["top"], block["step"] = view.left, view.top, 1 / view.scale
        block["fades"] = fades(view, canvas.width, canvas.height)
        block["rect"] = (lies.x, lies.y, lies.right, lies.bottom)
        if self._mapped:
            return
        with self._context.guard("sending which part of the picture is shown"):
            self._context.driver.memcpy_htod_async(self.address, self._staged, self._context.stream)


def warp_layer(
    context: Context, layer: PersonLayer, view: DeviceViewport, into: PersonLayer
) -> None:
    """``cpu.warp_layer``; every sample of ``into.alpha`` is written. The view has been put.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    front, out = layer.front, into.front
    check_alike("warp a layer into another:", front, out)
    context.kernels["warp_layer"](
        blocks(front.width // 2, front.height // 2, _BLOCK), (*_BLOCK, 1),
        **front.arguments("fg_"), alpha=layer.alpha, alpha_pitch=layer.pitch,
        **out.arguments("out_"), out_alpha=into.alpha, out_alpha_pitch=into.pitch,
        width=front.width, height=front.height, view=view.address,
    )  # fmt: skip
