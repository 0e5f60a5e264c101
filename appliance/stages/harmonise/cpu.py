"""The person in the light of the new scene, on the CPU."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.harmonise.follow import LightMap
from appliance.stages.harmonise.measure import BEHIND_SOFT, EVERY, measure, without_room


class HarmoniseSteps:
    """Colours follow the scene's, and its light comes round the edge."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._relight = cpu.Relight()
        self._map = LightMap(common.format.colour)
        self._frames = 0
        self._scene: tuple[Frame, U8, U8] | None = None
        self._light: tuple[Frame, U8, U8] | None = None

    def reset(self) -> None:
        """Forget the map and the scene: after a cut, a failure, a reconnect."""
        self._map.reset()
        self._frames = 0
        self._scene = self._light = None

    def harmonise(self, work: Work) -> None:
        """The person in the scene's light. Before their own room, people are left as they are."""
        assert work.behind is not None
        if work.at_home:
            self.reset()
            return
        s = self._common.settings.stages.harmonise
        matrix = None
        if s.strength > 0:
            if self._frames % EVERY == 0:
                self._measure(work, work.behind)
            self._frames += 1
            matrix = self._map.matrix(s.strength, work.frame.pts)
        wrap = None
        if s.light_wrap > 0:
            wrap = self._wrap(work, work.behind, s.light_wrap, s.wrap_width)
        if work.layer is not None:
            self._relight(work.layer, matrix, wrap)
        elif matrix is not None or wrap is not None:
            work.light = cpu.Light(matrix, wrap)

    def _measure(self, work: Work, behind: Frame) -> None:
        assert work.alpha is not None
        assert work.rect is not None
        common, planes = self._common, work.planes
        if planes is None:
            # The matte came with the frame, and nothing has looked at the picture.
            planes = np.empty((3, *work.alpha.shape), np.float32)
            cpu.crop_planes(work.frame, work.rect, planes)
            without_room(planes, work.alpha)
        measure(
            self._map, common.settings.stages.harmonise, common.format, planes, work.alpha,
            work.rect, *self._small(behind),
        )  # fmt: skip

    def _small(self, behind: Frame) -> tuple[U8, U8]:
        """What is behind, made small; a still picture's is kept."""
        kept = self._scene
        if kept is None or kept[0] is not behind:
            self._scene = kept = (behind, *cpu.small_picture(behind))
        return kept[1], kept[2]

    def _wrap(self, work: Work, behind: Frame, strength: float, width: float) -> cpu.Wrap:
        kept = self._light
        if kept is None or kept[0] is not behind:
            luma, chroma = self._small(behind)
            sigma = BEHIND_SOFT * max(luma.shape)
            kept = (behind, cpu.soft(luma, sigma), cpu.soft(chroma, sigma))
            self._light = kept
        rows, columns = kept[1].shape
        alpha = small_alpha(work, (rows, columns))
        share = cpu.wrap_share(alpha, width * max(rows, columns), strength)
        return cpu.Wrap(share, kept[1], kept[2])


def small_alpha(work: Work, grid: tuple[int, int]) -> U8:
    """Where the person is, on a small grid: of the layer, which may have moved, or of the matte."""
    if work.layer is not None:
        return cpu.shrink(work.layer.alpha, *grid)
    assert work.alpha is not None
    assert work.rect is not None
    return cpu.grid_alpha(work.alpha, work.rect, work.frame.rect, grid)
