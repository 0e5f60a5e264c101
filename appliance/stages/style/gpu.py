"""A look on the person, on what is behind, or on all, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.cuda.transfer import pitched
from appliance.errors import InputError, MatteboxError
from appliance.media.frame import Frame
from appliance.media.surface import Surface
from appliance.pixels.cpu.look import LookTable as HostTable
from appliance.pixels.gpu.look import LookTable, apply_look, upload_look
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.looks.make import Style, make_style


class StyleSteps:
    """Looks up the person's layer, a copy of the background, or the composite, in place.

    A table is uploaded when a style is first used, which takes some 10 ms of one frame.
    """

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._uploaded: tuple[HostTable, LookTable] | None = None
        self._copy: Surface | None = None
        self._still: tuple[Frame, Surface] | None = None
        self._trouble: MatteboxError | None = None
        self._source: Surface | None = None
        self._table: LookTable | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return self._trouble is None

    def begin(self, work: DeviceWork) -> None:
        """Upload the table, unless that was done, and put the styled background in its place."""
        self._table, self._source, self._trouble = None, None, None
        behind = self._common.settings.stages.style.on == "background"
        try:
            style = self._style()
            if behind and style.still is not None and style.still[0] is work.behind_of:
                work.behind = self._uploaded_still(style.still[1])
                return
            self._table = self._ready(style)
        except InputError as error:
            self._trouble = error  # the step's own failure, which the frame survives
        if self._table is not None and behind:
            if self._copy is None:
                self._copy = pitched(self._common.context, self._common.format)
            self._source, work.behind = work.behind, self._copy

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        on = self._common.settings.stages.style.on
        rect = work.layer.rect if work.layer is not None and on == "person" else None
        table = self._table.luma.address if self._table else 0
        also = work.also_way.target.address if work.also_way and on == "all" else 0
        return (table, self._source.address if self._source else 0, rect, on, also)

    def style(self, work: DeviceWork) -> None:
        """The look of the person, or of what is behind."""
        table, context = self._must(), self._common.context
        if table is None:
            return
        if self._source is not None:
            assert self._copy is not None
            apply_look(context, self._source, table, self._copy)
        elif work.layer is not None:
            front = work.layer.front
            apply_look(context, front, table, front, work.layer.rect)

    def style_all(self, work: DeviceWork) -> None:
        """The look of the whole composite."""
        table, context = self._must(), self._common.context
        if table is None:
            return
        assert work.way is not None
        for way in (work.way, work.also_way):
            if way is not None:
                apply_look(context, way.target, table, way.target)
        # The next frame's interpolation still wants the layer as it is.
        free = not self._common.settings.stages.interpolate.enabled
        if work.companion_ways and work.layer is not None and free:
            front = work.layer.front
            apply_look(context, front, table, front, work.layer.rect)

    def _must(self) -> LookTable | None:
        """The table; None if the style changes nothing. Raises InputError."""
        if self._trouble is not None:
            raise self._trouble
        return self._table

    def _style(self) -> Style:
        """What was made ahead, or, if nobody did, made now."""
        common = self._common
        wanted = common.settings.stages.style
        style = common.style
        if style is None or not style.made_for(wanted, common.format.colour):
            style = common.style = make_style(wanted, common.format.colour)
        return style

    def _uploaded_still(self, made: Frame) -> Surface:
        """The styled background in device memory."""
        if self._still is None or self._still[0] is not made:
            self._still = None
            context = self._common.context
            luma, chroma = context.upload(made.y), context.upload(made.uv)
            surface = Surface(
                "nv12", made.width, made.height, luma.address, made.width, chroma.address,
                made.width, made.colour, (luma, chroma),
            )  # fmt: skip
            self._still = (made, surface)
        return self._still[1]

    def _ready(self, style: Style) -> LookTable | None:
        wanted = style.settings
        if style.network is not None:
            raise InputError(
                f"network {wanted.model!r}: on the GPU it paints a background that is a still "
                "picture, and nothing else; set matting.runtime: onnxruntime, or model: none"
            )
        if style.table is None and style.reference is not None:
            raise InputError(
                f"look {wanted.look!r}: on the GPU a picture's look is for a background that is a "
                "picture or a video; take a .cube file, or matting.runtime: onnxruntime"
            )
        table = style.table
        if table is None or not table.changes:
            return None
        if self._uploaded is None or self._uploaded[0] is not table:
            self._uploaded = None  # before the new one takes its memory
            self._uploaded = (table, upload_look(self._common.context, table))
        return self._uploaded[1]
