"""A network's style on moving pictures: every nth frame is painted, and carried in between."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.networks.picture import PictureNetwork
from appliance.pixels.cpu.flow import Flow, Motion, follow, off_at, shrink
from appliance.stages.looks.painting import paint
from appliance.stages.motion.cpu import MOST_UNEXPLAINED


class CarriedPainting:
    """What the network changed, where it is in this frame."""

    def __init__(self) -> None:
        self._network: PictureNetwork | None = None
        self._shift: F32 | None = None
        self._age = 0

    def start_over(self) -> None:
        """Forget it: after a cut, a failure, a reconnect."""
        self._shift = None

    def __call__(
        self, network: PictureNetwork, frame: Frame, every: int, motion: Motion | None,
        alpha: U8 | None = None,
    ) -> F32:  # fmt: skip
        """See ``paint``.

        Args:
            every: the network looks at one frame in so many.
            motion: since the last frame; None: it looks at this one.
            alpha: see ``paint``.
        """
        shift = self._shift
        if network is not self._network or motion is None or self._age >= every or shift is None:
            self._shift = None
            self._shift, self._network, self._age = paint(network, frame, alpha), network, 1
        else:
            self._shift = np.stack([follow(plane, motion.origin) for plane in shift])
            self._age += 1
        return self._shift


class OwnMotion:
    """How a background moves, which is not how the live picture does."""

    def __init__(self) -> None:
        self._flow = Flow()
        self._last: U8 | None = None

    def start_over(self) -> None:
        """Forget the last picture."""
        self._last = None

    def __call__(self, frame: Frame) -> Motion | None:
        """Since the last call; None at the first, and after a cut."""
        luma = shrink(frame.y, self._flow.columns, self._flow.rows)
        last, self._last = self._last, luma
        if last is None:
            return None
        origin = self._flow(luma, last)
        off = off_at(luma, last, origin)
        rest = float(off.mean())
        return Motion(origin, rest, 1, off) if rest <= MOST_UNEXPLAINED else None
