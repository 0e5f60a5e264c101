"""The last matte carried to the next frame along the picture's motion, without the network."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.flow import (
    Flow,
    Motion,
    follow,
    origin_over,
    to_flow_grid,
    unexplained,
    unexplained_over,
)
from appliance.stages.motion.cpu import MOST_UNEXPLAINED

OLDEST_NS = 120_000_000
"""A matte is carried over no more of the picture's time than this.

Where fast hands were, carried mattes leave 0.6 thousandths of the picture's room bare after one
frame of 30 a second, 6 after three, 17 after six (95th percentiles): a box that gets a frame done
only now and then has to look at each.
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    rect: Rect
    alpha: F32
    luma: U8
    pts: int


class Carry:
    """Makes every second matte from the one before: network and optical flow take turns.

    ``keep`` stores what the network gave; ``rect_at`` says where the next matte can be made from
    it; ``take`` returns that, once.
    """

    def __init__(self) -> None:
        self._flow = Flow()
        self._kept: _Kept | None = None

    def rect_at(self, pts: int) -> Rect | None:
        """The part of the frame at ``pts``, ns, that a matte can be carried for.

        None: the network's turn.
        """
        kept = self._kept
        if kept is not None and not 0 < pts - kept.pts <= OLDEST_NS:
            self._kept = kept = None
        return kept.rect if kept else None

    def reset(self) -> None:
        """Forget: after a cut, a failure, another network."""
        self._kept = None

    def keep(self, alpha: F32, luma: F32, rect: Rect, pts: int) -> None:
        """Remember the network's raw alpha and the luma (0..255) on the same grid over ``rect``.

        ``pts``: the frame's time, ns.
        """
        self._kept = _Kept(rect, alpha.copy(), to_flow_grid(luma), pts)

    def take(self, luma: F32, motion: Motion | None, frame: Rect) -> F32 | None:
        """The kept alpha, moved to where the picture now is; forgets it.

        Args:
            luma: of this frame, float32 (rows, columns), 0..255, on the grid over ``rect``.
            motion: of the whole frame since the matte was kept; None: it is estimated here.
            frame: the whole frame.

        None if the picture cannot be explained by the last one (a cut, a light switched): an old
        matte would expose the room, so the network has to run.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        if motion is not None:
            if unexplained_over(motion, frame, kept.rect) > MOST_UNEXPLAINED:
                return None
            rows, columns = kept.alpha.shape
            return follow(kept.alpha, origin_over(motion, frame, kept.rect, rows, columns))
        now = to_flow_grid(luma)
        origin = self._flow(now, kept.luma)
        if unexplained(now, kept.luma, origin) > MOST_UNEXPLAINED:
            return None
        return follow(kept.alpha, origin)
