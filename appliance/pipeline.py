"""The path of one frame: crop, net, clean, steady, refine, composite, track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from appliance.errors import MattingError
from appliance.frame import F32, U8, Format, Frame, Rect, blank
from appliance.matting.base import Matting
from appliance.matting.manifest import InputSpec
from appliance.pixels import cpu
from appliance.postprocess import Found, PostProcess, check_alpha, frame_box
from appliance.roi import Box, Tracker
from appliance.settings import Settings
from appliance.stages import StageClock

# The network sees a part of another shape stretched by this much at most; beyond, black bars.
_MOST_STRETCH = 1.5


class BackgroundFrames(Protocol):
    """What the pipeline needs of a background."""

    def frame(self, live: Frame) -> Frame:
        """The picture behind the person for this live frame, of the same size and colour."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``process`` saw: the part of the frame looked at, the person's box, components kept."""

    roi: Rect
    box: Box | None
    people: int


def inner_rect(roi: Rect, spec: InputSpec) -> Rect:
    """Where in the network's input the part ``roi`` of the frame goes; the rest is black bars."""
    stretch = (roi.width / roi.height) / (spec.width / spec.height)
    width = min(1.0, stretch * _MOST_STRETCH)
    height = min(1.0, _MOST_STRETCH / stretch)
    columns = max(2, round(spec.width * width / 2) * 2)
    rows = max(2, round(spec.height * height / 2) * 2)
    return Rect((spec.width - columns) // 2, (spec.height - rows) // 2, columns, rows)


class Pipeline:
    """Turns a live frame into a composite. Everything it needs is allocated here, once."""

    def __init__(
        self, settings: Settings, format: Format, matting: Matting, background: BackgroundFrames
    ) -> None:
        # The grids are far too small for OpenCV's thread pool to win anything.
        cv2.setNumThreads(1)
        self.settings = settings
        self.format = format
        self.clock = StageClock()
        self._post = PostProcess(settings, self.clock)
        self._compositor = cpu.Compositor()
        self.use_matting(matting)
        self.use_background(background)

    def use_matting(self, matting: Matting) -> None:
        """Run another network from the next frame on; starts over, as its grid is another."""
        self.description = matting.description
        """What runs the network, in words."""
        self._matting = matting
        spec = self._spec = matting.manifest.input
        aspect = spec.width / spec.height
        self._tracker = Tracker(self.settings.roi, self.format.width, self.format.height, aspect)
        self._planes = np.empty(3 * spec.height * spec.width, np.float32)
        self._mean = np.array(spec.mean, np.float32)
        self._scale = np.array(spec.scale, np.float32)
        self._black = (0 - self._mean) * self._scale
        self._inner: Rect | None = None
        self._looked_at: Rect | None = None
        self._post.reset()

    def use_background(self, background: BackgroundFrames) -> None:
        """Stand another background behind the person from the next frame on."""
        self.background = background
        nothing = blank(self.format.width, self.format.height, self.format.colour)
        self.behind = background.frame(nothing)
        """The newest background: what a placeholder without a person shows."""

    def configure(self, settings: Settings) -> None:
        """Take other settings for every step from the next frame on."""
        self.settings = settings
        self._post.configure(settings)
        self._tracker.configure(settings.roi)

    def close(self) -> None:
        """Nothing to give back; see ``make_pipeline.FramePipeline``."""

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        self._matting.reset()
        self._post.reset()
        self._tracker.reset()

    def process(self, frame: Frame, out: Frame, matte_out: U8 | None = None) -> Outcome:
        """Composite ``frame`` into ``out``.

        Args:
            frame: of the pipeline's format. out: writable, same size and colour; overwritten.
            matte_out: uint8 (height, width), if given: the matte as composited, 0..255.

        Raises:
            MattingError: there is no trustworthy matte for this frame. ``out`` must not be shown;
                all state has been reset.
        """
        if frame.discontinuity:
            self.reset()
        roi = self._tracker.roi
        if roi != self._looked_at:
            # What the network remembers is of another part of the picture.
            self._matting.reset()
            self._looked_at = roi
        try:
            raw, planes = self._look(frame, roi)
            found = self._post(raw, planes, roi)
            elsewhere = self._look_elsewhere(frame)
        except MattingError:
            self.reset()
            raise
        with self.clock("background"):
            behind = self.behind = self.background.frame(frame)
        with self.clock("composite"):
            self._compositor(
                frame, behind, found.matte, out,
                feather_fraction=self.settings.composite.feather, matte_out=matte_out,
            )  # fmt: skip
        self._track(found, elsewhere)
        return Outcome(roi, found.box, found.people)

    def _look(self, frame: Frame, rect: Rect, *, aside: bool = False) -> tuple[F32, F32]:
        """Crop, convert, infer: raw alpha and Y, Cb, Cr planes on the grid over ``rect``."""
        inner = inner_rect(rect, self._spec)
        rows, columns = inner.height, inner.width
        planes = self._planes[: 3 * rows * columns].reshape(3, rows, columns)
        if aside:
            planes = np.empty_like(planes)
        with self.clock("crop"):
            cpu.crop_planes(frame, rect, planes)
            tensor = self._matting.input
            if inner != self._inner:
                tensor[:] = self._black[:, None, None]
                self._inner = inner
            window = (slice(inner.y, inner.bottom), slice(inner.x, inner.right))
            cpu.planes_to_tensor(
                planes, frame.colour, self._mean, self._scale, tensor[:, window[0], window[1]],
                bgr=self._spec.order == "BGR",
            )  # fmt: skip
        with self.clock("network"):
            alpha = self._matting.infer(remember=not aside)
        return alpha[window], planes

    def _look_elsewhere(self, frame: Frame) -> Box | None:
        """Now and then, a look at the whole frame for people outside the ROI."""
        if not self._tracker.rescan_due(frame.captured):
            return None
        with self.clock("rescan"):
            raw, _ = self._look(frame, frame.rect, aside=True)
            check_alpha(raw, self.settings.matting.max_coverage)
            clean = self.settings.clean
            kept = cpu.keep_components(raw, clean.threshold, clean.keep, clean.min_area)
        return frame_box(kept.box, raw.shape, frame.rect) if kept.box else None

    def _track(self, found: Found, elsewhere: Box | None) -> None:
        with self.clock("track"):
            self._tracker.update(found.box, elsewhere)
