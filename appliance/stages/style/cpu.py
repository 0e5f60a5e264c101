"""A look on the person, on what is behind, or on all, on the CPU."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels.cpu.look import LookTable, apply_look
from appliance.stages.base import Common, Work
from appliance.stages.looks.make import Style, make_style
from appliance.stages.looks.painting import add_painting
from appliance.stages.looks.reference import moments
from appliance.stages.style.grade import Grade
from appliance.stages.style.painted import CarriedPainting, OwnMotion


class StyleSteps:
    """Looks up the person's layer, a copy of the background, or the composite, in place."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._grade = Grade()
        self._painted, self._motion = CarriedPainting(), OwnMotion()
        self._copy: Frame | None = None
        self._last: tuple[Style, Frame, Frame] | None = None

    def reset(self) -> None:
        """Measure and paint anew: after a cut, a failure, a reconnect."""
        self._grade.start_over()
        self._painted.start_over()
        self._motion.start_over()
        self._last = None

    def style(self, work: Work) -> None:
        """The look of the person, or of what is behind."""
        assert work.behind is not None
        if self._common.settings.stages.style.on == "background":
            self._style_behind(work, work.behind)
        elif work.layer is not None and work.layer.rect.area:
            style, layer = self._style(), work.layer
            if style.network is not None:
                shift = self._painted(
                    style.network, work.frame, style.settings.every, work.motion, layer.alpha
                )
                strength = style.settings.strength
                add_painting(layer.front, shift, strength, layer.front, layer.rect)
            table = self._table(style, layer.front, layer.alpha)
            if table is not None:
                apply_look(layer.front, table, layer.front, layer.rect)

    def style_all(self, work: Work) -> None:
        """The look of the whole composite."""
        style = self._style()
        if style.network is not None:
            shift = self._painted(style.network, work.out, style.settings.every, work.motion)
            add_painting(work.out, shift, style.settings.strength, work.out, work.out.rect)
        table = self._table(style, work.out)
        if table is not None:
            apply_look(work.out, table, work.out)
            if work.companions:
                # Composited already: from here on they are for those alone.
                for layer in (work.layer, work.layer_between):
                    if layer is not None and layer.rect.area:
                        apply_look(layer.front, table, layer.front, layer.rect)
            if work.also is not None and work.made_at is not None:
                apply_look(work.also, table, work.also)

    def _style_behind(self, work: Work, behind: Frame) -> None:
        style = self._style(behind)
        # A still picture, and a video's until its next one comes, are styled once.
        if self._last is not None and self._last[0] is style and self._last[1] is behind:
            work.behind = self._last[2]
            return
        made = behind
        if style.still is not None and style.still[0] is behind:
            made = style.still[1]
        else:
            if style.network is not None:
                shift = self._painted(
                    style.network, behind, style.settings.every, self._motion(behind)
                )
                made = self._room(behind)
                add_painting(behind, shift, style.settings.strength, made, behind.rect)
            table = self._table(style, made)
            if table is not None:
                before, made = made, self._room(behind)
                apply_look(before, table, made)
        self._last = (style, behind, made)
        work.behind = made

    def _style(self, behind: Frame | None = None) -> Style:
        """What was made ahead, or, if nobody did, made now."""
        common = self._common
        wanted = common.settings.stages.style
        style = common.style
        if style is None or not style.made_for(wanted, common.format.colour):
            style = common.style = make_style(wanted, common.format.colour, behind)
        return style

    def _table(self, style: Style, frame: Frame, alpha: U8 | None = None) -> LookTable | None:
        """The look's table; None while it changes nothing, or nothing could be measured."""
        table = style.table
        if table is None and style.reference is not None:
            table = self._grade(style, lambda: moments(frame, alpha))
        return table if table is not None and table.changes else None

    def _room(self, like: Frame) -> Frame:
        """A picture of our own of that size."""
        copy = self._copy
        if copy is None or copy.rect != like.rect:
            copy = Frame(np.empty_like(like.y), np.empty_like(like.uv), like.colour)
        self._copy = Frame(
            copy.y, copy.uv, like.colour, like.pts, like.captured, like.serial,
            like.discontinuity, duration=like.duration,
        )  # fmt: skip
        return self._copy
