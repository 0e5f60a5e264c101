"""The cascade as one pipeline runs it: its steps bound to the parts that implement them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from appliance.config.settings import Settings
from appliance.shedding.level import Level
from appliance.stages.cascade import CASCADE, Side, Step
from appliance.stages.guard import StageGuard

P = TypeVar("P", bound="Part")


class Part(Protocol):
    """An object whose methods are steps.

    It is made once per pipeline, its only argument being what that pipeline's parts share. A step
    is called with the frame's work and stores there what the cascade says the step gives.
    """

    def reset(self) -> None:
        """Forget everything carried over time: after a cut, a failure, a reconnect."""
        ...


@dataclass(frozen=True, slots=True)
class BoundStep:
    """A step with the part that it belongs to and the method that does it."""

    step: Step
    part: Part
    run: Callable[[Any], None]

    def ready(self, work: object) -> bool:
        """Whether everything it needs is present and something it gives is missing."""
        # Called for every step of every frame: loops, since generators would double the cost.
        for name in self.step.needs:
            if getattr(work, name) is None:
                return False
        gives = self.step.gives
        for name in gives:
            if getattr(work, name) is None:
                return True
        return not gives


class BoundCascade:
    """One side's steps in order. A part is made when one of its steps is first wanted."""

    def __init__(
        self, side: Side, shared: object, settings: Settings,
        only: Callable[[Step], bool] = lambda _: True,
    ) -> None:  # fmt: skip
        """``shared``: what the parts are made with; ``only``: a stretch of the cascade."""
        self._only = only
        self._side: Side = side
        self._shared = shared
        self._parts: dict[type[Part], Part] = {}
        self.guard = StageGuard()
        """Which optional stages are left out for now, and why."""
        self.steps: tuple[BoundStep, ...] = ()
        """Those that the settings want and shedding leaves."""
        self.levels: frozenset[Level] = frozenset()
        """The levels of shedding at which one of the steps that the settings want does less."""
        self._level = Level.FULL
        self._settings = settings
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Run the steps that these settings want, and no others, from the next frame on.

        A part that regains a step starts over: what it remembers is out of date.
        """
        before = {bound.step.name for bound in self.steps}
        self._settings = settings
        levels: set[Level] = set()
        bound = []
        for step in CASCADE:
            where = step.runs_on(self._side)
            if where is None or not step.wanted(settings) or not self._only(step):
                continue
            levels.update(step.levels)
            if step.left_out <= self._level and step.left_out != Level.HALF:
                continue
            part, method = self._part(where)
            if self.steps and step.name not in before:
                part.reset()
            run = getattr(part, method)
            if step.optional and not (self._side == "gpu" and step.launched):
                run = self.guard.wrap(step.name, run, part.reset)
            bound.append(BoundStep(step, part, run))
        self.guard.forget(before - {one.step.name for one in bound})
        self.steps = tuple(bound)
        self.levels = frozenset(levels)

    def shed(self, level: Level) -> None:
        """Leave out the steps that this level leaves out, from the next frame on."""
        if level != self._level:
            self._level = level
            self.configure(self._settings)

    def part(self, kind: type[P]) -> P:
        """The part of this class, which one of the cascade's steps on this side must name."""
        return cast(P, self._parts[kind])

    def reset(self) -> None:
        """Have every part forget what it carries over time."""
        for part in self._parts.values():
            part.reset()

    def _part(self, where: str) -> tuple[Part, str]:
        """The part and the method that ``folder.file:Part.method`` names."""
        module, _, name = where.partition(":")
        kind, _, method = name.partition(".")
        found = getattr(importlib.import_module(f"appliance.stages.{module}"), kind)
        if found not in self._parts:
            self._parts[found] = found(self._shared)
        return self._parts[found], method
