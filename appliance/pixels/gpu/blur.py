"""Blur: a whole frame out of focus, computed on a much smaller picture, in device memory."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from appliance.cuda.context import Buffer, Context, blocks
from appliance.media.frame import Format
from appliance.media.surface import Surface
from appliance.pixels.cpu.blur import SMALL_SIGMA

_BLOCK = (32, 4)


class Blur:
    """``cpu.Blur``: a frame out of focus, from and to device memory."""

    def __init__(self, context: Context, format: Format, radius: float) -> None:
        """``radius`` is the blur's sigma as a fraction of the picture's height."""
        self._context = context
        sigma = radius * format.height
        sizes = (format.width, format.height), (format.width // 2, format.height // 2)
        self._luma = self._plan(*sizes[0], 1, sigma)
        self._chroma = self._plan(*sizes[1], 2, sigma / 2)

    def _plan(self, width: int, height: int, step: int, sigma: float) -> _Plan:
        """The sizes to halve to, and the memory and weights needed for that."""
        halves, context = [], self._context
        while sigma >= 2 * SMALL_SIGMA and min(width, height) >= 16:
            width, height, sigma = width // 2, height // 2, sigma / 2
            halves.append((width, height, context.alloc(width * height * step)))
        sigma = max(0.3, sigma)
        # OpenCV's kernel size for 8-bit pictures.
        size = round(sigma * 6 + 1) | 1
        weights = cv2.getGaussianKernel(size, sigma, cv2.CV_32F).ravel()
        return _Plan(
            step, tuple(halves), size // 2, context.upload(weights),
            context.alloc(4 * width * height * step), context.alloc(width * height * step),
        )  # fmt: skip

    def __call__(self, frame: Surface, out: Surface) -> None:
        """Blur ``frame`` into ``out``, both NV12 of the format's size."""
        size = (frame.width, frame.height)
        self._run(self._luma, frame.address, frame.pitch, size, out.address, out.pitch)
        half = (frame.width // 2, frame.height // 2)
        self._run(self._chroma, frame.uv, frame.uv_pitch, half, out.uv, out.uv_pitch)

    def _run(
        self, plan: _Plan, plane: int, pitch: int, size: tuple[int, int], out: int, out_pitch: int
    ) -> None:
        kernels, step = self._context.kernels, plan.step
        width, height = size
        for half_width, half_height, buffer in plan.halves:
            kernels["shrink"](
                blocks(half_width * step, half_height, _BLOCK), (*_BLOCK, 1),
                plane=plane, pitch=pitch, width=width, height=height, step=step,
                out=buffer.address, rows=half_height, columns=half_width,
            )  # fmt: skip
            plane, pitch, width, height = buffer.address, half_width * step, half_width, half_height
        small = {"width": width, "height": height, "step": step}
        gauss = {"weights": plan.weights.address, "radius": plan.radius}
        grid = blocks(width * step, height, _BLOCK)
        kernels["gauss_rows"](
            grid, (*_BLOCK, 1), plane=plane, pitch=pitch, **small, **gauss, out=plan.sums.address
        )
        kernels["gauss_columns"](
            grid, (*_BLOCK, 1), sums=plan.sums.address, **small, **gauss,
            out=plan.small.address, out_pitch=width * step,
        )  # fmt: skip
        kernels["enlarge"](
            blocks(-(-size[0] * step // 4), size[1], _BLOCK), (*_BLOCK, 1),
            plane=plan.small.address, pitch=width * step, **small, out=out, out_pitch=out_pitch,
            out_width=size[0], out_height=size[1],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    step: int
    halves: tuple[tuple[int, int, Buffer], ...]
    radius: int
    weights: Buffer
    sums: Buffer
    small: Buffer
