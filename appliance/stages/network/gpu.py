"""The network run on a part of the frame, on the GPU: crop, network, rescan."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.gpu.components import keep_components
from appliance.pixels.gpu.crop import crop_planes, fill_black
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.pixels.gpu.tiles import join_tiles
from appliance.stages.device.look import DeviceInput, DeviceLook
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.letterbox import inner_rect
from appliance.stages.split import Tile, tiles


class NetworkSteps:
    """The steps from the frame to raw alpha, and the occasional look at the whole frame."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._look: DeviceLook | None = None
        self._looked_at: tuple[Rect, ...] = ()
        self._into: DeviceInput | None = None
        self._apart: tuple[Tile, ...] = ()
        self._fill = False

    def reset(self) -> None:
        """Forget what the network remembers."""
        if self._look is not None:
            self._look.runner.reset()

    def start_over(self) -> None:
        """Forget where the network last looked, as another one has taken its place."""
        self._look, self._looked_at = None, ()

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return self._look is not None and self._look.runner.recordable

    def begin(self, work: DeviceWork) -> None:
        """Aim at the ROI, and note where planes and raw alpha will be."""
        tracker, looks = self._common.tracker, self._common.looks
        assert looks is not None
        look, rect = looks.through(upright=tracker.upright), tracker.roi
        spec, apart = look.ends.spec, () if tracker.upright else self._common.apart
        seen = apart or (rect,)
        if look is not self._look or seen != self._looked_at:
            # The network's recurrent state is about another part of the picture, or dates from
            # when this input of it was last used.
            self._look, self._looked_at = look, seen
            self.reset()
        inner = inner_rect(rect, spec)
        self.aim(work, rect, inner, look.input, tiles(apart, spec.height, spec.width))
        work.raw = look.ends.window(inner)
        if apart:
            joined = self._common.memory.joined.address
            work.raw = Raw(joined, inner.width, inner.height, inner.width)
        work.scan = tracker.rescan_due(work.frame.captured, gaps=bool(apart)) or None

    def aim(
        self, work: DeviceWork, rect: Rect, inner: Rect, into: DeviceInput,
        apart: tuple[Tile, ...] = (),
    ) -> None:  # fmt: skip
        """Look at ``rect``, which goes to the part ``inner`` of an input, or at parts of it."""
        memory = self._common.memory
        work.rect, work.inner = rect, inner
        verdict = memory.this.verdict
        verdict.rect, verdict.grid = rect, (inner.height, inner.width)
        work.planes = Plane(memory.this.planes.address, inner.height, inner.width)
        self._into, self._apart = into, apart
        self._fill = into.turn_to(*(tile.inner for tile in apart)) if apart else into.turn_to(inner)

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        assert work.live is not None
        assert self._into is not None
        memory, look = self._common.memory, self._look
        phase = look.runner.phase if look is not None else 0
        # Which slot holds the planes alternates from frame to frame.
        return (
            memory.frames & 1, work.rect, work.inner, self._apart, self._fill, phase,
            work.live.address, self._into.tensor.address,
        )  # fmt: skip

    def crop(self, work: DeviceWork) -> None:
        """The ROI on the network's grid, and the same in the network's input."""
        assert work.live is not None
        assert work.planes is not None
        assert work.rect is not None
        assert work.inner is not None
        assert self._into is not None
        if not self._apart:
            self._crop(work.live, work.rect, work.inner, work.planes, self._into, fill=self._fill)
            return
        memory = self._common.memory
        crop_planes(memory.scratch, work.live, work.rect, work.planes)
        for number, tile in enumerate(self._apart):
            # The planes are of no use: those over all of ``rect`` are what the matte is made with.
            planes = Plane(memory.aside.address, tile.inner.height, tile.inner.width)
            fill = self._fill and number == 0
            self._crop(work.live, tile.roi, tile.inner, planes, self._into, fill=fill)

    def _crop(
        self, surface: Surface, rect: Rect, inner: Rect, planes: Plane, into: DeviceInput, *,
        fill: bool,
    ) -> None:  # fmt: skip
        scratch = self._common.memory.scratch
        if fill:
            fill_black(scratch, into.tensor)
        crop_planes(scratch, surface, rect, planes, into.tensor, inner.x, inner.y)

    def network(self, work: DeviceWork) -> None:
        """Raw alpha of the ROI. Raises MattingError when the runner refuses."""
        assert self._look is not None
        self._look.run(self._look.runner.launch)
        if self._apart:
            assert work.rect is not None
            assert work.planes is not None
            memory, ends = self._common.memory, self._look.ends
            join_tiles(
                memory.scratch, [(ends.window(tile.inner), tile.roi) for tile in self._apart],
                work.rect, Plane(memory.joined.address, *work.planes.grid),
            )  # fmt: skip

    def end(self, work: DeviceWork) -> None:
        """Make the new recurrent state the next frame's input."""
        assert self._look is not None
        self._look.runner.advance()

    def rescan(self, work: DeviceWork) -> None:
        """A look at the whole frame for people outside the ROI."""
        looks = self._common.looks
        assert looks is not None
        assert work.live is not None
        look = looks.through(upright=self._common.tracker.whole_upright)
        inner = inner_rect(work.frame.rect, look.ends.spec)
        self.look_aside(work.live, work.frame.rect, inner, look.input)
        look.run(look.runner.launch_aside)
        work.scanned = look.ends.window(inner)
        self.judge_aside(work.scanned)
        work.looked_aside = True

    def look_aside(self, surface: Surface, rect: Rect, inner: Rect, into: DeviceInput) -> None:
        """Crop another part for a side pass; this frame's planes and the last one's stay."""
        memory = self._common.memory
        verdict = memory.aside_verdict
        verdict.rect, verdict.grid = rect, (inner.height, inner.width)
        planes = Plane(memory.aside.address, inner.height, inner.width)
        self._crop(surface, rect, inner, planes, into, fill=into.turn_to(inner))

    def judge_aside(self, raw: Raw) -> None:
        """Find the components and the verdict for the network's alpha of that part."""
        memory, s = self._common.memory, self._common.settings
        verdict = memory.aside_verdict
        keep = s.clean.keep if s.clean.enabled else "all"
        keep_components(
            memory.scratch, raw, s.clean.threshold, keep, s.clean.min_area,
            s.matting.max_coverage, verdict.address,
        )  # fmt: skip
        verdict.fetch()
        verdict.mark()
