"""The matte that came with the frame, on the CPU."""

from __future__ import annotations

from appliance.errors import MattingError
from appliance.pixels import cpu
from appliance.stages.base import Common, Work


class GivenSteps:
    """Takes the source's matte as it is: nothing of it is judged, cleaned or refined."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._given: cpu.GivenMatte | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def given(self, work: Work) -> None:
        """Where the person is, and the matte; no matte where nobody is.

        It covers the whole frame: so nothing of it is faded at the sides of a region.

        Raises MattingError when it does not fit the frame.
        """
        alpha = work.matted
        assert alpha is not None
        if self._given is None:
            f = self._common.format
            self._given = cpu.GivenMatte(f.width, f.height)
        given, s = self._given, self._common.settings.clean
        try:
            given.take(alpha)
        except ValueError as error:
            raise MattingError(f"the frame came with {error}; its source is at fault") from error
        work.rect, work.alpha = given.rect, given.small
        work.kept = cpu.keep_components(given.small, s.threshold, "all", s.min_area)
        work.matte = given.matte(alpha) if given.somebody else None
