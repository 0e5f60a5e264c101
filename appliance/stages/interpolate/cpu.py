"""A frame between the last one and this, or soon after this, on the CPU."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, Frame
from appliance.networks.between import BetweenNetwork, load_between
from appliance.networks.loading import FILES_WAIT_S, Loading
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import Shows, origin_through
from appliance.stages.base import Common, Work
from appliance.stages.interpolate.learned import paint_between
from appliance.stages.interpolate.when import Moment, moment_of


class InterpolateSteps:
    """Remembers the person in the last frame, and makes the frame that is asked for."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._people: tuple[cpu.Weighed, cpu.Weighed] | None = None
        self._alone: cpu.PersonLayer | None = None
        self._last_pts: int | None = None
        self._view: Shows | None = None
        self._named = "builtin"
        self._network: BetweenNetwork | None = None
        self._loading: Loading[BetweenNetwork] | None = None

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
        network = self._serving()
        # Where another stage has moved the person on the canvas, the motion is moved along.
        view: Shows | None = work.view
        before, self._view = self._view, view
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
        origin = work.motion.origin
        if before is not None and view is not None:
            origin = origin_through(origin, work.frame.rect, before, view)
        behind = self._behind(work, moment)
        if network is not None:
            paint_between(last, this, network, network.size, behind, work.also)
        else:
            flow = self._make(work, last, this, work.also, moment, origin, behind)
            if work.also_companions:
                work.layer_between = self._apart(last, this, flow, moment.at)
        work.made_at = moment.pts

    def _serving(self) -> BetweenNetwork | None:
        """The network that makes frames; None where, or as long as, the built-in way does.

        Raises ModelError if the one that is named cannot be loaded.
        """
        settings = self._common.settings.stages.interpolate
        # Networks give what is half way; nobody of them knows what comes.
        named = settings.model if settings.mode == "between" else "builtin"
        if named != self._named:
            self._named, self._network, self._loading = named, None, None
            if named != "builtin":
                self._loading = Loading(lambda: load_between(named), named)
                if self._common.settings.source_in_use.pace == "fast":
                    self._loading.wait(FILES_WAIT_S)
        if self._loading is not None:
            self._network = self._loading.get()
            if self._network is not None:
                self._loading = None
        return self._network

    @staticmethod
    def _behind(work: Work, moment: Moment) -> Frame:
        assert work.behind is not None
        behind = work.behind
        if work.giver is not None and behind is work.given:
            # Nothing has changed it since, so another picture of it is as good.
            behind = work.giver.before(work.frame.pts - moment.pts)
        return behind

    @staticmethod
    def _make(
        work: Work, last: cpu.Weighed, this: cpu.Weighed, out: Frame, moment: Moment, origin: F32,
        behind: Frame,
    ) -> F32 | None:  # fmt: skip
        """Returns the person's motion; None for nobody."""
        if work.layer is None:
            np.copyto(out.y, behind.y)
            np.copyto(out.uv, behind.uv)
            return None
        flow = cpu.halfway(origin, moment.at, work.layer.alpha)
        cpu.blend_between(last, this, flow, moment.at, behind, out)
        return flow

    def _apart(
        self, last: cpu.Weighed, this: cpu.Weighed, flow: F32 | None, at: float
    ) -> cpu.PersonLayer:
        """The person in the frame that was made, for what goes out beside it."""
        f = self._common.format
        if self._alone is None:
            self._alone = cpu.empty_layer(f.width, f.height, f.colour)
        if flow is None:
            return cpu.empty_layer(f.width, f.height, f.colour)
        cpu.layer_between(last, this, flow, at, self._alone)
        return self._alone
