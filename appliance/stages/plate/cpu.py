"""The empty room on the CPU: learnt, kept in step with the light, and used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.plate import KNOWN, turns_of
from appliance.stages.base import Common, Work
from appliance.stages.learnt_room import copy_of, give_back
from appliance.stages.plate.reach import (
    LOOK_NS,
    MARGIN,
    NOBODY_SHARE,
    SOMEBODY,
    TAKEN,
    margin_of_look,
    parts_on_grid,
    refused,
    unramped,
)
from appliance.stages.plate.trust import Trust

# A change of light, in levels, that is followed at once.
_DRIFTS = 1.0


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
        self._grid: _Grid | None = None
        self._turn, self._turns = 0, turns_of(f.height)
        self._scan: tuple[U8, int] | None = None
        self._taken: U8 | None = None
        self._person: F32 | None = None
        self._guide: U8 | None = None
        self._looks, self._drift = 0, 0.0
        self._until: int | None = None
        self.control = common.plate

    @property
    def sound(self) -> bool:
        """Whether the plate is used as evidence."""
        return self._trust.sound

    def reset(self) -> None:
        """After a cut, a failure, a reconnect the plate must prove anew that it fits."""
        self._trust.interrupt(self.plate_state.known)
        self._light.reset()
        self._grid = self._scan = self._taken = None
        if self._until is not None:
            self._until = None
            self.control.tell(0.0, False, "refused", "the picture was interrupted; try again")

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
        rect, whole = work.rect, work.frame.rect
        taken = _taken(np.maximum(work.raw, work.alpha), MARGIN, work.rect, self._common.apart)
        grid = self._on_grid(rect, work.alpha.shape)
        live, noise, expected = work.planes, grid.noise, grid.expected
        self._taken = taken
        self._looks += 1
        if self._looks % 2 or abs(self._drift) > _DRIFTS or not self._trust.sound:
            # Light drifts slowly: every second frame is enough, unless it does not.
            for _ in range(3):
                fit = cpu.fit_light(
                    self._light, live, expected, noise, taken, rect, whole, self._turn % 2
                )
                self._drift = fit.light
                if abs(fit.light) < _DRIFTS:
                    break
                cpu.expected_planes(grid.picture, noise, self._light, rect, whole, expected)
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
        if self._common.settings.edge.wanted:
            # The edge may be moved by more than its own width: what lies beside it is read, too.
            rect = work.matte.rect
            plain = np.round(work.alpha * np.float32(255)).astype(np.uint8)
            wide = cv2.resize(plain, (rect.width, rect.height))
            self._guide[rect.y : rect.bottom, rect.x : rect.right] = wide
        work.matte = cpu.sharpen(
            work.matte, work.alpha, work.frame, self.plate_state, self._light, self._grid.noise,
            person, self._guide,
        )  # fmt: skip

    def colour(self, work: Work) -> None:
        """The person's own colour in soft pixels."""
        assert work.layer is not None
        assert work.rect is not None
        if self._trust.sound:
            within = unramped(work.rect, work.frame.rect, self._common.settings.roi.ramp)
            cpu.true_colour(work.layer, work.frame, self.plate_state, self._light, within, KNOWN)

    def learn(self, work: Work) -> None:
        """Learn a part of the rows where nobody is."""
        assert work.rect is not None
        if work.scanned is not None:
            room = margin_of_look(work.scanned.shape[1])
            self._scan = (_taken(work.scanned, room, work.frame.rect), work.frame.pts)
        taken, self._taken = self._taken, None
        self._heed(work)
        if self._until is not None:
            self._learn_at_once(work)
            return
        always = self._common.settings.stages.plate.learn == "always"
        if taken is None or work.carried or not always or not self._trust.learns:
            return
        free, turn = self._free, self._turn
        free[turn :: self._turns] = 0
        scan = self._scan
        if scan is not None and 0 <= work.frame.pts - scan[1] <= LOOK_NS:
            cpu.free_cells(scan[0], work.frame.rect, self.plate_state.cell, free, turn, self._turns)
        cpu.free_cells(taken, work.rect, self.plate_state.cell, free, turn, self._turns)
        light = self._light
        seen = cpu.learn(
            self.plate_state, work.frame, free, light.offset, light.gain, turn, self._turns
        )
        self._turn = (turn + 1) % self._turns
        if self._trust.take_in_learnt(*seen, free.size // self._turns):
            self.forget()

    def _heed(self, work: Work) -> None:
        """Take what others wish for, and tell them, once a turn, how it stands."""
        offered = self.control.take_offered()
        if offered is not None and give_back(offered, self.plate_state, self._light):
            # The light of then stays: it is nearer to now's than none at all.
            self._trust.doubt()
            self._grid = None
        seconds, forget = self.control.take()
        if forget:
            self.forget()
        if seconds:
            self.forget()
            self._until = work.frame.pts + round(seconds * 1e9)
        if self._turn == 0 or forget:
            self.control.tell(self.plate_state.known, self._trust.sound)
        self.control.answer(lambda: copy_of(self.plate_state, self._light, self._trust.sound))

    def _learn_at_once(self, work: Work) -> None:
        """Learn the whole picture, as nobody is in view; refused if the network sees somebody."""
        assert self._until is not None
        share = float(np.mean(work.raw > SOMEBODY)) if work.raw is not None else 0.0
        if work.raw is not None and share > NOBODY_SHARE:
            self._until = None
            self.forget()
            self.control.tell(0.0, False, "refused", refused(share))
            return
        self._free[:] = 1
        light = self._light
        cpu.learn(self.plate_state, work.frame, self._free, light.offset, light.gain, 0, 1)
        if work.frame.pts >= self._until:
            self._until = None
            self.control.tell(self.plate_state.known, self._trust.sound, "learnt")

    def _on_grid(self, rect: Rect, shape: tuple[int, ...]) -> _Grid:
        """The plate on the network's grid over ``rect``, rows in turns."""
        rows, grid = shape[0], self._grid
        if grid is None or grid.rect != rect or grid.noise.shape != shape:
            planes, expected = (np.empty((3, *shape), np.float32) for _ in range(2))
            grid = self._grid = _Grid(rect, planes, expected, np.empty(shape, np.float32))
            part = (0, rows)
        else:
            part = (
                self._turn * rows // self._turns,
                (self._turn + 1) * rows // self._turns,
            )
        cpu.crop_planes(self.plate_state.picture, rect, grid.picture, part)
        cpu.plate_noise(self.plate_state, rect, grid.noise, *part)
        whole = self._common.format.rect
        cpu.expected_planes(grid.picture, grid.noise, self._light, rect, whole, grid.expected, part)
        return grid


@dataclass(frozen=True, slots=True)
class _Grid:
    """The plate on the network's grid over ``rect``.

    Attributes:
        picture: float32 (3, rows, columns). expected: the same in the light as it is now.
        noise: float32 (rows, columns), see ``plate_noise``.
    """

    rect: Rect
    picture: F32
    expected: F32
    noise: F32


def _taken(alpha: F32, margin: int, rect: Rect, seen: Sequence[Rect] = ()) -> U8:
    """Where somebody may be, uint8 (rows, columns), with a margin; also what was not looked at."""
    mask = np.asarray(alpha > TAKEN, np.uint8)
    mask = np.asarray(cv2.dilate(mask, np.ones((2 * margin + 1,) * 2, np.uint8)), np.uint8)
    if seen:
        looked = np.ones_like(mask)
        for left, top, right, bottom in parts_on_grid(seen, rect, alpha.shape):
            looked[top:bottom, left:right] = 0
        mask |= looked
    return mask
