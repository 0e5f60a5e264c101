"""A chroma keyer, together with the network or by itself, on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from appliance.config.settings.stages.keyer import AUTO
from appliance.errors import MattingError
from appliance.media.frame import F32, U8, Colour, Frame, Rect, blank
from appliance.pixels import cpu
from appliance.stages.base import Common, Work

_REACH, _CORE = 0.06, 0.03
"""How far from the person the key may reach, and how deep within the network fills: of the grid."""
_EVERY = 3
"""Every how many frames the wall is looked at."""


class KeyerSteps:
    """Learns the wall, fuses the key with the network's alpha, and draws the edge at full size."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._learner = cpu.WallLearner()
        self._wall: cpu.Wall | None = None
        self._by: tuple[float, ...] | None = None
        self._frames = 0
        self._dark: Frame | None = None
        self._guide: U8 | None = None
        self._chroma: tuple[U8, U8] | None = None

    def reset(self) -> None:
        """Forget the wall."""
        self._learner.reset()
        self._wall = None

    def key(self, work: Work) -> None:
        """The network's alpha and the key's, in one.

        Raises MattingError where there is no network beside it and no wall.
        """
        assert work.raw is not None
        assert work.planes is not None
        assert work.rect is not None
        if not self._common.settings.matting.keyer:
            work.raw, work.key = self._fused(work.frame, work.raw, work.planes, work.rect)
            return
        try:
            work.raw, work.key = self._alone(work.frame, work.planes, work.rect)
        except Exception as error:
            # Nothing else knows what is room: the picture must not go out.
            raise MattingError(f"the chroma keyer cannot key: {error}") from error

    def _fused(self, frame: Frame, raw: F32, planes: F32, rect: Rect) -> tuple[F32, cpu.Key]:
        s, whole = self._common.settings.stages.keyer, frame.rect
        wall = self._look(frame, raw, rect)
        cells = cpu.stretched(wall.cells, whole, rect, raw.shape)
        key = cpu.key_planes(planes, cells, wall.chroma, np.clip(raw, 0, 1), s.tolerance)
        return cpu.fuse_key(raw, key, *_reach_and_core(raw.shape)), key

    def _alone(self, frame: Frame, planes: F32, rect: Rect) -> tuple[F32, cpu.Key]:
        s, whole = self._common.settings.stages.keyer, frame.rect
        wall = self._look(frame, None, rect)
        cells = cpu.stretched(wall.cells, whole, rect, planes.shape[1:])
        within = cpu.outline(wall) if s.within == "wall" else np.ones_like(wall.ever)
        cells[..., 3] = cpu.stretched(within, whole, rect, planes.shape[1:])
        anybody = np.ones(planes.shape[1:], np.float32)
        first = cpu.key_planes(planes, cells, wall.chroma, anybody, s.tolerance)
        # Once more, with the colours of what is surely a person, whose inside has no holes.
        person = cpu.solid(first.alpha * cells[..., 3])
        key = cpu.key_planes(planes, cells, wall.chroma, person, s.tolerance)
        return cpu.fuse_key(person, key, *_reach_and_core(person.shape)) * cells[..., 3], key

    def _look(self, frame: Frame, person: F32 | None, rect: Rect) -> cpu.Wall:
        """What is known of the wall; it is looked at now and then. Raises NoWall."""
        asked = self._asked(frame)
        if self._wall is None or asked != self._by or self._frames % _EVERY == 0:
            self._wall = None
            if asked != self._by:
                self._learner.reset()
                self._by = asked
            self._wall = self._learner(frame, person, rect, asked)
            self._frames = 0
        self._frames += 1
        return self._wall

    def _asked(self, frame: Frame) -> tuple[float, ...] | None:
        asked = self._common.settings.stages.keyer.colour
        return None if asked == AUTO else _yuv(asked, frame.colour)

    def edge(self, work: Work) -> None:
        """Alpha at full size by the key, and the wall's light off the person."""
        assert work.matte is not None
        assert work.key is not None
        assert work.alpha is not None
        frame, s = work.frame, self._common.settings.stages.keyer
        guide, chroma = self._room(frame)
        matte = cpu.key_matte(work.matte, work.alpha, work.key, guide, frame)
        matte = cpu.despill(frame, matte, work.alpha, work.key, s.spill, chroma)
        behind = self._shaded(work.behind, s.shadows)
        work.matte, work.frame, work.behind = matte, replace(frame, uv=chroma), behind

    def _shaded(self, behind: Frame | None, strength: float) -> Frame | None:
        """What is behind, in the shadows that lie on the wall."""
        left = None
        if behind is not None and self._wall is not None and strength > 0:
            left = cpu.shade(self._wall, strength)
        if behind is None or left is None:
            return behind
        if self._dark is None or self._dark.rect != behind.rect:
            self._dark = blank(behind.width, behind.height, behind.colour)
        out = replace(behind, y=self._dark.y, uv=self._dark.uv, owner=None)
        cpu.shade_behind(behind, left, out)
        return out

    def _room(self, frame: Frame) -> tuple[U8, U8]:
        """A guide, and one of two planes of chroma in turn: the last frame's stays valid."""
        if self._guide is None or self._guide.shape != frame.y.shape or self._chroma is None:
            self._guide = np.zeros(frame.y.shape, np.uint8)
            self._chroma = (np.empty(frame.uv.shape, np.uint8), np.empty(frame.uv.shape, np.uint8))
        this, last = self._chroma
        self._chroma = (last, this)
        return self._guide, this


def _reach_and_core(shape: tuple[int, ...]) -> tuple[int, int]:
    """See ``fuse_key``."""
    return max(1, round(_REACH * shape[0])), max(1, round(_CORE * shape[0]))


def _yuv(colour: str, how: Colour) -> tuple[float, ...]:
    """Y, Cb and Cr, 0..255, of #RRGGBB."""
    matrix = cpu.bgr_to_yuv(how)
    bgr = np.array([*(int(colour[i : i + 2], 16) for i in (5, 3, 1)), 1], np.float32)
    return tuple(float(value) for value in matrix @ bgr)
