"""The puppet's stage: a still taken apart once, and drawn again for each gesture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.mesh_warp import I32, add_rest, mesh_warp, occupied
from appliance.sources.puppet.figure import PuppetFigure
from appliance.sources.puppet.gesture import BODY, Gesture, turns
from appliance.sources.puppet.layers import PuppetLayer, cut
from appliance.sources.puppet.skin import Bone, origins, vertices

I16 = NDArray[np.int16]

# What alpha alone does not give back of the still is shown where nothing moved farther, pixels.
_FARTHEST = np.float32(2)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A layer with its bones, where there is any of it, and what it lacks of the still."""

    layer: PuppetLayer
    bones: tuple[Bone, ...]
    sums_y: I32
    sums_uv: I32
    rest_y: I16
    rest_uv: I16


class PuppetStage:
    """Draws one figure over ``plate``, what is behind it."""

    def __init__(
        self, person: Frame, alpha: U8, figure: PuppetFigure, plate: Frame, still: Frame | None
    ) -> None:
        """Take the person apart.

        Args:
            person: their own colours, NV12 of even sides. alpha: uint8 (height, width), the person.
            plate: what to draw over. still: what is to come out at rest, to the pixel; None where
                the plate is not the still's own.
        """
        self.figure, self.plate = figure, plate
        height, width = person.y.shape
        self._y_at = vertices(width, height)
        self._uv_at = vertices(width // 2, height // 2) * 2 + 0.5
        bones: dict[str, tuple[Bone, ...]] = {BODY: (figure.base, figure.chest, figure.head)}
        bones |= {name: limb.bones for name, limb in figure.limbs.items()}
        layers = cut(person, alpha, figure)
        nothing_y = np.zeros((height, width, 1), np.int16)
        nothing_uv = np.zeros((height // 2, width // 2, 2), np.int16)
        self._parts = {
            layer.name: _Part(
                layer,
                bones[layer.name],
                occupied(layer.y[:, :, 1]),
                occupied(layer.uv[:, :, 2]),
                nothing_y,
                nothing_uv,
            )
            for layer in layers
        }
        if still is not None:
            self._keep_what_is_left(still)

    def _keep_what_is_left(self, still: Frame) -> None:
        """What alpha and plate do not give back of the still: of a limb's where it is, else body's.

        Such are a halo beside the matte, and texture that the plate's filling does not have.
        """
        bare = self.draw({})
        left_y = (still.y.astype(np.int16) - bare.y)[:, :, None]
        left_uv = still.uv.astype(np.int16) - bare.uv
        for name in [*self.figure.limbs, BODY]:
            part = self._parts[name]
            rest_y, rest_uv = left_y, left_uv
            if name != BODY:
                rest_y = np.where(part.layer.y[:, :, 1:] > 0, left_y, np.int16(0))
                rest_uv = np.where(part.layer.uv[:, :, 2:] > 0, left_uv, np.int16(0))
            left_y, left_uv = left_y - rest_y, left_uv - rest_uv
            self._parts[name] = replace(part, rest_y=rest_y, rest_uv=rest_uv)

    def draw(self, gesture: Gesture, behind: frozenset[str] = frozenset()) -> Frame:
        """The figure so moved, NV12.

        ``behind``: limbs that lie behind the body.
        """
        y, uv = self.plate.y.copy(), self.plate.uv.copy()
        goes = turns(self.figure, gesture)
        places: dict[str, tuple[F32, F32]] = {}
        front = [name for name in self.figure.limbs if name not in behind]
        order = [*sorted(behind & self._parts.keys()), BODY, *front]
        for name in order:
            part = self._parts[name]
            at_y = origins(self._y_at, part.bones, goes[name])
            at_uv = origins(self._uv_at, part.bones, goes[name])
            places[name] = at_y, at_uv
            mesh_warp(part.layer.y, part.sums_y, at_y, y[:, :, None])
            at_half = ((at_uv - np.float32(0.5)) / 2).astype(np.float32)
            mesh_warp(part.layer.uv, part.sums_uv, at_half, uv)
        for name, (at_y, at_uv) in places.items():
            part = self._parts[name]
            moved = at_y - self._y_at.astype(np.float32)
            add_rest(part.rest_y, moved, _FARTHEST, y[:, :, None])
            moved = at_uv - self._uv_at.astype(np.float32)
            add_rest(part.rest_uv, moved, _FARTHEST, uv)
        return Frame(y, uv, self.plate.colour)
