"""The last matte carried on to the next frame along the picture's movement, without the network."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.flow import Flow, follow, to_flow_grid, unexplained

# Signers' fast hands leave up to 0.07 of a picture unexplained, 0.10 over three frames; a cut to
# another scene 0.2 and more.
_MOST_UNEXPLAINED = 0.1


@dataclass(frozen=True, slots=True)
class _Kept:
    rect: Rect
    alpha: F32
    luma: U8


class Carry:
    """Makes every second matte from the one before: the network's turn, then the flow's.

    ``keep`` what the network gave; ``rect`` says where the next matte can be had from it; ``take``
    gives it, once.
    """

    def __init__(self) -> None:
        self._flow = Flow()
        self._kept: _Kept | None = None

    @property
    def rect(self) -> Rect | None:
        """The part of the frame that a matte can be carried for; None: the network's turn."""
        return self._kept.rect if self._kept else None

    def reset(self) -> None:
        """Forget: after a cut, a failure, another network."""
        self._kept = None

    def keep(self, alpha: F32, luma: F32, rect: Rect) -> None:
        """Remember the network's raw alpha and the luma (0..255) on the same grid over ``rect``."""
        self._kept = _Kept(rect, alpha.copy(), to_flow_grid(luma))

    def take(self, luma: F32) -> F32 | None:
        """The kept alpha, moved to where the picture now is; forgets it.

        None where the picture cannot be told from the last one (a cut, the light switched): an old
        matte would show the room in it, so the network has to look.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        now = to_flow_grid(luma)
        origin = self._flow(now, kept.luma)
        if unexplained(now, kept.luma, origin) > _MOST_UNEXPLAINED:
            return None
        return follow(kept.alpha, origin)
