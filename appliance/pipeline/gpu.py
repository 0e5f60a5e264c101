"""The path of one frame on the GPU: the cascade's steps, in spans, on device memory.

The frame goes up, the composite comes down, and between the two the host waits once, for the
finished composite. The next frame could be taken up meanwhile; but a camera has not taken it yet,
and a composite that is only looked at when the next frame comes is a frame late. What overlaps is
the host's own copying and the GPU's work within one frame.

Used from the thread that makes it, which thereby owns the GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import structlog

from appliance.background.base import Background
from appliance.background.gpu import DeviceBackground
from appliance.config.settings import Settings
from appliance.cuda.canvases import Canvases, register
from appliance.cuda.context import Context, GpuError
from appliance.cuda.graph import Replay
from appliance.cuda.transfer import Download
from appliance.errors import MattingError, ModelError
from appliance.media.frame import U8, Format, Frame
from appliance.networks.base import DeviceRunner
from appliance.networks.ends import NetworkEnds
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.base import Outcome
from appliance.shedding import Level
from appliance.stages.composite.gpu import CompositeSteps
from appliance.stages.device.memory import GridMemory
from appliance.stages.device.span import spans
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.line import Line
from appliance.stages.network.gpu import NetworkSteps, run_network
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock
from appliance.stages.transfer.gpu import DEPTH

log = structlog.get_logger(__name__)


class CanvasPool(Protocol):
    """What is needed of a pool of canvases; see ``media.canvas.BufferPool``."""

    @property
    def stride(self) -> int:
        """Bytes from one row to the next."""
        ...

    @property
    def memory(self) -> Sequence[U8]:
        """All of each canvas's memory."""
        ...


class GpuPipeline:
    """Turns a live frame into a composite, as ``Pipeline`` does, on the GPU."""

    def __init__(
        self, settings: Settings, format: Format, network: OnGpu, background: Background
    ) -> None:
        """Take the GPU, load the network, take all memory.

        Raises MissingDependency without a GPU, ModelError (PlanError) when the network cannot be
        used, GpuError when CUDA fails; the GPU has been given back then.
        """
        self.format = format
        self.clock = StageClock()
        self._context = context = network.make_context()
        self._canvases: Canvases | None = None
        self._pool: CanvasPool | None = None
        try:
            mapped = context.integrated
            self._download = Download(context, format, DEPTH, mapped=mapped)
            self._matte = Download(context, format, DEPTH, mapped=mapped)
            self._replay = Replay(context)
            self._loaded = loaded = Loaded(context, settings, format, network)
            self._common = DeviceCommon(
                context, settings, format, self.clock, loaded.tracker(settings, format),
                self._replay, loaded.memory, loaded.ends, loaded.runner,
            )  # fmt: skip
            self._line = Line("gpu", self._common, settings)
            self._spans = spans(self._line, self._replay)
            self._use(loaded)
            self.use_background(background)
        except BaseException:
            self.close()
            raise

    @property
    def settings(self) -> Settings:
        """Those of the next frame."""
        return self._common.settings

    def load(self, network: OnGpu) -> Loaded:
        """Another network beside the present one, for ``use_matting``; nothing changes yet.

        Raises ModelError (PlanError) when it cannot be used, GpuError when CUDA fails.
        """
        return Loaded(self._context, self.settings, self.format, network)

    def use_matting(self, loaded: Loaded) -> None:
        """Run another network from the next frame on; starts over, as its grid is another."""
        before = self._loaded
        self._use(loaded)
        before.close()

    def _use(self, loaded: Loaded) -> None:
        self._replay.close()
        self._loaded, common = loaded, self._common
        self.description = f"{loaded.runner.description}; frames on {self._context.name}"
        """What runs the network and the kernels, in words."""
        common.memory, common.ends, common.runner = loaded.memory, loaded.ends, loaded.runner
        common.tracker = loaded.tracker(common.settings, self.format)
        self._line.part(NetworkSteps).start_over()
        loaded.memory.configure(common.settings)

    def use_background(self, background: Background) -> None:
        """Stand another background behind the person from the next frame on."""
        # Keys of graphs are addresses, which may come again.
        self._replay.close()
        self._line.part(CompositeSteps).use(
            DeviceBackground(
                self._context, self.format, background, self._replay,
                mapped=self._context.integrated,
            )
        )  # fmt: skip
        self._behind: Frame | None = self.behind

    @property
    def behind(self) -> Frame:
        """The newest background: what a placeholder without a person shows, also after the end."""
        line = self.__dict__.get("_line")
        newest = line.part(CompositeSteps).behind if line is not None else self._behind
        assert newest is not None
        return newest

    def configure(self, settings: Settings) -> None:
        """Take other settings for every step from the next frame on."""
        common = self._common
        common.settings = settings
        common.memory.configure(settings)
        common.tracker.configure(settings.roi)
        self._line.configure(settings)
        self._spans = spans(self._line, self._replay)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding that bring something here; the network is the least of it."""
        return (Level.FULL, Level.HALF)

    def shed(self, level: Level) -> None:
        """Fewer frames are for the caller to see to; nothing else is left out here."""

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        self._line.reset()

    def without_graphs(self, without: bool) -> str | None:
        """Launch every kernel by itself from the next frame on, to compare, or replay graphs again.

        Returns why there are no graphs, where there are none.
        """
        self._replay.off = without
        return self._replay.refused

    def use_canvases(self, pool: CanvasPool) -> None:
        """Write the composites straight into a pool's canvases, where the driver lets us."""
        if pool is self._pool:
            return
        self._pool = pool
        self._canvases = register(
            self._context, self.format, pool.memory, pool.stride, mapped=self._context.integrated
        )

    def process(self, frame: Frame, out: Frame, matte_out: U8 | None = None) -> Outcome:
        """See ``FramePipeline.process``."""
        if frame.discontinuity:
            self.reset()
        canvases = self._canvases
        in_place = canvases is not None and canvases.choose(out)
        work = DeviceWork(
            frame, out, matte_out, way=canvases if in_place else self._download,
            matte_way=None if matte_out is None else self._matte,
        )  # fmt: skip
        try:
            for span in self._spans:
                if span.ready(work):
                    with self.clock(span.name):
                        span.run(work)
        except MattingError:
            self.reset()
            raise
        assert work.rect is not None
        assert work.report is not None
        return Outcome(work.rect, work.box, work.report.count)

    def close(self) -> None:
        """Give everything back: graphs, network, memory, and last the GPU. Safe to call twice."""
        replay, loaded = (self.__dict__.get(name) for name in ("_replay", "_loaded"))
        if "_line" in self.__dict__:
            self._behind = self._line.part(CompositeSteps).behind
        self._step(replay.close if replay else None)
        self._step(loaded.close if loaded else None)
        self._step(self._canvases.close if self._canvases else None)
        self._canvases = None
        for name in ("_replay", "_loaded", "_download", "_matte", "_spans", "_line", "_common"):
            # Memory goes while its context is there.
            self.__dict__.pop(name, None)
        self._context.close()

    def _step(self, close: Callable[[], None] | None) -> None:
        """One step of the end; the others follow whatever becomes of it."""
        try:
            if close is not None:
                close()
        except GpuError as error:
            # What broke the context has been said, and nothing more can be done for it.
            log.warning("what the GPU holds could not be given back in order", why=str(error))


class Loaded:
    """A network with the part of the path that is of its size."""

    def __init__(
        self, context: Context, settings: Settings, format: Format, network: OnGpu
    ) -> None:
        """Raises ModelError (PlanError) when the network cannot be used, GpuError."""
        self.runner: DeviceRunner = network.load(context)
        try:
            spec = self.runner.manifest.input
            self.ends = NetworkEnds(context, self.runner)
            self.memory = GridMemory(
                context, settings, self.ends.tensor, format.colour,
                mean=np.array(spec.mean, np.float32), scale=np.array(spec.scale, np.float32),
                bgr=spec.order == "BGR",
            )  # fmt: skip
            # What is compiled or loaded with the first run must not hold up the first live frame.
            run_network(self.ends, self.runner.launch_aside)
            context.synchronize()
        except MattingError as error:
            self.runner.close()
            raise ModelError(f"{network.description}: its first run failed: {error}") from error
        except BaseException:
            self.runner.close()
            raise

    def close(self) -> None:
        """Let go of it all now: memory that goes later, in another thread, is lost."""
        self.runner.close()
        self.__dict__.clear()

    def tracker(self, settings: Settings, format: Format) -> Tracker:
        """A tracker that widens the ROI towards the network's shape."""
        spec = self.runner.manifest.input
        return Tracker(settings.roi, format.width, format.height, spec.width / spec.height)
