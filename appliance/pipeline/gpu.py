"""The path of one frame on the GPU: the cascade's steps, in spans, on device memory.

The frame goes up, the composite comes down, and between the two the host waits once, for the
finished composite. The next frame could be uploaded meanwhile; but a camera has not captured it
yet, and a composite collected only when the next frame comes is a frame late. What overlaps is the
host's own copying and the GPU's work within one frame.

Used from the thread that creates it, which thereby owns the GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import structlog

from appliance.background.base import Background
from appliance.background.gpu import DeviceBackground
from appliance.config.settings import Companion, Settings
from appliance.cuda.canvases import Canvases, register
from appliance.cuda.context import Context, GpuError
from appliance.cuda.graph import Replay
from appliance.cuda.transfer import Download
from appliance.errors import MattingError, ModelError
from appliance.media.frame import U8, Format, Frame
from appliance.networks.beside import UPRIGHT_MISSING
from appliance.networks.ends import NetworkEnds
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.base import Outcome
from appliance.shedding import Level
from appliance.stages.binding import BoundCascade
from appliance.stages.composite.gpu import CompositeSteps
from appliance.stages.device.look import DeviceInput, DeviceLook, DeviceLooks
from appliance.stages.device.memory import GridMemory
from appliance.stages.device.span import spans
from appliance.stages.device.work import DeviceCommon, DeviceWork, Way
from appliance.stages.kernels import prepare_kernels
from appliance.stages.looks.make import Style
from appliance.stages.network.gpu import NetworkSteps
from appliance.stages.participants import Participants
from appliance.stages.plate_control import PlateControl
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock
from appliance.stages.transfer.gpu import DEPTH

log = structlog.get_logger(__name__)


class CanvasPool(Protocol):
    """What is needed of a pool of canvases: see ``media.canvas.BufferPool``."""

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
        """Claim the GPU, load the network, allocate all memory.

        Raises MissingDependency without a GPU, ModelError (PlanError) when the network cannot be
        used, GpuError when CUDA fails; the GPU has then been released.
        """
        prepare_kernels("gpu", settings)
        self.format = format
        self.clock = StageClock()
        self._context = context = network.make_context()
        self._canvases: Canvases | None = None
        self._pool: CanvasPool | None = None
        self._another: Download | None = None
        self._beside: dict[Companion, Download] = {}
        self._also_beside: dict[Companion, Download] = {}
        self._matted: bool | None = None
        try:
            mapped = context.integrated
            self._download = Download(context, format, DEPTH, mapped=mapped)
            self._matte = Download(context, format, DEPTH, mapped=mapped)
            self._replay = Replay(context)
            self._loaded = loaded = Loaded(context, settings, format, network)
            self._common = DeviceCommon(
                context, settings, format, self.clock, loaded.tracker(settings, format),
                Participants(format.width, format.height), loaded.memory, loaded.looks,
            )  # fmt: skip
            self._cascade = BoundCascade("gpu", self._common, settings)
            self._spans = spans(self._cascade, self._replay)
            self._use(loaded)
            self.use_background(background)
        except BaseException:
            self.close()
            raise

    @property
    def settings(self) -> Settings:
        """The settings for the next frame."""
        return self._common.settings

    def load(self, network: OnGpu) -> Loaded:
        """Load another network beside the current one, for ``use_matting``; nothing changes yet.

        Raises ModelError (PlanError) when it cannot be used, GpuError when CUDA fails.
        """
        return Loaded(self._context, self.settings, self.format, network)

    def use_matting(self, loaded: Loaded) -> None:
        """Run another network from the next frame on; starts over, as its grid differs."""
        before = self._loaded
        self._use(loaded)
        before.close()

    def _use(self, loaded: Loaded) -> None:
        self._replay.close()
        self._loaded, common = loaded, self._common
        self.description = (
            f"{loaded.looks.usual.runner.description}; frames on {self._context.name}"
        )
        """What runs the network and the kernels, in words."""
        common.memory, common.looks = loaded.memory, loaded.looks
        common.tracker = loaded.tracker(common.settings, self.format)
        common.participants.reset()
        self._cascade.part(NetworkSteps).start_over()
        loaded.memory.configure(common.settings)

    def use_background(self, background: Background) -> None:
        """Put another background behind the person from the next frame on."""
        # Graphs are keyed by addresses, which may be reused.
        self._replay.close()
        on_device = DeviceBackground(
            self._context, self.format, background, self._replay, mapped=self._context.integrated
        )
        self._cascade.part(CompositeSteps).use(on_device)

    def use_style(self, style: Style | None) -> None:
        """See ``FramePipeline.use_style``."""
        self._common.style = style

    def configure(self, settings: Settings) -> None:
        """Apply new settings to every step from the next frame on."""
        common = self._common
        if settings.clean != common.settings.clean:
            common.participants.reset()
        common.settings = settings
        common.memory.configure(settings)
        common.tracker.configure(settings.roi)
        if not settings.stages.style.wanted:
            common.style = None
        self._cascade.configure(settings)
        gone = self._beside.keys() - set(settings.companions)
        if gone:
            # Graphs are keyed by addresses, which may be reused.
            self._replay.close()
        for kind in gone:
            del self._beside[kind]
            self._also_beside.pop(kind, None)
        self._spans = spans(self._cascade, self._replay)

    @property
    def interpolates(self) -> bool:
        """See ``FramePipeline.interpolates``."""
        return self._cascade.runs("interpolate")

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding that help here; the network is the least of the work."""
        return tuple(sorted({Level.FULL, *self._cascade.levels, Level.HALF}))

    def shed(self, level: Level) -> None:
        """Making fewer frames is the caller's job; only optional stages are left out here."""
        self._common.level = level
        self._cascade.shed(level)
        self._spans = spans(self._cascade, self._replay)

    @property
    def resting(self) -> Mapping[str, str]:
        """See ``FramePipeline.resting``."""
        return self._cascade.guard.resting

    @property
    def plate(self) -> PlateControl:
        """See ``FramePipeline.plate``."""
        return self._common.plate

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        self._cascade.reset()

    def without_graphs(self, without: bool) -> str | None:
        """From the next frame on, launch kernels singly, to compare, or replay graphs again.

        Returns why there are no graphs, if there are none.
        """
        self._replay.off = without
        return self._replay.refused

    def use_canvases(self, pool: CanvasPool) -> None:
        """Write the composites straight into a pool's canvases, if the driver lets us."""
        if pool is self._pool:
            return
        self._pool = pool
        self._canvases = register(
            self._context, self.format, pool.memory, pool.stride, mapped=self._context.integrated
        )

    def process(
        self, frame: Frame, out: Frame, matte_out: U8 | None = None, also: Frame | None = None,
        companions: Mapping[Companion, Frame] | None = None,
        also_companions: Mapping[Companion, Frame] | None = None,
    ) -> Outcome:  # fmt: skip
        """See ``FramePipeline.process``."""
        matted = frame.alpha is not None
        if frame.discontinuity or self._matted not in (matted, None):
            # A picture that brings its matte is another picture than the camera's.
            self.reset()
        self._matted = matted
        self._cascade.guard.begin(frame.pts)
        canvases = self._canvases
        in_place = canvases is not None and canvases.choose(out)
        work = DeviceWork(
            frame, out, matte_out, way=canvases if in_place else self._download,
            matte_way=None if matte_out is None else self._matte,
            also=also, also_way=None if also is None else self._way_of_another(),
            companions=companions, companion_ways=self._ways_beside(companions, self._beside),
            also_companions=also_companions,
            also_companion_ways=self._ways_beside(also_companions, self._also_beside),
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
        return Outcome(
            work.rect, work.box, work.report.count, made_at=work.made_at,
            made_beside=work.made_beside,
        )  # fmt: skip

    def _way_of_another(self) -> Download:
        """The way back of a frame made beside the composite; takes its memory when first used."""
        if self._another is None:
            mapped = self._context.integrated
            self._another = Download(self._context, self.format, DEPTH, mapped=mapped)
        return self._another

    def _ways_beside(
        self, companions: Mapping[Companion, Frame] | None, beside: dict[Companion, Download]
    ) -> dict[Companion, Way]:
        """The way back of each picture beside the composite; its memory is for as long as wanted.

        That of a kind which is no longer asked for is given up in ``configure``.
        """
        ways: dict[Companion, Way] = {}
        for kind in companions or ():
            if kind not in beside:
                mapped = self._context.integrated
                beside[kind] = Download(self._context, self.format, DEPTH, mapped=mapped)
            ways[kind] = beside[kind]
        return ways

    def close(self) -> None:
        """Release everything: graphs, network, memory, and the GPU last. Safe to call twice."""
        replay, loaded = (self.__dict__.get(name) for name in ("_replay", "_loaded"))
        self._step(replay.close if replay else None)
        self._step(loaded.close if loaded else None)
        self._step(self._canvases.close if self._canvases else None)
        self._canvases = None
        for name in (
            "_replay",
            "_loaded",
            "_download",
            "_matte",
            "_another",
            "_beside",
            "_also_beside",
            "_spans",
            "_cascade",
            "_common",
        ):
            # Memory must be freed while its context exists.
            self.__dict__.pop(name, None)
        self._context.close()

    def _step(self, close: Callable[[], None] | None) -> None:
        """One step of ``close``; the others follow even if it fails."""
        try:
            if close is not None:
                close()
        except GpuError as error:
            # What broke the context has been reported, and nothing more can be done about it.
            log.warning("what the GPU holds could not be given back in order", why=str(error))


class Loaded:
    """A network with the part of the path that depends on its size."""

    def __init__(
        self, context: Context, settings: Settings, format: Format, network: OnGpu
    ) -> None:
        """Raises ModelError (PlanError) when it cannot be used, GpuError when CUDA fails."""
        self.looks = DeviceLooks(_look(context, network))
        try:
            if network.upright is not None:
                self.looks.upright = _upright_look(context, network.upright)
            spec = self.looks.usual.ends.spec
            self.memory = GridMemory(
                context, settings, self.looks.size, format.colour,
                mean=np.array(spec.mean, np.float32), scale=np.array(spec.scale, np.float32),
                bgr=spec.order == "BGR",
            )  # fmt: skip
        except BaseException:
            self.looks.close()
            raise

    def close(self) -> None:
        """Release it all now: memory freed later, in another thread, is leaked."""
        self.looks.close()
        self.__dict__.clear()

    def tracker(self, settings: Settings, format: Format) -> Tracker:
        """A tracker that widens the ROI towards the shape of one of the network's inputs."""
        usual, upright = self.looks.usual, self.looks.upright
        return Tracker(
            settings.roi, format.width, format.height, usual.aspect,
            upright.aspect if upright else None,
        )  # fmt: skip


def _look(context: Context, network: OnGpu) -> DeviceLook:
    """Load a network, and run it once. Raises ModelError (PlanError), GpuError."""
    runner = network.load(context)
    try:
        ends = NetworkEnds(context, runner)
        look = DeviceLook(runner, ends, DeviceInput(ends.tensor))
        # What is compiled or loaded with the first run must not hold up the first live frame.
        look.run(runner.launch_aside)
        context.synchronize()
    except MattingError as error:
        runner.close()
        raise ModelError(f"{network.description}: its first run failed: {error}") from error
    except BaseException:
        runner.close()
        raise
    return look


def _upright_look(context: Context, network: OnGpu) -> DeviceLook | None:
    """The same for a network's upright input; None, with a warning, if that cannot be used."""
    try:
        return _look(context, network)
    except ModelError as error:
        log.warning(UPRIGHT_MISSING, network=network.manifest.name, why=str(error))
        return None
