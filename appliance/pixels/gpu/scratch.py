"""The GPU's operations on the network's grid: crop, clean, steady, refine.

Names and meaning as in ``cpu``. Planes are dense float32 in device memory; everything is launched
on the context's stream and nothing is waited for.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.cuda.context import Buffer, Context, blocks
from appliance.media.frame import F32, Colour, Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.convert import bgr_to_yuv
from appliance.pixels.cpu.crop import yuv_to_rgb
from appliance.pixels.gpu.planes import Plane, Raw, Tensor

# Sizes of the structs in components.cuh.
_COMPONENT_BYTES, _TALLY_BYTES = 24, 16
# As in crop.cuh: column sums that a block can hold, less what stretches overhang at its two ends.
_CROP_LINE, _CROP_THREADS, _CROP_CHUNK = 2048 - 8, 128, 64
_TILE = 16
_BLOCK = (32, 8)
_FOLD_BLOCKS = 64


class Grid:
    """The operations, with scratch memory for grids of up to ``rows`` x ``columns``."""

    def __init__(
        self,
        context: Context,
        rows: int,
        columns: int,
        *,
        colour: Colour,
        mean: F32,
        scale: F32,
        bgr: bool = False,
        grow: int = 4,
    ) -> None:
        """``mean``, ``scale``, ``bgr``: see ``planes_to_tensor``; ``grow``: see ``clean``."""
        self.context, self.rows, self.columns, self.grow = context, rows, columns, grow
        matrix = yuv_to_rgb(colour)[::-1] if bgr else yuv_to_rgb(colour)
        words = np.concatenate((matrix.ravel(), mean, scale)).astype(np.float32)
        self._conversion = context.upload(words)
        self._bgr_to_yuv = context.upload(bgr_to_yuv(colour))
        self._widths = context.upload(disc_widths(grow))
        pixels, squares = rows * columns, ((rows + 1) // 2) * ((columns + 1) // 2)
        self._sums = context.alloc(8 * 4 * pixels)
        self._ab = context.alloc(2 * 4 * pixels)
        self._parent = context.alloc(4 * squares)
        self._bits = context.alloc(squares)
        self._components = context.alloc(_COMPONENT_BYTES * squares)
        self._roots = context.alloc(4 * squares)
        self._finals = context.alloc(4 * squares)
        self._tally = context.alloc(_TALLY_BYTES, zero=True)
        self._mask = context.alloc(pixels)
        self._reach = context.alloc(pixels)

    def regrow(self, grow: int) -> None:
        """Take another ``grow``; allocates and waits, so between two frames only."""
        if grow != self.grow:
            self.grow = grow
            self._widths = self.context.upload(disc_widths(grow))

    @property
    def mask(self) -> Buffer:
        """What ``keep_components`` kept: uint8 (rows, columns), dense."""
        return self._mask

    def _fits(self, rows: int, columns: int) -> None:
        if rows * columns > self.rows * self.columns or columns < 1 or rows < 1:
            raise ValueError(
                f"a grid of {columns}x{rows}: memory was taken for {self.columns}x{self.rows}"
            )

    def crop_planes(
        self, surface: Surface, rect: Rect, out: Plane, tensor: Tensor | None = None,
        x: int = 0, y: int = 0,
    ) -> None:  # fmt: skip
        """``crop_planes`` (``crop_yuyv``, ``crop_bgrx``) and ``planes_to_tensor`` in one pass.

        Args:
            surface: NV12, YUYV or BGRx. rect: inside it, even on all sides.
            out: three planes, overwritten. tensor: its part at (x, y) of ``out``'s size is written.

        Raises:
            ValueError: ``rect`` is empty, odd, or not inside; or the grid does not fit.
        """
        self._fits(out.rows, out.columns)
        surface.check_part(rect)
        if tensor and (x + out.columns > tensor.columns or y + out.rows > tensor.rows):
            raise ValueError(f"a grid at ({x}, {y}) does not fit in {tensor}")
        chunk = min(_CROP_CHUNK, _CROP_LINE * out.columns // rect.width)
        if chunk < 1:
            raise ValueError(f"{rect} to {out.columns} columns: more than {_CROP_LINE} to one")
        name = f"crop_{surface.kind}_{tensor.suffix if tensor else 'f32'}"
        extra = {"to_yuv": self._bgr_to_yuv.address} if surface.kind == "bgrx" else {}
        self.context.kernels[name](
            (-(-out.columns // chunk), out.rows, 1), (_CROP_THREADS, 1, 1),
            **surface.arguments(), x0=rect.x, y0=rect.y, width=rect.width, height=rect.height,
            rows=out.rows, columns=out.columns, chunk=chunk, planes=out.address,
            tensor=tensor.address if tensor else 0, tensor_rows=tensor.rows if tensor else 0,
            tensor_columns=tensor.columns if tensor else 0, tensor_x=x, tensor_y=y,
            conversion=self._conversion.address, **extra,
        )  # fmt: skip

    def fill_black(self, tensor: Tensor) -> None:
        """Make the whole tensor black: for the bars beside a part of another shape."""
        self.context.kernels[f"fill_black_{tensor.suffix}"](
            (-(-tensor.rows * tensor.columns // 256), 1, 1), (256, 1, 1),
            tensor=tensor.address, tensor_rows=tensor.rows, tensor_columns=tensor.columns,
            conversion=self._conversion.address,
        )  # fmt: skip

    def keep_components(
        self, raw: Raw, threshold: float, keep: str, min_area: float, max_coverage: float,
        verdict: int, alpha: Plane | None = None,
    ) -> None:  # fmt: skip
        """``keep_components`` and ``check_alpha``; ``alpha`` gets ``raw`` clipped to 0..1.

        ``verdict`` is the address of a VERDICT, overwritten; ``mask`` gets what was kept.
        """
        rows, columns, kernels = raw.rows, raw.columns, self.context.kernels
        self._fits(rows, columns)
        wide, high = (columns + 1) // 2, (rows + 1) // 2
        shape = {"rows": rows, "columns": columns}
        kernels[f"components_tiles_{'f16' if raw.half else 'f32'}"](
            blocks(wide, high, (_TILE, _TILE)), (_TILE, _TILE, 1),
            raw=raw.address, stride=raw.stride, **shape, threshold=threshold,
            alpha=alpha.address if alpha else 0, parent=self._parent.address,
            bits=self._bits.address, components=self._components.address,
            roots=self._roots.address, tally=self._tally.address,
        )  # fmt: skip
        border = (high - 1) // _TILE * wide + (wide - 1) // _TILE * high
        if border:
            kernels["components_merge"](
                (-(-border // 128), 1, 1), (128, 1, 1),
                bits=self._bits.address, parent=self._parent.address, **shape,
            )  # fmt: skip
        kernels["components_fold"](
            (_FOLD_BLOCKS, 1, 1), (256, 1, 1),
            parent=self._parent.address, components=self._components.address,
            roots=self._roots.address, finals=self._finals.address, tally=self._tally.address,
        )  # fmt: skip
        kernels["components_choose"](
            (1, 1, 1), (256, 1, 1),
            components=self._components.address, finals=self._finals.address,
            tally=self._tally.address, **shape, largest_only=int(keep == "largest"),
            min_area=min_area, max_coverage=max_coverage, verdict=verdict,
        )  # fmt: skip
        kernels["components_mask"](
            blocks(wide, high, _BLOCK), (*_BLOCK, 1),
            parent=self._parent.address, bits=self._bits.address,
            components=self._components.address, **shape, mask=self._mask.address,
        )  # fmt: skip

    def clean(self, alpha: Plane) -> None:
        """``clean``, in place, with the mask of the last ``keep_components`` of the same grid."""
        shape = {"rows": alpha.rows, "columns": alpha.columns, "grow": self.grow}
        grid = blocks(alpha.columns, alpha.rows, _BLOCK)
        self.context.kernels["clean_reach"](
            grid, (*_BLOCK, 1), mask=self._mask.address, **shape, reach=self._reach.address
        )
        self.context.kernels["clean_fade"](
            grid, (*_BLOCK, 1), alpha=alpha.address, mask=self._mask.address,
            reach=self._reach.address, widths=self._widths.address, **shape,
        )  # fmt: skip

    def resample(self, plane: Plane, source: Rect, target: Rect, border: float, out: Plane) -> None:
        """``resample``; ``out`` must not be ``plane``."""
        self.context.kernels["resample"](
            blocks(out.columns, out.rows, _BLOCK), (*_BLOCK, 1),
            plane=plane.address, plane_rows=plane.rows, plane_columns=plane.columns,
            **warp(plane, source, target, out), border=border, out=out.address, rows=out.rows,
            columns=out.columns,
        )  # fmt: skip

    def steady(
        self, planes: Plane, alpha: Plane, previous_planes: Plane, previous_alpha: Plane, *,
        source: Rect, target: Rect, low: float, high: float, strength: float, history: bool,
        previous: int, moved: Plane, verdict: int,
    ) -> None:  # fmt: skip
        """``motion`` and ``steady`` with the last planes, ``resample``d from ``source``; in place.

        ``planes`` and ``previous_planes`` hold three each: Y, Cb, Cr.

        ``moved`` gets where the picture moved: 1 everywhere where there is no past, which is when
        ``history`` is False or the VERDICT at ``previous`` showed nobody. The VERDICT at
        ``verdict`` gets the largest alpha.
        """
        self.context.kernels["steady"](
            blocks(alpha.columns, alpha.rows, _BLOCK), (*_BLOCK, 1),
            planes=planes.address, alpha=alpha.address, previous_planes=previous_planes.address,
            previous_alpha=previous_alpha.address, rows=alpha.rows, columns=alpha.columns,
            **warp(previous_alpha, source, target, alpha),
            previous_rows=previous_alpha.rows, previous_columns=previous_alpha.columns,
            low=low, high=high, strength=strength, history=int(history), previous=previous,
            moved=moved.address, verdict=verdict,
        )  # fmt: skip

    def guided_coefficients(
        self, luma: Plane, alpha: Plane, radius: int, epsilon: float, out: Plane, *,
        previous: Plane | None = None, moved: Plane | None = None, strength: float = 0.0,
    ) -> None:  # fmt: skip
        """``guided_coefficients``; with ``previous`` and ``moved``, ``steady`` on both of them."""
        kernels, grid = self.context.kernels, blocks(alpha.columns, alpha.rows, _BLOCK)
        shape = {"rows": alpha.rows, "columns": alpha.columns, "radius": radius}
        kernels["guided_rows"](
            grid, (*_BLOCK, 1), luma=luma.address, alpha=alpha.address, **shape,
            out=self._sums.address,
        )  # fmt: skip
        kernels["guided_columns"](
            grid, (*_BLOCK, 1), sums=self._sums.address, **shape, epsilon=epsilon,
            out=self._ab.address,
        )  # fmt: skip
        kernels["guided_mean_rows"](
            grid, (*_BLOCK, 1), ab=self._ab.address, **shape, out=self._sums.address
        )
        kernels["guided_mean_columns"](
            grid, (*_BLOCK, 1), sums=self._sums.address, **shape,
            previous=previous.address if previous else 0, moved=moved.address if moved else 0,
            strength=strength, out=out.address,
        )  # fmt: skip

    def foreground_shift(self, planes: Plane, alpha: Plane, radius: int, out: Plane) -> None:
        """``foreground_shift``: three planes out."""
        kernels, grid = self.context.kernels, blocks(alpha.columns, alpha.rows, _BLOCK)
        shape = {"rows": alpha.rows, "columns": alpha.columns, "radius": radius}
        kernels["shift_rows"](
            grid, (*_BLOCK, 1), planes=planes.address, alpha=alpha.address, **shape,
            out=self._sums.address,
        )  # fmt: skip
        kernels["shift_columns"](
            grid, (*_BLOCK, 1), sums=self._sums.address, **shape, out=out.address
        )


def warp(plane: Plane, source: Rect, target: Rect, out: Plane) -> dict[str, float]:
    """How ``plane`` over ``source`` lies under a grid over ``target``: see ``cpu.resample``."""
    same = source == target and (plane.rows, plane.columns) == (out.rows, out.columns)
    scale_x = target.width / out.columns * plane.columns / source.width
    scale_y = target.height / out.rows * plane.rows / source.height
    shift_x = (target.x - source.x) * plane.columns / source.width
    shift_y = (target.y - source.y) * plane.rows / source.height
    return {
        "scale_x": scale_x, "shift_x": 0.5 * scale_x - 0.5 + shift_x,
        "scale_y": scale_y, "shift_y": 0.5 * scale_y - 0.5 + shift_y, "same": int(same),
    }  # fmt: skip


def disc_widths(grow: int) -> NDArray[np.int32]:
    """Half the width of each row of OpenCV's disc of radius ``grow``; -1 for an empty row."""
    size = 2 * grow + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray((disc.sum(axis=1, dtype=np.int32) - 1) // 2, np.int32)
