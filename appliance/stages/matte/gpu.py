"""The path of one frame on the GPU, from surface to composite, without a wait or an allocation.

The twin of ``crop_planes`` to ``Compositor`` as ``pipeline`` and ``postprocess`` call them on the
CPU. What the host needs of it, the box and the count for the ROI tracker and whether the matte was
refused, follows the composite by an asynchronous copy. The host does not wait for it before it
launches the composite: the decision whether the person is shown at all is taken on the device.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from appliance.config.settings import Settings
from appliance.cuda.context import Context
from appliance.media.frame import F32, U8, Colour, Rect
from appliance.media.surface import DeviceOverlay, Surface
from appliance.pixels.gpu.components import clean, keep_components
from appliance.pixels.gpu.composite import Matte, composite
from appliance.pixels.gpu.crop import crop_planes, fill_black
from appliance.pixels.gpu.guided import foreground_shift, guided_coefficients
from appliance.pixels.gpu.planes import VERDICT, Plane, Raw, Tensor
from appliance.pixels.gpu.scratch import Scratch
from appliance.pixels.gpu.steady import steady


@dataclass(frozen=True, slots=True)
class Report:
    """What a frame's matte came to, as the host reads it when the composite is finished.

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


class _Verdict:
    """A VERDICT on the device, where the host reads it, and when it may."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._buffer = context.alloc(VERDICT.itemsize, zero=True)
        self.address = self._buffer.address
        self._read: U8 = context.pinned((VERDICT.itemsize,), np.uint8)
        with context.guard("making an event"):
            self._event = context.driver.Event(context.driver.event_flags.DISABLE_TIMING)
        self.rect = Rect(0, 0, 0, 0)
        self.grid = (0, 0)

    def fetch(self) -> None:
        """Launch the copy to the host."""
        with self._context.guard("reading the verdict back"):
            self._context.driver.memcpy_dtoh_async(self._read, self.address, self._context.stream)

    def mark(self) -> None:
        """All of it has been launched. Not to be recorded into a graph."""
        with self._context.guard("marking the verdict's end"):
            self._event.record(self._context.stream)

    def report(self) -> Report:
        """What it says; waits where that is not there yet."""
        self._context.wait(self._event, "waiting for the verdict")
        v = self._read.view(VERDICT)[0]
        left, top = int(v["left"]), int(v["top"])
        width, height = int(v["right"]) - left, int(v["bottom"]) - top
        return Report(
            self.rect, self.grid, Rect(left, top, width, height) if v["count"] else None,
            int(v["count"]), ("", "nan", "coverage")[int(v["refused"])], float(v["mean"]),
        )  # fmt: skip


class _Slot:
    """What belongs to one of two frames: this one and the last."""

    def __init__(self, context: Context, rows: int, columns: int) -> None:
        pixels = 4 * rows * columns
        self.planes = context.alloc(3 * pixels)
        self.alpha = context.alloc(pixels)
        self.coefficients = context.alloc(2 * pixels)
        self.verdict = _Verdict(context)
        self.refined = False
        """Whether ``coefficients`` are this frame's."""

    @property
    def rect(self) -> Rect:
        """The part of the frame that was looked at."""
        return self.verdict.rect

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns over it."""
        return self.verdict.grid


class FramePath:
    """``look``, the network on the same stream, ``launch``, ``report``: frame by frame.

    ``look`` is ``aim`` and ``crop``, ``launch`` is ``finish`` and ``end``. ``crop`` and ``finish``
    only launch, and launch the same for the same surfaces and the same ``crop_key`` and
    ``finish_key``: they may be recorded into CUDA graphs and replayed. ``aim`` and ``end`` keep
    the books, and are called for every frame.
    """

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
        self._scratch = Scratch(
            context, rows, columns, colour=colour, mean=mean, scale=scale, bgr=bgr,
            grow=settings.clean.grow,
        )  # fmt: skip
        self._slots = (_Slot(context, rows, columns), _Slot(context, rows, columns))
        self._aside = context.alloc(3 * 4 * rows * columns)
        self._aside_verdict = _Verdict(context)
        self._moved = context.alloc(4 * rows * columns)
        self._shift = context.alloc(3 * 4 * rows * columns)
        self._zero = context.alloc(2 * 4 * rows * columns, zero=True)
        self._frames = 0
        self._history = False
        self._inner: Rect | None = None
        self._fill = False
        self._changes = 0

    @property
    def _this(self) -> _Slot:
        return self._slots[self._frames & 1]

    @property
    def _last(self) -> _Slot:
        return self._slots[self._frames + 1 & 1]

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on. Between two frames: it may wait."""
        self._settings = settings
        self._changes += 1
        self._scratch.regrow(settings.clean.grow)

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._history = False

    def look(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """Crop ``rect`` of the frame into the part ``inner`` of the network's input.

        Raises:
            ValueError: ``rect`` or ``inner`` is not inside.
        """
        self.aim(rect, inner)
        self.crop(surface)

    def aim(self, rect: Rect, inner: Rect) -> None:
        """What ``crop`` is going to crop, and where to."""
        self._this.verdict.rect, self._this.verdict.grid = rect, (inner.height, inner.width)
        self._fill = inner != self._inner
        self._inner = inner

    @property
    def crop_key(self) -> Hashable:
        """What ``crop`` launches, but for the surface."""
        # The grid's planes alternate with the frames.
        return (self._frames & 1, self._this.rect, self._inner, self._fill)

    def crop(self, surface: Surface) -> None:
        """Crop what ``aim`` said."""
        self._crop(surface, self._this.rect, self._this.planes.address)

    def _crop(self, surface: Surface, rect: Rect, planes: int) -> None:
        inner = self._inner
        assert inner is not None
        if self._fill:
            fill_black(self._scratch, self._tensor)
        crop_planes(
            self._scratch, surface, rect, Plane(planes, inner.height, inner.width), self._tensor,
            inner.x, inner.y,
        )  # fmt: skip

    def look_aside(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """``look``, but for ``judge_aside``: this frame's and the last one's grids stay."""
        verdict = self._aside_verdict
        verdict.rect, verdict.grid = rect, (inner.height, inner.width)
        self._fill, self._inner = inner != self._inner, inner
        self._crop(surface, rect, self._aside.address)

    def judge_aside(self, raw: Raw) -> None:
        """Components and verdict of the network's alpha of ``look_aside``'s part."""
        s, verdict = self._settings, self._aside_verdict
        keep_components(
            self._scratch, raw, s.clean.threshold, s.clean.keep, s.clean.min_area,
            s.matting.max_coverage, verdict.address,
        )  # fmt: skip
        verdict.fetch()
        verdict.mark()

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
        self.finish(
            raw, frame, background, out, overlay=overlay, matte_out=matte_out,
            matte_pitch=matte_pitch,
        )  # fmt: skip
        self.end()

    @property
    def finish_key(self) -> Hashable:
        """What ``finish`` launches, but for alpha and the surfaces."""
        this, last = self._this, self._last
        return (
            self._frames & 1, self._changes, self._history, this.rect, this.grid, last.rect,
            last.grid, last.refined,
        )  # fmt: skip

    def finish(
        self, raw: Raw, frame: Surface, background: Surface, out: Surface, *,
        overlay: DeviceOverlay | None = None, matte_out: int = 0, matte_pitch: int = 0,
    ) -> None:  # fmt: skip
        """See ``launch``."""
        matte = self._matte(raw, self._this, self._last)
        composite(
            self._context, frame, background, matte, out,
            feather_fraction=self._settings.composite.feather, overlay=overlay,
            matte_out=matte_out, matte_pitch=matte_pitch,
        )  # fmt: skip
        self._this.verdict.fetch()

    def end(self, *, marked: bool = True) -> None:
        """All of this frame has been launched. Not ``marked``: there will be no report on it."""
        if marked:
            self._this.verdict.mark()
        self._this.refined = self._settings.refine.enabled
        self._frames += 1
        self._history = True

    def report(self) -> Report:
        """The report on the frame launched last, which costs no wait once its composite is there.

        Raises:
            RuntimeError: nothing has been launched yet.
        """
        if self._frames == 0:
            raise RuntimeError("a report was asked for before any frame was launched")
        return self._last.verdict.report()

    def report_aside(self) -> Report:
        """The report on the last look aside."""
        return self._aside_verdict.report()

    def _matte(self, raw: Raw, slot: _Slot, last: _Slot) -> Matte:
        s, scratch = self._settings, self._scratch
        rows, columns = slot.grid
        planes, alpha = (Plane(b.address, rows, columns) for b in (slot.planes, slot.alpha))
        keep, area = (s.clean.keep, s.clean.min_area) if s.clean.enabled else ("all", 0.0)
        verdict = slot.verdict.address
        keep_components(
            scratch, raw, s.clean.threshold, keep, area, s.matting.max_coverage, verdict, alpha
        )
        if s.clean.enabled:
            clean(scratch, alpha)
        moved = Plane(self._moved.address, rows, columns)
        # Run even when there is nothing to steady: it finds the largest alpha.
        steadied = s.steady.enabled and self._history
        before = last if last.grid[0] else slot
        steady(
            scratch, planes, alpha, Plane(before.planes.address, *before.grid),
            Plane(before.alpha.address, *before.grid), source=before.rect, target=slot.rect,
            low=s.steady.motion_low, high=s.steady.motion_high, strength=s.steady.strength,
            history=steadied, previous=before.verdict.address, moved=moved, verdict=verdict,
        )  # fmt: skip
        shift = Plane(self._shift.address, rows, columns) if s.refine.decontaminate else None
        if s.refine.enabled:
            coefficients = Plane(slot.coefficients.address, rows, columns)
            same = steadied and last.refined
            same = same and (before.rect, before.grid) == (slot.rect, slot.grid)
            guided_coefficients(
                scratch, planes, alpha, s.refine.radius, s.refine.epsilon, coefficients,
                previous=Plane(last.coefficients.address, rows, columns) if same else None,
                moved=moved, strength=s.steady.strength,
            )  # fmt: skip
            slope, offset = coefficients, coefficients.plane(1)
        else:
            slope, offset = Plane(self._zero.address, rows, columns), alpha
        if shift:
            foreground_shift(scratch, planes, alpha, s.refine.radius + 3, shift)
        levels = s.refine.levels if s.refine.enabled else 0.0
        return Matte(slot.rect, slope, offset, shift, levels, verdict)
