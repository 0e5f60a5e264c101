"""From raw alpha to the matte that is composited, on the GPU: clean, steady, refine.

The twin of ``cpu``. The host launches the composite without waiting: whether the matte is
plausible, and whether anybody is there at all, is decided on the device (``keep_components``).
"""

from __future__ import annotations

from collections.abc import Hashable

from appliance.pixels.gpu.components import clean, keep_components
from appliance.pixels.gpu.guided import foreground_shift, guided_coefficients
from appliance.pixels.gpu.matte import Matte
from appliance.pixels.gpu.planes import Plane
from appliance.pixels.gpu.steady import steady
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.matte.hold import hold, thirtieths
from appliance.stages.participants import by_participation


class MatteSteps:
    """The steps between network and composite; what they remember is in the previous slot."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._pts = 0  # of the last frame
        self._thirtieths = 1

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a change of geometry."""
        self._common.memory.history = False

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Note how long ago the last frame was, and tell the device who was there."""
        self._thirtieths = thirtieths(self._pts, work.frame.pts)
        common = self._common
        if by_participation(common.settings.clean):
            this = common.memory.this
            known = common.participants.known(work.frame.pts, this.rect, this.grid)
            common.memory.known.put(known)

    def end(self, work: DeviceWork) -> None:
        """This frame is the last one."""
        self._pts = work.frame.pts

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        memory = self._common.memory
        this, last = memory.this, memory.last
        return (
            memory.frames & 1, memory.changes, memory.history, this.rect, this.grid, last.rect,
            last.grid, last.refined, self._thirtieths, work.raw,
        )  # fmt: skip

    def clean(self, work: DeviceWork) -> None:
        """Check alpha, keep the components that are people, note their box for the host."""
        assert work.raw is not None
        memory, s = self._common.memory, self._common.settings
        alpha = work.alpha = Plane(memory.unsteadied.address, *memory.this.grid)
        keep, area = (s.clean.keep, s.clean.min_area) if s.clean.enabled else ("all", 0.0)
        rect = memory.this.rect
        # The ROI's own border cuts nobody: the next one will be around them.
        sides = (rect.x == 0, rect.right == self._common.format.width)
        keep_components(
            memory.scratch, work.raw, s.clean.threshold, keep, area, s.matting.max_coverage,
            memory.this.verdict.address, alpha, memory.known.address, sides,
        )  # fmt: skip
        if s.clean.enabled:
            clean(memory.scratch, alpha)
        work.kept = True

    def steady(self, work: DeviceWork) -> None:
        """Hold alpha where the picture is still, in place."""
        self._steady(work, history=self._common.memory.history)

    def _steady(self, work: DeviceWork, *, history: bool) -> None:
        assert work.planes is not None
        assert work.alpha is not None
        memory, s = self._common.memory, self._common.settings.steady
        this, last = memory.this, memory.last
        before = last if last.grid[0] else this
        work.moved = Plane(memory.moved.address, *this.grid)
        steadied = Plane(this.alpha.address, *this.grid)
        agreed, disputed = hold(s.strength, self._thirtieths)
        steady(
            memory.scratch, work.planes, work.alpha, Plane(before.planes.address, *before.grid),
            Plane(before.alpha.address, *before.grid), source=before.rect, target=this.rect,
            low=s.motion_low, high=s.motion_high, strength=s.strength, agreed=agreed,
            disputed=disputed, history=history, previous=before.verdict.address, moved=work.moved,
            out=steadied, verdict=this.verdict.address,
        )  # fmt: skip
        work.alpha = steadied

    def refine(self, work: DeviceWork) -> None:
        """Make the edges follow the picture's. If switched off, alpha is enlarged as it is."""
        assert work.planes is not None
        assert work.alpha is not None
        memory, s = self._common.memory, self._common.settings.refine
        this, last = memory.this, memory.last
        held = memory.history and work.moved is not None
        if work.moved is None:
            # Run even where nothing is to be steadied: it finds the largest alpha, and moves alpha.
            self._steady(work, history=False)
        shift = Plane(memory.shift.address, *this.grid) if s.decontaminate else None
        if s.enabled:
            before = last if last.grid[0] else this
            coefficients = Plane(this.coefficients.address, *this.grid)
            same = held and last.refined and (before.rect, before.grid) == (this.rect, this.grid)
            guided_coefficients(
                memory.scratch, work.planes, work.alpha, s.radius, s.epsilon, coefficients,
                previous=Plane(last.coefficients.address, *this.grid) if same else None,
                moved=work.moved, strength=self._common.settings.steady.strength,
            )  # fmt: skip
            slope, offset = coefficients, coefficients.plane(1)
        else:
            slope, offset = Plane(memory.zero.address, *this.grid), work.alpha
        if shift is not None:
            foreground_shift(memory.scratch, work.planes, work.alpha, s.radius + 3, shift)
        levels = s.levels if s.enabled else 0.0
        work.matte = Matte(this.rect, slope, offset, shift, levels, this.verdict.address)
