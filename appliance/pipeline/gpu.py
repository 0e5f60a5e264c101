"""The path of one frame on the GPU: the same steps as ``pipeline``, on device memory.

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
from appliance.cuda.transfer import Download, Upload
from appliance.errors import MattingError, ModelError
from appliance.media.borrowed import Borrowed
from appliance.media.frame import U8, Format, Frame, Rect
from appliance.media.surface import Surface
from appliance.networks.base import DeviceRunner
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.cpu import Outcome, inner_rect
from appliance.shedding import Level
from appliance.stages.matte.cpu import covers_too_much, frame_box, not_finite
from appliance.stages.matte.gpu import FramePath, Report
from appliance.stages.network.gpu import NetworkEnds
from appliance.stages.roi import Box, Tracker
from appliance.stages.timings import StageClock

# Two of each: what belongs to a frame then alternates in step, and graphs come up again.
_DEPTH = 2

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
        self.settings, self.format = settings, format
        self.clock = StageClock()
        self._context = context = network.make_context()
        self._canvases: Canvases | None = None
        self._pool: CanvasPool | None = None
        try:
            mapped = context.integrated
            self._upload = Upload(context, format, _DEPTH, mapped=mapped)
            self._download = Download(context, format, _DEPTH, mapped=mapped)
            self._matte = Download(context, format, _DEPTH, mapped=mapped)
            self._replay = Replay(context)
            self._use(Loaded(context, settings, format, network))
            self.use_background(background)
        except BaseException:
            self.close()
            raise

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
        self._loaded = loaded
        self.description = f"{loaded.runner.description}; frames on {self._context.name}"
        """What runs the network and the kernels, in words."""
        self._spec = spec = loaded.runner.manifest.input
        aspect = spec.width / spec.height
        self._tracker = Tracker(self.settings.roi, self.format.width, self.format.height, aspect)
        self._looked_at: Rect | None = None
        loaded.path.configure(self.settings)

    def use_background(self, background: Background) -> None:
        """Stand another background behind the person from the next frame on."""
        # Keys of graphs are addresses, which may come again.
        self._replay.close()
        self._stage = DeviceBackground(
            self._context, self.format, background, self._replay, mapped=self._context.integrated
        )
        self.behind = self._stage.picture
        """The newest background: what a placeholder without a person shows, also after the end."""

    def configure(self, settings: Settings) -> None:
        """Take other settings for every step from the next frame on."""
        self.settings = settings
        self._loaded.path.configure(settings)
        self._tracker.configure(settings.roi)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding that bring something here; the network is the least of it."""
        return (Level.FULL, Level.HALF)

    def shed(self, level: Level) -> None:
        """Fewer frames are for the caller to see to; nothing else is left out here."""

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        self._loaded.runner.reset()
        self._loaded.path.reset()
        self._tracker.reset()

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
        """Composite ``frame`` into ``out``.

        Args:
            frame: of the pipeline's format. out: writable, same size and colour; overwritten.
            matte_out: uint8 (height, width), if given: the matte as composited, 0..255.

        Raises:
            MattingError: there is no trustworthy matte for this frame. ``out`` must not be shown;
                all state has been reset.
            GpuError: CUDA failed. Nothing can be shown any more: the process must end.
        """
        if frame.discontinuity:
            self.reset()
        roi = self._tracker.roi
        if roi != self._looked_at:
            # What the network remembers is of another part of the picture.
            self._loaded.runner.reset()
            self._looked_at = roi
        try:
            canvases = self._canvases
            way = canvases if canvases is not None and canvases.choose(out) else self._download
            elsewhere = self._launch(frame, roi, way, matte_out is not None)
            with self.clock("wait"):
                made = way.take()
                matte = None if matte_out is None else self._matte.take()
            found = self._judge(self._loaded.path.report())
            aside = self._judge(self._loaded.path.report_aside()) if elsewhere else None
        except MattingError:
            self.reset()
            raise
        with self.clock("download"):
            if made is not None:
                np.copyto(out.y, made.y)
                np.copyto(out.uv, made.uv)
            if matte is not None and matte_out is not None:
                np.copyto(matte_out, matte.y)
        with self.clock("track"):
            box = _box(found)
            self._tracker.update(box, _box(aside) if aside else None)
        return Outcome(roi, box, found.count)

    def _launch(self, frame: Frame, roi: Rect, way: Canvases | Download, with_matte: bool) -> bool:
        """Launch all of a frame's work; whether it was looked at as a whole besides."""
        loaded, path, ends = self._loaded, self._loaded.path, self._loaded.ends
        with self.clock("upload"):
            live = self._on_device(frame)
        with self.clock("launch network"):
            inner = inner_rect(roi, self._spec)
            path.aim(roi, inner)
            self._run((path.crop_key, loaded.runner.phase, live.address), live)
            loaded.runner.advance()
        with self.clock("background"):
            behind = self._stage(frame, live)
            self.behind = self._stage.picture
        with self.clock("launch composite"):
            out, raw = way.target, ends.window(inner)
            matte, pitch = 0, 0
            if with_matte:
                matte, pitch = self._matte.target.address, self._matte.target.pitch
            key = (path.finish_key, live.address, behind.address, out.address, matte)
            self._replay.run(
                key,
                lambda: path.finish(raw, live, behind, out, matte_out=matte, matte_pitch=pitch),
            )
            path.end()
        elsewhere = self._tracker.rescan_due(frame.captured)
        if elsewhere:
            with self.clock("rescan"):
                self._look_elsewhere(live, frame.rect)
        way.send()
        if with_matte:
            self._matte.send()
        return elsewhere

    def _on_device(self, frame: Frame) -> Surface:
        """The frame in device memory: where it lies, or copied there."""
        if isinstance(frame.owner, Borrowed) and frame.owner.surface is not None:
            return frame.owner.surface
        return self._upload.put(frame)

    def _run(self, key: object, live: Surface) -> None:
        """Crop, and run the network."""
        loaded = self._loaded

        def launches() -> None:
            loaded.path.crop(live)
            loaded.run(loaded.runner.launch)

        if loaded.runner.recordable:
            self._replay.run(key, launches)
        else:
            launches()

    def _look_elsewhere(self, live: Surface, rect: Rect) -> None:
        """Now and then, a look at the whole frame for people outside the ROI."""
        loaded, inner = self._loaded, inner_rect(rect, self._spec)
        loaded.path.look_aside(live, rect, inner)
        loaded.run(loaded.runner.launch_aside)
        loaded.path.judge_aside(loaded.ends.window(inner))

    def _judge(self, report: Report) -> Report:
        """The report, when its matte can be trusted; raises MattingError when not."""
        if report.refused == "nan":
            raise not_finite()
        if report.refused:
            raise covers_too_much(report.mean, self.settings.matting.max_coverage)
        return report

    def close(self) -> None:
        """Give everything back: graphs, network, memory, and last the GPU. Safe to call twice."""
        replay, loaded = (self.__dict__.get(name) for name in ("_replay", "_loaded"))
        self._step(replay.close if replay else None)
        self._step(loaded.close if loaded else None)
        self._step(self._canvases.close if self._canvases else None)
        self._canvases = None
        for name in ("_replay", "_loaded", "_upload", "_download", "_stage", "_matte"):
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
            self.path = FramePath(
                context, settings, self.ends.tensor, format.colour,
                mean=np.array(spec.mean, np.float32), scale=np.array(spec.scale, np.float32),
                bgr=spec.order == "BGR",
            )  # fmt: skip
            # What is compiled or loaded with the first run must not hold up the first live frame.
            self.run(self.runner.launch_aside)
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

    def run(self, launch: Callable[[], None]) -> None:
        """The network, from what was cropped to alpha; ``launch`` is one of the runner's."""
        self.ends.feed()
        launch()
        self.ends.alpha()


def _box(report: Report) -> Box | None:
    """The person's box in frame pixels."""
    return frame_box(report.box, report.grid, report.rect) if report.box else None
