"""The matte's edge as the operator wants it, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from appliance.cuda.context import Buffer
from appliance.media.surface import Surface
from appliance.pixels.gpu.edge import edge_guide, edge_plan, shape_edge
from appliance.pixels.gpu.planes import Plane
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.edge.moves import moves


class EdgeSteps:
    """Shrinks or grows the edge, and softens it. Its memory is taken when it is first wanted."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._planes: Buffer | None = None
        self._guide: Buffer | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Take the memory, unless that was done for an earlier frame."""
        assert work.live is not None
        self._room(work.live)

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        planes, guide = self._room(work.live) if work.live else (None, None)
        return (planes.address if planes else 0, guide.address if guide else 0)

    def edge(self, work: DeviceWork) -> None:
        """Move and soften the edge of the matte."""
        assert work.matte is not None
        assert work.live is not None
        planes, luma = self._room(work.live)
        matte, live, coarse = work.matte, work.live, work.planes
        matted = work.matted is not None
        choke, softness = moves(self._common.settings.edge, matted=matted)
        if matted and not choke:
            return
        if matte.guide:
            # Alpha itself, of a matte that came with the frame.
            live, coarse = replace(live, address=matte.guide, pitch=live.width), work.lead
        assert coarse is not None
        plan = edge_plan(matte.slope.grid, matte.rect, choke, softness)
        out = Plane(planes.address, *matte.slope.grid)
        normals = shape_edge(
            self._common.memory.scratch, coarse, matte.slope, matte.offset, matte.shift, plan,
            out,
        )  # fmt: skip
        guide = matte.guide
        if normals is not None:
            guide = luma.address
            edge_guide(self._common.context, live, matte.rect, normals, choke, guide)
        work.matte = replace(
            matte, slope=out, offset=out.plane(1), shift=out.plane(2) if matte.shift else None,
            guide=guide,
        )  # fmt: skip

    def _room(self, live: Surface) -> tuple[Buffer, Buffer]:
        """Five planes of the grid, and one of the frame's luma."""
        context, scratch = self._common.context, self._common.memory.scratch
        needed = 5 * 4 * scratch.rows * scratch.columns
        if self._planes is None or self._planes.nbytes < needed:
            self._planes = context.alloc(needed)
        if self._guide is None or self._guide.nbytes < live.width * live.height:
            self._guide = context.alloc(live.width * live.height)
        return self._planes, self._guide
