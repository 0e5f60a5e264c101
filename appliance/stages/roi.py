"""Where the person will be: the region of interest (ROI) for the next frame.

Double exponential smoothing of each of the four sides of the person's box, with x_t the measured
side, S1 the level and S2 the trend (Holt, "Forecasting seasonals and trends by exponentially
weighted moving averages", 1957):

    S1_t = a*x_t + (1-a)*(S1_{t-1} + S2_{t-1})
    S2_t = b*(S1_t - S1_{t-1}) + (1-b)*S2_{t-1}
    predicted x_{t+1} = S1_t + S2_t
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from appliance.config.settings import RoiSettings
from appliance.media.frame import Rect
from appliance.stages.shape import Shape

# With the ROI above this fraction of the frame's area, cropping gains nothing.
_NEARLY_ALL = 0.75
# A ROI this many times larger than wanted, by area, is shrunk even while the person rests in it.
_TOO_LARGE = 1.6
# How far the ROI grows at once on border contact, as a fraction of its side.
_GROWTH = 0.35


@dataclass(frozen=True, slots=True)
class Box:
    """A person's box in frame pixels: left, top, right, bottom; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.left, other.left), min(self.top, other.top),
            max(self.right, other.right), max(self.bottom, other.bottom),
        )  # fmt: skip


def frame_box(box: Rect, grid: tuple[int, int], rect: Rect) -> Box:
    """A box in grid pixels as a box in frame pixels; the grid (rows, columns) covers ``rect``."""
    scale_x, scale_y = rect.width / grid[1], rect.height / grid[0]
    return Box(
        rect.x + box.x * scale_x,
        rect.y + box.y * scale_y,
        rect.x + box.right * scale_x,
        rect.y + box.bottom * scale_y,
    )


class Side:
    """Double exponential smoothing of one side."""

    __slots__ = ("_a", "_b", "level", "trend")

    def __init__(self, level_weight: float, trend_weight: float, start: float) -> None:
        self._a, self._b = level_weight, trend_weight
        self.level, self.trend = start, 0.0

    def update(self, measured: float) -> None:
        """Take in x_t."""
        before = self.level
        self.level = self._a * measured + (1 - self._a) * (before + self.trend)
        self.trend = self._b * (self.level - before) + (1 - self._b) * self.trend

    @property
    def predicted(self) -> float:
        """x_{t+1}."""
        return self.level + self.trend


def even(rect: tuple[float, float, float, float], width: int, height: int) -> Rect:
    """The smallest even rectangle around (left, top, right, bottom), clamped to a frame."""
    left = max(0, math.floor(rect[0] / 2) * 2)
    top = max(0, math.floor(rect[1] / 2) * 2)
    right = min(width, math.ceil(rect[2] / 2) * 2)
    bottom = min(height, math.ceil(rect[3] / 2) * 2)
    return Rect(left, top, max(0, right - left), max(0, bottom - top))


class Tracker:
    """One ROI around everyone, predicted a frame ahead.

    Read ``roi`` for the rectangle to look at, then call ``update`` with what was found there.
    While the ROI is less than the whole frame, ``rescan_due`` asks from time to time for a second
    look, at the whole frame; what it finds goes to ``update`` as ``elsewhere``.
    """

    def __init__(
        self, settings: RoiSettings, width: int, height: int, aspect: float,
        upright: float | None = None,
    ) -> None:  # fmt: skip
        """``aspect``: the network's width over height; the ROI is widened towards it.

        ``upright``: that of its upright input, if it has one: see ``upright`` below.
        """
        self._settings = settings
        self._width, self._height = width, height
        self.aspect, self._upright_aspect = aspect, upright
        self._whole = Rect(0, 0, width, height)
        self._shape = Shape(self._whole, aspect, upright) if upright else None
        self._aimed_upright = self.upright
        self._sides: list[Side] | None = None
        self._scanned: int | None = None
        self.roi = self._whole

    @property
    def upright(self) -> bool:
        """Whether ``roi`` is to be looked at through the network's upright input."""
        return self._shape is not None and self._shape.upright

    @property
    def whole_upright(self) -> bool:
        """Whether the whole frame is."""
        return self._shape is not None and self._shape.whole

    def offer_upright(self, aspect: float | None) -> None:
        """The network has an upright input from the next frame on, or (None) has none any more."""
        if (aspect is None) == (self._shape is None):
            return
        self._upright_aspect = aspect
        self._shape = Shape(self._whole, self.aspect, aspect) if aspect else None

    def configure(self, settings: RoiSettings) -> None:
        """Apply new settings from the next frame on; the ROI and the smoothing start over."""
        if settings != self._settings:
            self._settings = settings
            self.reset()

    def reset(self) -> None:
        """Forget the person: the next frame is looked at as a whole."""
        self._sides = None
        self._scanned = None
        self.roi = self._whole
        if self._shape is not None:
            self._shape.reset()
        self._aimed_upright = self.upright

    @property
    def tracking(self) -> bool:
        """True while a person is known and the ROI is less than the whole frame."""
        return self._sides is not None and self.roi != self._whole

    def rescan_due(self, now: int, *, gaps: bool = False) -> bool:
        """Whether to look at the whole frame, too, not only the ROI; ``now`` in nanoseconds.

        ``gaps``: parts of the ROI were not looked at.
        """
        if self.roi == self._whole and not gaps:
            self._scanned = now
            return False
        if self._scanned is None or not 0 <= now - self._scanned < self._settings.rescan_s * 1e9:
            self._scanned = now
            return True
        return False

    def update(self, box: Box | None, elsewhere: Box | None = None) -> None:
        """Take in the box found within ``roi``, and the one found in the whole frame, if scanned.

        ``None`` for both means that nobody is there: the whole frame is looked at from now on.
        """
        if not self._settings.enabled:
            return
        found = box.union(elsewhere) if box and elsewhere else box or elsewhere
        if found is None:
            self.reset()
            return
        sides = (found.left, found.top, found.right, found.bottom)
        first = self._sides is None
        if self._sides is None:
            self._sides = [Side(self._settings.level, self._settings.trend, x) for x in sides]
        else:
            for side, x in zip(self._sides, sides, strict=True):
                side.update(x)
        grown = self._grow(found) if box else found
        # A prediction must not cut off what is there now: smoothing lags behind a sudden arm.
        ahead = Box(*(side.predicted for side in self._sides)).union(grown)
        self._aim(ahead, first=first)

    def _grow(self, box: Box) -> Box:
        """Reach out on border contact: what touches the ROI's border continues beyond it."""
        roi, w, h = self.roi, self._width, self._height
        reach_x, reach_y = roi.width * _GROWTH, roi.height * _GROWTH
        slack = max(2.0, 0.01 * max(roi.width, roi.height))
        return Box(
            box.left - reach_x if roi.x > 0 and box.left <= roi.x + slack else box.left,
            box.top - reach_y if roi.y > 0 and box.top <= roi.y + slack else box.top,
            box.right + reach_x if roi.right < w and box.right >= roi.right - slack else box.right,
            box.bottom + reach_y
            if roi.bottom < h and box.bottom >= roi.bottom - slack
            else box.bottom,
        )

    def _aim(self, box: Box, *, first: bool) -> None:
        """Choose the ROI for a predicted box: keep it while the margin holds, else move it."""
        wanted = self._around(box, self.aspect)
        if self._shape is not None and self._upright_aspect is not None:
            upright = self._around(box, self._upright_aspect)
            self._shape.choose(wanted, upright, at_once=first)
            wanted = upright if self.upright else wanted
        keep = self._settings.margin * (1 - self._settings.hold)
        dx, dy = keep * (box.right - box.left), keep * (box.bottom - box.top)
        roi = self.roi
        holds = (
            (roi.x == 0 or roi.x <= box.left - dx)
            and (roi.y == 0 or roi.y <= box.top - dy)
            and (roi.right == self._width or roi.right >= box.right + dx)
            and (roi.bottom == self._height or roi.bottom >= box.bottom + dy)
        )
        same = self.upright == self._aimed_upright
        if same and self._settings.hold > 0 and holds and roi.area <= _TOO_LARGE * wanted.area:
            return
        self.roi, self._aimed_upright = wanted, self.upright

    def _around(self, box: Box, aspect: float) -> Rect:
        """The box with margin, least size, the input's aspect where it fits, clamped, even."""
        s = self._settings
        margin_x = s.margin * (box.right - box.left)
        margin_y = s.margin * (box.bottom - box.top)
        left, right = box.left - margin_x, box.right + margin_x
        top, bottom = box.top - margin_y, box.bottom + margin_y
        least = min(max(32.0, s.min_size * self._height), float(self._height))
        height = max(bottom - top, least, (right - left) / aspect)
        if aspect == self._upright_aspect:
            # Standing people often fill the frame's height: room beyond it needs no width here.
            height = min(height, float(self._height))
        left, right = _span(left, right, max(right - left, height * aspect), self._width)
        top, bottom = _span(top, bottom, height, self._height)
        rect = even((left, top, right, bottom), self._width, self._height)
        return self._whole if rect.area >= _NEARLY_ALL * self._whole.area else rect


def _span(start: float, end: float, length: float, limit: int) -> tuple[float, float]:
    """Stretch an interval about its middle to ``length`` and slide it into 0..limit."""
    length = min(length, float(limit))
    start = (start + end - length) / 2
    start = min(max(start, 0.0), limit - length)
    return start, start + length
