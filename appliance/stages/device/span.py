"""Steps that are launched together: one CUDA graph when the same launches recur."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import TypeVar, cast

from appliance.cuda.graph import Replay
from appliance.stages.binding import BoundCascade, BoundStep
from appliance.stages.device.work import DevicePart, DeviceWork
from appliance.stages.guard import StageFailed, StageGuard

T = TypeVar("T")


class Span:
    """Consecutive steps of the cascade under one name, by which the host's time is counted."""

    def __init__(
        self, name: str, steps: Iterable[BoundStep], replay: Replay, guard: StageGuard
    ) -> None:
        self.name = name
        self._steps = tuple(steps)
        self._replay = replay
        self._guard = guard
        self._launched = any(bound.step.launched for bound in self._steps)

    def ready(self, work: DeviceWork) -> bool:
        """Whether there is anything to do for this frame."""
        if self._launched:
            return any(_concerns(bound, work) for bound in self._steps)
        return any(bound.ready(work) for bound in self._steps)

    def run(self, work: DeviceWork) -> None:
        """Launch the steps, or replay what they launched before.

        If an optional one fails, all are launched again without it: what it was to give may have
        been given to others in ``begin``. Raises what a step raises: MattingError, GpuError.
        """
        if not self._launched:
            for bound in self._steps:
                if bound.ready(work):
                    bound.run(work)
            return
        for _ in self._steps:
            try:
                self._launch_all(work)
            except StageFailed:
                continue
            return

    def _launch_all(self, work: DeviceWork) -> None:
        skipped = self._guard.skipped
        steps = tuple(
            bound for bound in self._steps
            if bound.step.name not in skipped and _concerns(bound, work)
        )  # fmt: skip
        # A part is guarded if all that it does here is optional.
        parts: dict[DevicePart, BoundStep | None] = {}
        for bound in steps:
            part = cast(DevicePart, bound.part)
            known = parts.get(part, bound)
            parts[part] = bound if bound.step.optional and known is not None else None
        for part, optional in parts.items():
            self._try(optional, work, partial(part.begin, work))
        if all(part.recordable for part in parts):
            keys = [self._try(only, work, partial(part.key, work)) for part, only in parts.items()]
            names = tuple(bound.step.name for bound in steps)
            self._replay.run((self.name, names, *keys), lambda: self._launch(steps, work))
        else:
            self._launch(steps, work)
        for part, optional in parts.items():
            self._try(optional, work, partial(part.end, work))
        for bound in steps:
            if bound.step.optional:
                self._guard.worked(bound.step.name)

    def _launch(self, steps: tuple[BoundStep, ...], work: DeviceWork) -> None:
        for bound in steps:
            self._try(bound if bound.step.optional else None, work, partial(bound.run, work))

    def _try(self, optional: BoundStep | None, work: DeviceWork, call: Callable[[], T]) -> T:
        if optional is None:
            return call()
        return self._guard.attempt(optional.step.name, work.frame.pts, call, optional.part.reset)


def _concerns(bound: BoundStep, work: DeviceWork) -> bool:
    """Whether a step is for frames of this kind: with a matte of their own, or without.

    That is all the host knows before the launch; what else a step needs is there by then.
    """
    needs = bound.step.needs
    return not (
        ("unmatted" in needs and work.unmatted is None)
        or ("matted" in needs and work.matted is None)
    )


def spans(cascade: BoundCascade, replay: Replay) -> tuple[Span, ...]:
    """The cascade's steps grouped into spans, in order."""
    grouped = groupby(cascade.steps, key=lambda bound: bound.step.span)
    return tuple(Span(name, list(steps), replay, cascade.guard) for name, steps in grouped)
