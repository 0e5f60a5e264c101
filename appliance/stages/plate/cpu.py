"""The empty room on the CPU: learnt, kept in step with the light, and used."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.plate import KNOWN, TURNS
from appliance.stages.base import Common, Work
from appliance.stages.plate.trust import Trust

# Alpha from which somebody may be there, and how far around it they may be, grid pixels.
_TAKEN, _MARGIN = 0.03, 1
# A look at the whole frame tells where nobody is, beside the ROI, for so long ...
_LOOK_NS = 2_500_000_000
# ... with so much room around whom it found, as a part of the grid's width: people walk.
_ROOM = 0.08


class PlateSteps:
    """Learns the empty room, and weighs it in."""

    def __init__(self, common: Common) -> None:
        self._common = common
        f = common.format
        self.plate_state = cpu.empty_plate(f.width, f.height, f.colour)
        """What is known of the room."""
        self._free = np.zeros(self.plate_state.times.shape, np.uint8)
        self._light = cpu.RoomLight()
        self._trust = Trust()
        self._grid: tuple[Rect, F32, F32] | None = None
        self._turn = 0
        self._scan: tuple[U8, int] | None = None
        self._taken: U8 | None = None
        self._person: F32 | None = None
        self._guide: U8 | None = None

    @property
    def sound(self) -> bool:
        """Whether the plate is used as evidence."""
        return self._trust.sound

    def reset(self) -> None:
        """After a cut, a failure, a reconnect the plate must prove anew that it fits."""
        if self.plate_state.known:
            self._trust.doubt()
            self._light.reset()
        else:
            self.forget()
        self._grid = self._scan = self._taken = None

    def forget(self) -> None:
        """Start over: the plate does not show this room, or not from here."""
        self.plate_state.forget()
        self._trust.start_over()
        self._light.reset()
        self._grid = None

    def plate(self, work: Work) -> None:
        """Compare the room with the plate; what looks like it is not the person."""
        assert work.alpha is not None
        assert work.planes is not None
        assert work.rect is not None
        assert work.raw is not None
        settings = self._common.settings.stages.plate
        rect, live, whole = work.rect, work.planes, work.frame.rect
        taken = _taken(np.maximum(work.raw, work.alpha), _MARGIN, work.rect, self._common.apart)
        picture, noise = self._on_grid(rect, work.alpha.shape)
        expected = np.empty_like(picture)
        for _ in range(3):
            cpu.expected_planes(picture, noise, self._light, rect, whole, expected)
            fit = cpu.fit_light(self._light, live, expected, noise, taken, rect, whole)
            if abs(fit.light) < 1.5:
                break
        self._taken = taken
        if self._trust.take_in(fit):
            self.forget()
            return
        if not (self._trust.sound and settings.matte and work.somebody):
            return
        radius = self._common.settings.refine.radius + 3
        person = cpu.person_colours(live, work.alpha, expected, noise, radius)
        work.alpha = cpu.weigh_in(work.alpha, live, expected, noise, person)
        self._person = person

    def detail(self, work: Work) -> None:
        """Alpha pixel by pixel along the edge, where the plate is known."""
        assert work.matte is not None
        assert work.alpha is not None
        person, self._person = self._person, None
        if person is None or self._grid is None or not self._common.settings.refine.enabled:
            return
        if self._guide is None:
            self._guide = np.empty(work.frame.y.shape, np.uint8)
        work.matte = cpu.sharpen(
            work.matte, work.alpha, work.frame, self.plate_state, self._light, self._grid[2],
            person, self._guide,
        )  # fmt: skip

    def colour(self, work: Work) -> None:
        """The person's own colour in soft pixels."""
        assert work.layer is not None
        assert work.rect is not None
        if self._trust.sound:
            within = _unramped(work.rect, work.frame.rect, self._common.settings.roi.ramp)
            cpu.true_colour(work.layer, work.frame, self.plate_state, self._light, within, KNOWN)

    def learn(self, work: Work) -> None:
        """Learn a part of the rows where nobody is."""
        assert work.rect is not None
        if work.scanned is not None:
            room = max(2, round(_ROOM * work.scanned.shape[1]))
            self._scan = (_taken(work.scanned, room, work.frame.rect), work.frame.pts)
        taken, self._taken = self._taken, None
        if taken is None or work.carried or not self._trust.learns:
            return
        free, turn = self._free, self._turn
        free[turn::TURNS] = 0
        scan = self._scan
        if scan is not None and 0 <= work.frame.pts - scan[1] <= _LOOK_NS:
            cpu.free_cells(scan[0], work.frame.rect, self.plate_state.cell, free, turn, TURNS)
        cpu.free_cells(taken, work.rect, self.plate_state.cell, free, turn, TURNS)
        light = self._light
        seen = cpu.learn(self.plate_state, work.frame, free, light.offset, light.gain, turn)
        self._turn = (turn + 1) % TURNS
        if self._trust.take_in_learnt(*seen, free.size // TURNS):
            self.forget()

    def _on_grid(self, rect: Rect, shape: tuple[int, ...]) -> tuple[F32, F32]:
        """The plate and its noise on the network's grid over ``rect``, rows in turns."""
        rows = shape[0]
        if self._grid is None or self._grid[0] != rect or self._grid[2].shape != shape:
            self._grid = (rect, np.empty((3, *shape), np.float32), np.empty(shape, np.float32))
            part = (0, rows)
        else:
            part = (self._turn * rows // TURNS, (self._turn + 1) * rows // TURNS)
        _, picture, noise = self._grid
        cpu.crop_planes(self.plate_state.picture, rect, picture, part)
        cpu.plate_noise(self.plate_state, rect, noise, *part)
        return picture, noise


def _unramped(rect: Rect, whole: Rect, ramp: float) -> Rect:
    """The part of the ROI where nothing fades, even."""
    x, y = (2 * math.ceil(side * ramp / 2) for side in (rect.width, rect.height))
    left, top = rect.x + x * (rect.x > 0), rect.y + y * (rect.y > 0)
    right = rect.right - x * (rect.right < whole.width)
    bottom = rect.bottom - y * (rect.bottom < whole.height)
    return Rect(left, top, max(0, right - left), max(0, bottom - top))


def _taken(alpha: F32, margin: int, rect: Rect, seen: Sequence[Rect] = ()) -> U8:
    """Where somebody may be, uint8 (rows, columns), with a margin; also what was not looked at."""
    mask = np.asarray(alpha > _TAKEN, np.uint8)
    mask = np.asarray(cv2.dilate(mask, np.ones((2 * margin + 1,) * 2, np.uint8)), np.uint8)
    if seen:
        rows, columns = alpha.shape
        looked = np.ones_like(mask)
        for part in seen:
            left, right = ((x - rect.x) * columns / rect.width for x in (part.x, part.right))
            top, bottom = ((y - rect.y) * rows / rect.height for y in (part.y, part.bottom))
            looked[max(0, int(top) + 1) : int(bottom), max(0, int(left) + 1) : int(right)] = 0
        mask |= looked
    return mask
