"""Mattes drawn by hand, on the CPU."""

from __future__ import annotations

from dataclasses import replace

from appliance.config.polygons import parse_polygons
from appliance.config.settings.stages.mattes import MattesSettings
from appliance.media.frame import Frame
from appliance.pixels import cpu
from appliance.pixels.cpu.layer import NOWHERE
from appliance.stages.base import Common, Work


class MattesSteps:
    """Applies the polygons to the person's layer; where nobody is, to an empty one of its own.

    Not optional in the cascade's sense: a garbage matte that was left out would show what it hides.
    """

    def __init__(self, common: Common) -> None:
        self._common = common
        self._made: tuple[MattesSettings, cpu.HandMattes] | None = None
        self._empty: tuple[cpu.PersonLayer, cpu.PersonLayer] | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def mattes(self, work: Work) -> None:
        """What is room goes out of the layer, what is kept comes into it.

        Of a frame with a matte of its own nothing is kept: its room may hold anything.
        """
        made = self._drawn()
        if work.matted is not None:
            made = replace(made, keep_rect=NOWHERE)
        layer = work.layer
        if layer is None:
            if not made.keep_rect.area:
                return
            layer = self._nobody(work.frame)
        cpu.apply_mattes(made, work.frame, layer)
        work.layer = layer

    def _drawn(self) -> cpu.HandMattes:
        wanted, f = self._common.settings.stages.mattes, self._common.format
        if self._made is None or self._made[0] != wanted:
            room, keep = parse_polygons(wanted.room), parse_polygons(wanted.keep)
            drawn = cpu.hand_mattes(room, keep, f.width, f.height, wanted.feather)
            self._made = (wanted, drawn)
        return self._made[1]

    def _nobody(self, frame: Frame) -> cpu.PersonLayer:
        """An empty layer. This frame's and the last one's are kept apart, as ``LayerSteps`` do."""
        if self._empty is None:
            f = self._common.format
            first, second = (cpu.empty_layer(f.width, f.height, f.colour) for _ in range(2))
            self._empty = (first, second)
        this, last = self._empty
        self._empty = (last, this)
        rect = this.rect
        this.alpha[rect.y : rect.bottom, rect.x : rect.right] = 0
        this.rect = NOWHERE
        front = this.front
        this.front = replace(frame, y=front.y, uv=front.uv, owner=None)
        return this
