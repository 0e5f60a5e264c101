"""Mattes drawn by hand, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from appliance.config.polygons import parse_polygons
from appliance.config.settings.stages.mattes import MattesSettings
from appliance.cuda.context import Buffer
from appliance.pixels.cpu.layer import NOWHERE
from appliance.pixels.cpu.mattes import around_both, hand_mattes
from appliance.pixels.gpu.layer import PersonLayer
from appliance.pixels.gpu.mattes import HandMattes, apply_mattes
from appliance.stages.device.work import DeviceCommon, DeviceWork


class MattesSteps:
    """Applies the polygons to the person's layer, which is there with nobody in it, too."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._made: tuple[MattesSettings, HandMattes] | None = None
        self._planes: tuple[Buffer, ...] = ()
        self._nothing: Buffer | None = None
        self._now: HandMattes | None = None
        self._person: PersonLayer | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Upload the polygons, if they are new; the layer is as large as what is kept, at least.

        Of a frame with a matte of its own nothing is kept: its room may hold anything.
        """
        assert work.layer is not None
        made = self._drawn()
        if work.matted is not None and made.keep_rect.area:
            if self._nothing is None:
                f = self._common.format
                self._nothing = self._common.context.alloc(f.width * f.height, zero=True)
            made = replace(made, keep=self._nothing.address, keep_rect=NOWHERE)
        self._now = made
        self._person = work.layer
        work.layer = replace(work.layer, rect=around_both(work.layer.rect, made.keep_rect))

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        return (self._person, self._now)

    def mattes(self, work: DeviceWork) -> None:
        """What is room goes out of the layer, what is kept comes into it."""
        assert work.live is not None
        assert self._person is not None
        assert self._now is not None
        apply_mattes(self._common.context, self._now, work.live, self._person)

    def _drawn(self) -> HandMattes:
        wanted, f = self._common.settings.stages.mattes, self._common.format
        if self._made is None or self._made[0] != wanted:
            room, keep = parse_polygons(wanted.room), parse_polygons(wanted.keep)
            drawn = hand_mattes(room, keep, f.width, f.height, wanted.feather)
            context = self._common.context
            self._planes = (context.upload(drawn.room), context.upload(drawn.keep))
            on_device = HandMattes(
                self._planes[0].address, self._planes[1].address, f.width, f.height,
                drawn.room_rect, drawn.keep_rect,
            )  # fmt: skip
            self._made = (wanted, on_device)
        return self._made[1]
