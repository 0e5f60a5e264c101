"""The puppet's stage: a still taken apart once, and drawn again for each gesture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.mesh_warp import I32, add_rest, mesh_warp, occupied
from appliance.sources.puppet.figure import Figure
from appliance.sources.puppet.gesture import BODY, Gesture, turns
from appliance.sources.puppet.layers import Layer, cut
from appliance.sources.puppet.skin import F64, Bone, origins, vertices

I16 = NDArray[np.int16]

# What alpha alone does not give back of the still is shown where nothing moved farther, pixels.
_FARTHEST = np.float32(2)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A layer with its bones, where there is any of it, and what it lacks of the still."""

    layer: Layer
    bones: tuple[Bone, ...]
    sums_y: I32
    sums_uv: I32
    rest_y: I16
    rest_uv: I16


class Stage:
    """Draws one figure over ``plate``, what is behind it."""

    def __init__(self, frame: Frame, alpha: U8, plate: Frame, figure: Figure) -> None:
        """``frame``: the still, NV12 of even sides. ``alpha``: uint8, its size: the person."""
        self.figure, self.plate = figure, plate
        height, width = frame.y.shape
        self._y_at = vertices(width, height)
        self._uv_at = vertices(width // 2, height // 2) * 2 + 0.5
        bones = {BODY: (figure.base, figure.chest, figure.head)}
        bones |= {name: limb.bones for name, limb in figure.limbs.items()}
        layers = cut(frame, plate, alpha, figure)
        nothing_y = np.zeros((height, width, 1), np.int16)
        nothing_uv = np.zeros((height // 2, width // 2, 2), np.int16)
        self._parts = {
            layer.name: _Part(
                layer, bones[layer.name], occupied(layer.y[:, :, 1]), occupied(layer.uv[:, :, 2]),
                nothing_y, nothing_uv,
            )
            for layer in layers
        }
        bare = self.draw({})
        left_y = frame.y.astype(np.int16) - bare.y
        left_uv = frame.uv.astype(np.int16) - bare.uv
        # Each pixel of it belongs to the limb that it is on, else to the body.
        for name in [*figure.limbs, BODY]:
            part = self._parts[name]
            own = part.layer.y[:, :, 1] > 0 if name != BODY else np.ones_like(left_y, bool)
            own_uv = part.layer.uv[:, :, 2] > 0 if name != BODY else np.ones(left_uv.shape[:2], bool)
            rest_y = np.where(own, left_y, 0)[:, :, None].astype(np.int16)
            rest_uv = np.where(own_uv[:, :, None], left_uv, 0).astype(np.int16)
            left_y, left_uv = left_y - rest_y[:, :, 0], left_uv - rest_uv
            self._parts[name] = replace(part, rest_y=rest_y, rest_uv=rest_uv)

    def draw(self, gesture: Gesture, behind: frozenset[str] = frozenset()) -> Frame:
        """The still with the figure so moved, NV12; at rest it is the still, to the pixel.

        ``behind``: limbs that lie behind the body.
        """
        y, uv = self.plate.y.copy(), self.plate.uv.copy()
        goes = turns(self.figure, gesture)
        places: dict[str, tuple[F32, F32]] = {}
        order = sorted(self._parts, key=lambda name: 1 if name == BODY else 2 * (name not in behind))
        for name in order:
            part = self._parts[name]
            at_y = origins(self._y_at, part.bones, goes[name])
            at_uv = origins(self._uv_at, part.bones, goes[name])
            places[name] = at_y, at_uv
            mesh_warp(part.layer.y, part.sums_y, at_y, y[:, :, None])
            mesh_warp(part.layer.uv, part.sums_uv, (at_uv - np.float32(0.5)) / 2, uv)
        for name, (at_y, at_uv) in places.items():
            part = self._parts[name]
            moved = at_y - self._y_at.astype(np.float32)
            add_rest(part.rest_y, moved, _FARTHEST, y[:, :, None])
            moved = at_uv - self._uv_at.astype(np.float32)
            add_rest(part.rest_uv, moved, _FARTHEST, uv)
        return Frame(y, uv, self.plate.colour)
