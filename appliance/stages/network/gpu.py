"""The network run on a part of the frame, on the GPU: crop, network, rescan."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.networks.ends import NetworkEnds
from appliance.pixels.gpu.components import keep_components
from appliance.pixels.gpu.crop import crop_planes, fill_black
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.network.letterbox import inner_rect


class NetworkSteps:
    """The steps from the frame to raw alpha, and the occasional look at the whole frame."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._looked_at: Rect | None = None
        self._fill = False

    def reset(self) -> None:
        """Forget what the network remembers."""
        if self._common.runner is not None:
            self._common.runner.reset()

    def start_over(self) -> None:
        """Forget where the network last looked, as another one has taken its place."""
        self._looked_at = None

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return self._common.runner is not None and self._common.runner.recordable

    def begin(self, work: DeviceWork) -> None:
        """Aim at the ROI, and note where planes and raw alpha will be."""
        common = self._common
        rect = common.tracker.roi
        if rect != self._looked_at:
            # The network's recurrent state is about another part of the picture.
            self.reset()
            self._looked_at = rect
        assert common.ends is not None
        inner = inner_rect(rect, common.ends.spec)
        self.aim(work, rect, inner)
        work.raw = common.ends.window(inner)
        work.scan = common.tracker.rescan_due(work.frame.captured) or None

    def aim(self, work: DeviceWork, rect: Rect, inner: Rect) -> None:
        """Look at ``rect``, which goes to ``inner`` in the network's input."""
        memory = self._common.memory
        work.rect, work.inner = rect, inner
        verdict = memory.this.verdict
        verdict.rect, verdict.grid = rect, (inner.height, inner.width)
        work.planes = Plane(memory.this.planes.address, inner.height, inner.width)
        self._fill = inner != memory.inner
        memory.inner = inner

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        assert work.live is not None
        memory, runner = self._common.memory, self._common.runner
        phase = runner.phase if runner is not None else 0
        # Which slot holds the planes alternates from frame to frame.
        return (memory.frames & 1, work.rect, work.inner, self._fill, phase, work.live.address)

    def crop(self, work: DeviceWork) -> None:
        """The ROI on the network's grid, and the same in the network's input."""
        assert work.live is not None
        assert work.planes is not None
        assert work.rect is not None
        assert work.inner is not None
        self._crop(work.live, work.rect, work.inner, work.planes)

    def _crop(self, surface: Surface, rect: Rect, inner: Rect, planes: Plane) -> None:
        memory = self._common.memory
        if self._fill:
            fill_black(memory.scratch, memory.tensor)
        crop_planes(memory.scratch, surface, rect, planes, memory.tensor, inner.x, inner.y)

    def network(self, work: DeviceWork) -> None:
        """Raw alpha of the ROI. Raises MattingError when the runner refuses."""
        ends, runner = self._common.ends, self._common.runner
        assert ends is not None
        assert runner is not None
        run_network(ends, runner.launch)

    def end(self, work: DeviceWork) -> None:
        """Make the new recurrent state the next frame's input."""
        assert self._common.runner is not None
        self._common.runner.advance()

    def rescan(self, work: DeviceWork) -> None:
        """A look at the whole frame for people outside the ROI."""
        ends, runner = self._common.ends, self._common.runner
        assert ends is not None
        assert runner is not None
        assert work.live is not None
        inner = inner_rect(work.frame.rect, ends.spec)
        self.look_aside(work.live, work.frame.rect, inner)
        run_network(ends, runner.launch_aside)
        self.judge_aside(ends.window(inner))
        work.looked_aside = True

    def look_aside(self, surface: Surface, rect: Rect, inner: Rect) -> None:
        """Crop another part for a side pass; this frame's planes and the last one's stay."""
        memory = self._common.memory
        verdict = memory.aside_verdict
        verdict.rect, verdict.grid = rect, (inner.height, inner.width)
        self._fill, memory.inner = inner != memory.inner, inner
        planes = Plane(memory.aside.address, inner.height, inner.width)
        self._crop(surface, rect, inner, planes)

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


def run_network(ends: NetworkEnds, launch: Callable[[], None]) -> None:
    """Run the network from crop to alpha; ``launch`` is its runner's, or ``launch_aside``."""
    ends.feed()
    launch()
    ends.alpha()
