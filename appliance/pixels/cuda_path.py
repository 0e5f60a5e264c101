"""The path of one frame on the GPU, from surface to composite, without a wait or an allocation.

The twin of ``crop_planes`` to ``Compositor`` as ``pipeline`` and ``postprocess`` call them on the
CPU. What the host needs of it, the box and the count for the ROI tracker and whether the matte was
refused, arrives one frame late by an asynchronous copy; what must not be late, the decision whether
the person is shown at all, is taken on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.frame import F32, U8, Colour, Rect
from appliance.pixels.cuda_context import Context
from appliance.pixels.cuda_frame import DeviceMatte, composite
from appliance.pixels.cuda_grid import VERDICT, Grid, Plane, Raw, Tensor
from appliance.pixels.cuda_surfaces import DeviceOverlay, Surface
from appliance.settings import Settings


@dataclass(frozen=True, slots=True)
class Report:
    """What a frame's matte came to, as the host reads it a frame later.

    Attributes:
        rect: the part of the frame that was looked at.
        grid: rows and columns of the grid over it.
        box: around the kept components, in grid pixels; None for none.
        count: components kept.
        refused: why the matte was not trusted: ``""``, ``"nan"`` or ``"coverage"``.
        mean: of the raw alpha.
    """

    rect: Rect
    grid: tuple[int, int]
    box: Rect | None
    count: int
    refused: str
    mean: float


class _Slot:
    """What belongs to one of two frames: this one and the last."""

    def __init__(self, context: Context, rows: int, columns: int) -> None:
        pixels = 4 * rows * columns
        self.planes = context.alloc(3 * pixels)
        self.alpha = context.alloc(pixels)
        self.coefficients = context.alloc(2 * pixels)
        self.verdict = context.alloc(VERDICT.itemsize, zero=True)
        self.read: U8 = context.pinned((VERDICT.itemsize,), np.uint8)
        with context.guard("making an event"):
            self.event = context.driver.Event(context.driver.event_flags.DISABLE_TIMING)
        self.rect = Rect(0, 0, 0, 0)
        self.grid = (0, 0)


class FramePath:
    """``look``, the network on the same stream, ``launch``, ``report``: frame by frame."""

    def __init__(
        self, context: Context, settings: Settings, tensor: Tensor, colour: Colour, *, mean: F32,
        scale: F32, bgr: bool = False,
    ) -> None:  # fmt: skip
        """Take all memory.

        Args:
            tensor: the network's input, in device memory.
            mean, scale, bgr: see ``planes_to_tensor``.
        """
        self._context, self._settings, self._tensor = context, settings, tensor
        rows, columns = tensor.rows, tensor.columns
        self.grid = Grid(
            context, rows, columns, colour=colour, mean=mean, scale=scale, bgr=bgr,
            grow=settings.clean.grow,
        )  # fmt: skip
        self._slots = (_Slot(context, rows, columns), _Slot(context, rows, columns))
        self._moved = context.alloc(4 * rows * columns)
        self._shift = context.alloc(3 * 4 * rows * columns)
        self._zero = context.alloc(2 * 4 * rows * columns, zero=True)
        self._frames = 0
        self._history = False
        self._inner: Rect | None = None

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._history = False

    def look(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """Crop ``rect`` of the frame into the part ``inner`` of the network's input.

        Raises:
            ValueError: ``rect`` or ``inner`` is not inside.
        """
        slot = self._slots[self._frames & 1]
        if inner != self._inner:
            self.grid.fill_black(self._tensor)
            self._inner = inner
        slot.rect, slot.grid = rect, (inner.height, inner.width)
        planes = Plane(slot.planes.address, inner.height, inner.width)
        self.grid.crop_planes(surface, rect, planes, self._tensor, inner.x, inner.y)

    def launch(
        self, raw: Raw, frame: Surface, background: Surface, out: Surface, *,
        overlay: DeviceOverlay | None = None, matte_out: int = 0, matte_pitch: int = 0,
    ) -> None:  # fmt: skip
        """From the network's alpha of ``look``'s part to the composite.

        Args:
            raw: the part ``inner`` of the network's alpha.

        ``out`` is finished when all that was launched is (``Context.synchronize``).

        Raises:
            ValueError: surfaces do not fit.
        """
        slot, last = self._slots[self._frames & 1], self._slots[self._frames + 1 & 1]
        matte = self._matte(raw, slot, last)
        composite(
            self._context, frame, background, matte, out,
            feather_fraction=self._settings.composite.feather, overlay=overlay,
            matte_out=matte_out, matte_pitch=matte_pitch,
        )  # fmt: skip
        driver, stream = self._context.driver, self._context.stream
        with self._context.guard("reading the verdict back"):
            driver.memcpy_dtoh_async(slot.read, slot.verdict.address, stream)
        self._frames += 1
        self._history = True

    def report(self) -> Report | None:
        """The report on the frame before the one launched last; None where there was none.

        Call it once after each ``launch``. It waits for that earlier frame only, which is done by
        then.
        """
        this, last = self._slots[self._frames + 1 & 1], self._slots[self._frames & 1]
        with self._context.guard("marking the frame's end"):
            this.event.record(self._context.stream)
        return self._report(last) if self._frames > 1 else None

    def _matte(self, raw: Raw, slot: _Slot, last: _Slot) -> DeviceMatte:
        s, grid = self._settings, self.grid
        rows, columns = slot.grid
        planes, alpha = (Plane(b.address, rows, columns) for b in (slot.planes, slot.alpha))
        keep, area = (s.clean.keep, s.clean.min_area) if s.clean.enabled else ("all", 0.0)
        verdict = slot.verdict.address
        grid.keep_components(
            raw, s.clean.threshold, keep, area, s.matting.max_coverage, verdict, alpha
        )
        if s.clean.enabled:
            grid.clean(alpha)
        moved = Plane(self._moved.address, rows, columns)
        # Run even when there is nothing to steady: it finds the largest alpha.
        steadied = s.steady.enabled and self._history
        before = last if last.grid[0] else slot
        grid.steady(
            planes, alpha, Plane(before.planes.address, *before.grid),
            Plane(before.alpha.address, *before.grid), source=before.rect, target=slot.rect,
            low=s.steady.motion_low, high=s.steady.motion_high, strength=s.steady.strength,
            history=steadied, previous=before.verdict.address, moved=moved, verdict=verdict,
        )  # fmt: skip
        shift = Plane(self._shift.address, rows, columns) if s.refine.decontaminate else None
        if s.refine.enabled:
            coefficients = Plane(slot.coefficients.address, rows, columns)
            same = steadied and (before.rect, before.grid) == (slot.rect, slot.grid)
            grid.guided_coefficients(
                planes, alpha, s.refine.radius, s.refine.epsilon, coefficients,
                previous=Plane(last.coefficients.address, rows, columns) if same else None,
                moved=moved, strength=s.steady.strength,
            )  # fmt: skip
            slope, offset = coefficients, coefficients.plane(1)
        else:
            slope, offset = Plane(self._zero.address, rows, columns), alpha
        if shift:
            grid.foreground_shift(planes, alpha, s.refine.radius + 3, shift)
        levels = s.refine.levels if s.refine.enabled else 0.0
        return DeviceMatte(slot.rect, slope, offset, shift, levels, verdict)

    def _report(self, slot: _Slot) -> Report:
        """The verdict on a frame whose work was launched a frame ago."""
        with self._context.guard("waiting for the last frame's verdict"):
            slot.event.synchronize()
        v = slot.read.view(VERDICT)[0]
        left, top = int(v["left"]), int(v["top"])
        width, height = int(v["right"]) - left, int(v["bottom"]) - top
        return Report(
            slot.rect, slot.grid, Rect(left, top, width, height) if v["count"] else None,
            int(v["count"]), ("", "nan", "coverage")[int(v["refused"])], float(v["mean"]),
        )  # fmt: skip
