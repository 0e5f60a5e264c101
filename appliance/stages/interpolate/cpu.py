"""A frame between the last one and this, or soon after this, on the CPU."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import Frame
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.interpolate.when import Moment, moment_of

_PLAIN = cpu.Viewport()


class InterpolateSteps:
    """Remembers the person in the last frame, and makes the frame that is asked for."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._people: tuple[cpu.Weighed, cpu.Weighed] | None = None
        self._last_pts: int | None = None
        self._view: cpu.Viewport | None = None

    def reset(self) -> None:
        """Forget the last frame: after a cut, a failure, a reconnect."""
        self._last_pts = None

    def interpolate(self, work: Work) -> None:
        """``made_at``, and the picture for that time in ``also``; None across a cut."""
        if self._people is None:
            f = self._common.format
            first, second = (cpu.empty_weighed(f.width, f.height) for _ in range(2))
            self._people = (first, second)
        last_pts, self._last_pts = self._last_pts, None
        before, self._view = self._view, work.view
        last, this = self._people
        if work.layer is None:
            cpu.clear_weighed(this)
        else:
            cpu.weigh(work.layer, this)
        # From here on ``this`` holds what the next frame needs.
        self._people = (this, last)
        self._last_pts = work.frame.pts
        if work.also is None or last_pts is None or work.motion is None:
            return
        mode = self._common.settings.stages.interpolate.mode
        moment = moment_of(mode, last_pts, work.frame.pts)
        self._make(work, last, this, work.also, moment, before)
        work.made_at = moment.pts

    def _make(
        self, work: Work, last: cpu.Weighed, this: cpu.Weighed, out: Frame, moment: Moment,
        before: cpu.Viewport | None,
    ) -> None:  # fmt: skip
        assert work.behind is not None
        assert work.motion is not None
        behind = work.behind_then or work.behind
        if work.layer is None:
            np.copyto(out.y, behind.y)
            np.copyto(out.uv, behind.uv)
            return
        origin = work.motion.origin
        if work.view is not None or before is not None:
            # The person was moved on the canvas, and their motion with them.
            origin = cpu.seen_through(
                origin, work.view or _PLAIN, before or _PLAIN, work.frame.rect
            )
        flow = cpu.halfway(origin, moment.at, work.layer.alpha)
        cpu.blend_between(last, this, flow, moment.at, behind, out)
