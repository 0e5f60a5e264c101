"""The person at a time between two frames, or soon after both, over a background of that time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.cuda.context import Context, blocks
from appliance.media.frame import F32
from appliance.media.surface import Surface, check_alike
from appliance.pixels.gpu.layer import PersonLayer

_BLOCK = (32, 8)


class DeviceFlow:
    """A motion on the device, of one size. It never moves, so that graphs can be replayed."""

    def __init__(self, context: Context, rows: int, columns: int) -> None:
        self._context = context
        self.rows, self.columns = rows, columns
        shape = (rows, columns, 2)
        if context.integrated:
            self._staged, self.address = context.mapped(shape, np.float32)
        else:
            self._staged = context.pinned(shape, np.float32)
            self._buffer = context.alloc(self._staged.nbytes)
            self.address = self._buffer.address

    def put(self, flow: F32) -> None:
        """Have this motion there (see ``cpu.halfway``): launches a copy.

        Not to be recorded into a graph. The frame before must be finished.
        """
        np.copyto(self._staged, flow)
        context = self._context
        if context.integrated:
            return
        with context.guard("sending the motion"):
            context.driver.memcpy_htod_async(self.address, self._staged, context.stream)


@dataclass(frozen=True, slots=True)
class Between:
    """What ``blend_between`` is to draw: two layers, the motion, and the time (see ``cpu``)."""

    first: PersonLayer
    second: PersonLayer
    flow: DeviceFlow
    at: float


def blend_between(context: Context, what: Between, background: Surface, out: Surface) -> None:
    """``cpu.blend_between``.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    check_alike(
        "lay two layers over a background into a picture:",
        what.first.front,
        what.second.front,
        background,
        out,
    )
    _draw(context, what, background, out, 0, 0)


def layer_between(context: Context, what: Between, into: PersonLayer) -> None:
    """``cpu.layer_between``; every sample of ``into`` is written.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    check_alike("draw two layers into one:", what.first.front, what.second.front, into.front)
    _draw(context, what, into.front, into.front, into.alpha, into.pitch)


def _draw(
    context: Context, what: Between, background: Surface, out: Surface, alpha: int, pitch: int
) -> None:
    one, two = what.first, what.second
    context.kernels["blend_between"](
        blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1),
        **one.front.arguments("one_"), one_alpha=one.alpha, one_alpha_pitch=one.pitch,
        **two.front.arguments("two_"), two_alpha=two.alpha, two_alpha_pitch=two.pitch,
        flow=what.flow.address, rows=what.flow.rows, columns=what.flow.columns, at=what.at,
        share=min(what.at, 1.0), **background.arguments("bg_"), **out.arguments("out_"),
        out_alpha=alpha, out_alpha_pitch=pitch, width=out.width, height=out.height,
    )  # fmt: skip
