"""Steps that are launched together: one CUDA graph where the same comes again and again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import cast

from appliance.cuda.graph import Replay
from appliance.stages.device.work import DevicePart, DeviceWork
from appliance.stages.line import BoundStep, Line


class Span:
    """Consecutive steps of the cascade under one name, as the host's time is counted."""

    def __init__(self, name: str, steps: Iterable[BoundStep], replay: Replay) -> None:
        self.name = name
        self._steps = tuple(steps)
        self._replay = replay
        parts = dict.fromkeys(bound.part for bound in self._steps if bound.step.launched)
        self._parts = tuple(cast(DevicePart, part) for part in parts)

    def ready(self, work: DeviceWork) -> bool:
        """Whether there is anything to do for this frame."""
        return bool(self._parts) or any(bound.ready(work) for bound in self._steps)

    def run(self, work: DeviceWork) -> None:
        """Launch the steps, or replay what they launched before.

        Raises what a step raises: MattingError, GpuError.
        """
        if not self._parts:
            for bound in self._steps:
                if bound.ready(work):
                    bound.run(work)
            return
        for part in self._parts:
            part.begin(work)
        if all(part.recordable for part in self._parts):
            key = (self.name, *(part.key(work) for part in self._parts))
            self._replay.run(key, lambda: self._launch(work))
        else:
            self._launch(work)
        for part in self._parts:
            part.end(work)

    def _launch(self, work: DeviceWork) -> None:
        for bound in self._steps:
            bound.run(work)


def spans(line: Line, replay: Replay) -> tuple[Span, ...]:
    """The line's steps in spans, in their order."""
    grouped = groupby(line.steps, key=lambda bound: bound.step.span)
    return tuple(Span(name, list(steps), replay) for name, steps in grouped)
