"""The matte's edge as the operator wants it, on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from appliance.media.frame import U8
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.edge.moves import moves


class EdgeSteps:
    """Shrinks or grows the edge, and softens it; a part of its own, as it remembers nothing."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._guide: U8 | None = None

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def edge(self, work: Work) -> None:
        """Move and soften the edge of the matte."""
        assert work.matte is not None
        matted = work.matted is not None
        (choke, softness), matte = moves(self._common.settings.edge, matted=matted), work.matte
        if matted and not choke:
            return
        grid = matte.coefficients.shape[1:]
        plan = cpu.edge_plan(grid, matte.rect, choke, softness)
        if matte.guide is not None:
            # Alpha itself, of a matte that was keyed, held against the empty room, or given.
            luma, rect = matte.guide, matte.rect
            coarse = cpu.shrunk(luma[rect.y : rect.bottom, rect.x : rect.right], grid)
        else:
            assert work.planes is not None
            coarse, luma = work.planes[0], work.frame.y
        coefficients, normals = cpu.shape_edge(coarse, matte.coefficients, plan, matte.shifted)
        guide = matte.guide
        if normals is not None:
            if self._guide is None or self._guide.shape != luma.shape:
                self._guide = np.empty(luma.shape, np.uint8)
            guide = self._guide
            cpu.edge_guide(luma, matte.rect, normals, choke, guide)
        work.matte = replace(matte, coefficients=coefficients, guide=guide, cells=None)
