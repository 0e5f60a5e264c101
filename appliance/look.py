"""One network with all it takes to look at a part of a frame: crop, convert, infer."""

from __future__ import annotations

import numpy as np

from appliance.frame import F32, Frame, Rect
from appliance.matting.base import Matting
from appliance.matting.manifest import InputSpec
from appliance.pixels import cpu
from appliance.stages import StageClock

# The network sees a part of another shape stretched by this much at most; beyond, black bars.
_MOST_STRETCH = 1.5


def inner_rect(roi: Rect, spec: InputSpec) -> Rect:
    """Where in the network's input the part ``roi`` of the frame goes; the rest is black bars."""
    stretch = (roi.width / roi.height) / (spec.width / spec.height)
    width = min(1.0, stretch * _MOST_STRETCH)
    height = min(1.0, _MOST_STRETCH / stretch)
    columns = max(2, round(spec.width * width / 2) * 2)
    rows = max(2, round(spec.height * height / 2) * 2)
    return Rect((spec.width - columns) // 2, (spec.height - rows) // 2, columns, rows)


class Look:
    """Looks at parts of frames through one network. Allocates what it needs once."""

    def __init__(self, matting: Matting, clock: StageClock) -> None:
        self.matting = matting
        self._clock = clock
        spec = self._spec = matting.manifest.input
        self.aspect = spec.width / spec.height
        self._planes = np.empty(3 * spec.height * spec.width, np.float32)
        self._mean = np.array(spec.mean, np.float32)
        self._scale = np.array(spec.scale, np.float32)
        self._black = (0 - self._mean) * self._scale
        self._inner: Rect | None = None
        self._last: Rect | None = None

    def reset(self) -> None:
        """Forget what the network remembers."""
        self.matting.reset()

    def crop(self, frame: Frame, rect: Rect) -> F32:
        """Y, Cb, Cr on the network's grid over ``rect``, float32 (3, rows, columns), 0..255.

        Overwritten by the next crop.
        """
        with self._clock("crop"):
            return self._crop(frame, rect, inner_rect(rect, self._spec))

    def _crop(self, frame: Frame, rect: Rect, inner: Rect, *, aside: bool = False) -> F32:
        shape, size = (3, inner.height, inner.width), 3 * inner.height * inner.width
        planes = np.empty(shape, np.float32) if aside else self._planes[:size].reshape(shape)
        cpu.crop_planes(frame, rect, planes)
        return planes

    def __call__(self, frame: Frame, rect: Rect, *, aside: bool = False) -> tuple[F32, F32]:
        """Raw alpha and Y, Cb, Cr planes on the grid over ``rect``.

        ``aside``: besides, at another part than usual, with nothing remembered of it.
        Raises MattingError when the network throws.
        """
        if not aside and rect != self._last:
            # What the network remembers is of another part of the picture.
            self.matting.reset()
            self._last = rect
        inner = inner_rect(rect, self._spec)
        window = (slice(inner.y, inner.bottom), slice(inner.x, inner.right))
        with self._clock("crop"):
            planes = self._crop(frame, rect, inner, aside=aside)
            tensor = self.matting.input
            if inner != self._inner:
                tensor[:] = self._black[:, None, None]
                self._inner = inner
            cpu.planes_to_tensor(
                planes, frame.colour, self._mean, self._scale, tensor[:, window[0], window[1]],
                bgr=self._spec.order == "BGR",
            )  # fmt: skip
        with self._clock("network"):
            alpha = self.matting.infer(remember=not aside)
        return alpha[window], planes
