"""The person's layer in the light of what is behind: a colour map, and light around the edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from appliance.cuda.context import Buffer, Context, blocks
from appliance.media.surface import Surface
from appliance.pixels.cpu.light import light_grid
from appliance.pixels.gpu.layer import PersonLayer

__all__ = ["Soft", "Wrap", "enlarge", "light_grid", "relight", "shrink", "small_picture"]

_BLOCK = (32, 4)


@dataclass(frozen=True, slots=True)
class Wrap:
    """Light that comes round the person's edge from behind, on a small grid over the picture.

    Attributes:
        soft: address of uint8 (rows, columns): the layer's alpha, out of focus.
        strength: 0..1; ``cpu.Wrap.share`` is strength * (1 - soft).
        luma, chroma: addresses of uint8 (rows, columns) and (rows, columns, 2): the light behind.
    """

    soft: int
    strength: float
    luma: int
    chroma: int


def shrink(
    context: Context, plane: int, pitch: int, size: tuple[int, int], step: int, out: int,
    grid: tuple[int, int],
) -> None:  # fmt: skip
    """``cpu.shrink``, dense, of a plane of ``step`` interleaved channels; ``size`` in pixels.

    Args:
        size: width and height. grid: rows and columns of ``out``.
    """
    (width, height), (rows, columns) = size, grid
    if width < columns or height < rows:
        _bilinear(context, plane, pitch, size, step, out, (columns, rows))
        return
    context.kernels["shrink"](
        blocks(columns * step, rows, _BLOCK), (*_BLOCK, 1), plane=plane, pitch=pitch, width=width,
        height=height, step=step, out=out, rows=rows, columns=columns,
    )  # fmt: skip


def enlarge(
    context: Context, plane: int, grid: tuple[int, int], step: int, out: int, size: tuple[int, int]
) -> None:
    """A dense plane of ``grid`` rows and columns as one of ``size``, width and height."""
    rows, columns = grid
    _bilinear(context, plane, columns * step, (columns, rows), step, out, size)


def _bilinear(
    context: Context, plane: int, pitch: int, size: tuple[int, int], step: int, out: int,
    to: tuple[int, int],
) -> None:  # fmt: skip
    context.kernels["enlarge"](
        blocks(-(-to[0] * step // 4), to[1], _BLOCK), (*_BLOCK, 1), plane=plane, pitch=pitch,
        width=size[0], height=size[1], step=step, out=out, out_pitch=to[0] * step,
        out_width=to[0], out_height=to[1],
    )  # fmt: skip


def small_picture(context: Context, picture: Surface, luma: int, chroma: int) -> None:
    """``cpu.small_picture``, into two dense planes."""
    width, height = picture.width, picture.height
    grid = light_grid(width, height)
    shrink(context, picture.address, picture.pitch, (width, height), 1, luma, grid)
    half = (width // 2, height // 2)
    shrink(context, picture.uv, picture.uv_pitch, half, 2, chroma, grid)


class Soft:
    """``cpu.soft``, of dense planes of one size and sigma; keeps its memory."""

    def __init__(
        self, context: Context, grid: tuple[int, int], sigma: float, down: float | None = None
    ) -> None:
        """``grid``: rows and columns. ``down``: sigma along columns, if another one."""
        self._context, self._grid, self.sigma = context, grid, sigma
        self._across = _gauss(context, sigma)
        self._down = self._across if down is None else _gauss(context, down)
        self._sums: Buffer = context.alloc(2 * 4 * grid[0] * grid[1])

    def __call__(self, plane: int, step: int, out: int) -> None:
        """Blur a plane of ``step`` interleaved channels into ``out``."""
        rows, columns = self._grid
        kernels, grid = self._context.kernels, blocks(columns * step, rows, _BLOCK)
        small = {"width": columns, "height": rows, "step": step}
        kernels["gauss_rows"](
            grid, (*_BLOCK, 1), plane=plane, pitch=columns * step, **small, **_named(self._across),
            out=self._sums.address,
        )  # fmt: skip
        kernels["gauss_columns"](
            grid, (*_BLOCK, 1), sums=self._sums.address, **small, **_named(self._down), out=out,
            out_pitch=columns * step,
        )  # fmt: skip


def _gauss(context: Context, sigma: float) -> tuple[Buffer, int]:
    """Weights in device memory, and their radius."""
    sigma = max(0.3, sigma)
    # OpenCV's kernel size for 8-bit pictures.
    size = round(sigma * 6 + 1) | 1
    return context.upload(cv2.getGaussianKernel(size, sigma, cv2.CV_32F).ravel()), size // 2


def _named(gauss: tuple[Buffer, int]) -> dict[str, int]:
    return {"weights": gauss[0].address, "radius": gauss[1]}


def relight(context: Context, layer: PersonLayer, matrix: int, wrap: Wrap | None) -> None:
    """``cpu.Relight``'s call; ``matrix``: address of 12 floats in device memory, 0: none."""
    rect, front = layer.rect, layer.front
    if rect.area == 0 or (matrix == 0 and wrap is None):
        return
    front.check_part(rect)
    rows, columns = light_grid(front.width, front.height)
    context.kernels["relight"](
        blocks(rect.width // 2, rect.height // 2, _BLOCK), (*_BLOCK, 1), **front.arguments(),
        alpha=layer.alpha, alpha_pitch=layer.pitch, width=front.width, height=front.height,
        left=rect.x, top=rect.y, right=rect.right, bottom=rect.bottom, matrix=matrix,
        soft=wrap.soft if wrap else 0, luma=wrap.luma if wrap else 0,
        chroma=wrap.chroma if wrap else 0, rows=rows, columns=columns,
        strength=wrap.strength if wrap else 0.0,
    )  # fmt: skip
