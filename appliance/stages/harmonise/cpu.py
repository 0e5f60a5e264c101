"""The person in the light of the new scene, on the CPU."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.harmonise.follow import LightMap
from appliance.stages.harmonise.relit import light_of, relit
from appliance.stages.harmonise.transport import Colours, colours_of, samples_of, transport

EVERY = 5
"""Frames from one measurement to the next."""

LEAST = 0.01
"""Of the frame: a matte that shows less is no person to measure."""

SHOWS = 0.95
"""Alpha from which a pixel is the person and nothing else."""

BACKGROUND_SOFT = 0.035
"""How far out of focus the light behind is, of the picture's longer side."""


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
        """The layer in the scene's light. Before their own room, people are left as they are."""
        assert work.layer is not None
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
            wrap = self._wrap(work.layer, work.behind, s.light_wrap, s.wrap_width)
        self._relight(work.layer, matrix, wrap)

    def _measure(self, work: Work, behind: Frame) -> None:
        """Compare the person with what is behind, if there is enough of a person."""
        person = person_colours(work)
        if person is None:
            return
        assert work.planes is not None
        scene = samples_of(*self._small(behind))
        colour = self._common.format.colour
        if self._common.settings.stages.harmonise.match == "colours":
            aim = transport(person, colours_of(scene))
        else:
            room = float(work.planes[0, ::2, ::2].mean())
            light = light_of(scene, colour)
            aim = relit(float(person.mean[0]), room, float(scene[0].mean()), light, colour)
        self._map.measured(aim, person)

    def _small(self, behind: Frame) -> tuple[U8, U8]:
        kept = self._scene
        if kept is None or kept[0] is not behind:
            self._scene = kept = (behind, *cpu.small_picture(behind))
        return kept[1], kept[2]

    def _wrap(
        self, layer: cpu.PersonLayer, behind: Frame, strength: float, width: float
    ) -> cpu.Wrap:
        kept = self._light
        if kept is None or kept[0] is not behind:
            luma, chroma = self._small(behind)
            sigma = BACKGROUND_SOFT * max(luma.shape)
            kept = (behind, cpu.soft(luma, sigma), cpu.soft(chroma, sigma))
            self._light = kept
        rows, columns = kept[1].shape
        alpha = cpu.shrink(layer.alpha, rows, columns)
        share = cpu.wrap_share(alpha, width * max(rows, columns), strength)
        return cpu.Wrap(share, kept[1], kept[2])


def person_colours(work: Work) -> Colours | None:
    """What the person looks like in the camera's picture; None if there is too little of them."""
    assert work.alpha is not None
    assert work.planes is not None
    assert work.rect is not None
    there = work.alpha[::2, ::2] >= SHOWS
    share = float(there.mean()) * work.rect.area / (work.frame.width * work.frame.height)
    if share < LEAST:
        return None
    samples = np.ascontiguousarray(work.planes[:, ::2, ::2][:, there])
    return colours_of(samples, skin=True)
