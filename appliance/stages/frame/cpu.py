"""The person framed, on the CPU."""

from __future__ import annotations

from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.frame.framer import Framer
from appliance.stages.frame.subject import subject_in
from appliance.stages.participants import by_participation


class FrameSteps:
    """Moves the person's layer to where it belongs. Two memories take turns, as in ``layer``."""

    def __init__(self, common: Common) -> None:
        self._common = common
        f = common.format
        self._settings = common.settings.stages.frame
        self._framer = Framer(self._settings, f.width, f.height)
        self._layers: tuple[cpu.PersonLayer, cpu.PersonLayer] | None = None

    def reset(self) -> None:
        """After a cut: whoever is found next is framed at once."""
        self._framer.reset()

    def frame(self, work: Work) -> None:
        """The layer as the canvas is to show it."""
        assert work.layer is not None
        self._configure()
        self._see(work)
        view = self._framer.at(work.frame.pts)
        if not view.plain:
            if self._layers is None:
                f = self._common.format
                first, second = (cpu.empty_layer(f.width, f.height, f.colour) for _ in range(2))
                self._layers = (first, second)
            this, last = self._layers
            self._layers = (last, this)
            cpu.warp_layer(work.layer, view, this)
            work.layer = this
        work.view = view

    def aim(self, work: Work) -> None:
        """Note that nobody was there to be framed; whoever was has been seen already."""
        if work.view is None:
            self._configure()
            self._see(work)
            self._framer.at(work.frame.pts)

    def _configure(self) -> None:
        settings = self._common.settings.stages.frame
        if settings != self._settings:
            self._settings = settings
            self._framer.configure(settings)

    def _see(self, work: Work) -> None:
        box, alpha, rect = work.box, work.alpha, work.rect
        if box is None or alpha is None or rect is None:
            self._framer.see(work.frame.pts, None)
            return
        common = self._common
        people = common.participants.taking if by_participation(common.settings.clean) else []
        sums = cpu.column_sums(alpha)
        several = len(people) > 1
        self._framer.see(work.frame.pts, subject_in(box, sums, rect, several=several))
