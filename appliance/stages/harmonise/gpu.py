"""The person in the light of the new scene, on the GPU."""

from __future__ import annotations

from collections.abc import Hashable

from appliance.pixels.gpu.light import Soft, Wrap, light_grid, relight, shrink, small_picture
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.harmonise.device import DeviceMatrix, SeenThere
from appliance.stages.harmonise.follow import LightMap
from appliance.stages.harmonise.measure import BEHIND_SOFT, EVERY, measure, without_room


class HarmoniseSteps:
    """Colours follow the scene's, and its light comes round the edge.

    What is measured comes to the host a frame later, and never is waited for.
    """

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        context, f = common.context, common.format
        self._map = LightMap(f.colour)
        self._grid = rows, columns = light_grid(f.width, f.height)
        cells = rows * columns
        self._luma, self._chroma = context.alloc(cells), context.alloc(2 * cells)
        self._luma_soft, self._chroma_soft = context.alloc(cells), context.alloc(2 * cells)
        self._alpha, self._alpha_soft = context.alloc(cells), context.alloc(cells)
        self._blur = Soft(context, self._grid, BEHIND_SOFT * max(rows, columns))
        self._edge: Soft | None = None
        self._matrix = DeviceMatrix(context)
        self._sample = SeenThere(context, self._grid)
        self._frames = 0
        self._on = self._mapped = False

    def reset(self) -> None:
        """Forget the map: after a cut, a failure, a reconnect."""
        self._map.reset()
        self._sample.forget()
        self._frames = 0

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """Read what was measured, and have this frame's map sent."""
        s = self._common.settings.stages.harmonise
        self._on, self._mapped = not work.at_home, False
        if work.at_home:
            self.reset()
            return
        if s.strength > 0:
            read = self._sample.read()
            if read is not None:
                if work.matted is not None:
                    without_room(*read[:2])
                measure(self._map, s, self._common.format, *read)
            matrix = self._map.matrix(s.strength, work.frame.pts)
            if matrix is not None:
                self._matrix.put(matrix)
                self._mapped = True
        sigma = s.wrap_width * max(self._grid)
        if s.light_wrap > 0 and (self._edge is None or self._edge.sigma != sigma):
            self._edge = Soft(self._common.context, self._grid, sigma)

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        assert work.behind is not None
        return (work.behind.address, self._on, self._mapped, id(self._edge))

    def harmonise(self, work: DeviceWork) -> None:
        """The layer in the scene's light. Before their own room, people are left as they are."""
        assert work.layer is not None
        assert work.behind is not None
        if not self._on:
            return
        context, s = self._common.context, self._common.settings.stages.harmonise
        small_picture(context, work.behind, self._luma.address, self._chroma.address)
        wrap = None
        if s.light_wrap > 0:
            assert self._edge is not None
            layer, front = work.layer, work.layer.front
            shrink(
                context, layer.alpha, layer.pitch, (front.width, front.height), 1,
                self._alpha.address, self._grid,
            )  # fmt: skip
            self._edge(self._alpha.address, 1, self._alpha_soft.address)
            self._blur(self._luma.address, 1, self._luma_soft.address)
            self._blur(self._chroma.address, 2, self._chroma_soft.address)
            wrap = Wrap(
                self._alpha_soft.address, s.light_wrap, self._luma_soft.address,
                self._chroma_soft.address,
            )  # fmt: skip
        relight(context, work.layer, self._matrix.address if self._mapped else 0, wrap)

    def end(self, work: DeviceWork) -> None:
        """Every few frames, have what was seen sent to the host."""
        if not self._on or self._common.settings.stages.harmonise.strength == 0:
            return
        if self._frames % EVERY == 0:
            slot = self._common.memory.this
            self._sample.fetch(slot, self._luma, self._chroma)
        self._frames += 1
