"""The puppet's stage: a still taken apart once, and drawn again for each gesture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import U8, Frame
from appliance.pixels.cpu.mesh_warp import I32, add_rest, mesh_warp, occupied
from appliance.sources.puppet.figure import PuppetFigure
from appliance.sources.puppet.gesture import BODY, Gesture, turns
from appliance.sources.puppet.layers import PuppetLayer, cut
from appliance.sources.puppet.skin import Bone, origins, vertices

I16 = NDArray[np.int16]

# What alpha alone does not give back of the still is shown where nothing moved farther, pixels.
_FARTHEST = np.float32(2)


class _Rest(NamedTuple):
    """What is to be added where nothing moved: places, int32 (N, 2), and values, int16 (N, C)."""

    places: I32
    values: I16


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A layer with its bones, where there is any of it, and what it lacks of the still."""

    layer: PuppetLayer
    bones: tuple[Bone, ...]
    sums_y: I32
    sums_uv: I32
    rest_y: _Rest
    rest_uv: _Rest


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
        self._y_at_32, self._uv_at_32 = (at.astype(np.float32) for at in (self._y_at, self._uv_at))
        body = (figure.base, figure.chest, figure.head)
        self._parts: list[_Part] = []
        for layer in cut(person, alpha, figure):
            limb = figure.limbs.get(layer.name)
            self._parts.append(
                _Part(
                    layer,
                    body if limb is None else limb.bones[layer.number : layer.number + 1],
                    occupied(layer.y[:, :, 1]),
                    occupied(layer.uv[:, :, 2]),
                    _rest(layer.y[:0, :0, :1], 0, 0),
                    _rest(layer.uv[:0, :0, :2], 0, 0),
                )
            )
        if still is not None:
            self._keep_what_is_left(still)

    def _keep_what_is_left(self, still: Frame) -> None:
        """What alpha and plate do not give back of the still: of a limb's where it is, else body's.

        Such are a halo beside the matte, and texture that the plate's filling does not have.
        """
        bare = self.draw({})
        left_y = (still.y.astype(np.int16) - bare.y)[:, :, None]
        left_uv = still.uv.astype(np.int16) - bare.uv
        # Outermost first; the body, which is the first, has what is left then.
        for n in reversed(range(len(self._parts))):
            part = self._parts[n]
            its_y, its_uv = _window(left_y, part.layer, 1), _window(left_uv, part.layer, 2)
            rest_y, rest_uv = its_y.copy(), its_uv.copy()
            if n > 0:
                rest_y[part.layer.y[:, :, 1] == 0] = 0
                rest_uv[part.layer.uv[:, :, 2] == 0] = 0
            its_y -= rest_y
            its_uv -= rest_uv
            self._parts[n] = replace(
                part,
                rest_y=_rest(rest_y, part.layer.top, part.layer.left),
                rest_uv=_rest(rest_uv, part.layer.top // 2, part.layer.left // 2),
            )

    def draw(self, gesture: Gesture, behind: frozenset[str] = frozenset()) -> Frame:
        """The figure so moved, NV12.

        ``behind``: limbs that lie behind the body.
        """
        y, uv = self.plate.y.copy(), self.plate.uv.copy()
        goes = turns(self.figure, gesture)
        order = [part for part in self._parts if part.layer.name in behind]
        order += [part for part in self._parts if part.layer.name not in behind]
        moved = []
        for part in order:
            layer = part.layer
            its, is_body = goes[layer.name], layer.name == BODY
            its = its if is_body else its[layer.number : layer.number + 1]
            at_y = origins(self._y_at, part.bones, its)
            at_uv = origins(self._uv_at, part.bones, its)
            corner = np.array([layer.left, layer.top], np.float32)
            half = ((at_uv - np.float32(0.5) - corner) / 2).astype(np.float32)
            # A body goes on where the picture ends; a limb's piece ends in it.
            mesh_warp(layer.y, part.sums_y, at_y - corner, is_body, y[:, :, None])
            mesh_warp(layer.uv, part.sums_uv, half, is_body, uv)
            moved.append((part, at_y - self._y_at_32, at_uv - self._uv_at_32))
        for part, far_y, far_uv in moved:
            add_rest(*part.rest_y, far_y, _FARTHEST, y[:, :, None])
            add_rest(*part.rest_uv, far_uv, _FARTHEST, uv)
        return Frame(y, uv, self.plate.colour)


def _window(plane: I16, layer: PuppetLayer, by: int) -> I16:
    """The part of a plane that a layer is in, not copied; ``by``: pixels a sample of the plane."""
    top, left = layer.top // by, layer.left // by
    return plane[top : top + layer.y.shape[0] // by, left : left + layer.y.shape[1] // by]


def _rest(plane: I16, top: int, left: int) -> _Rest:
    """What is not 0 of a plane, (rows, columns, channels), that lies at ``top``, ``left``."""
    rows, columns = np.nonzero(plane.any(axis=2))
    places = np.column_stack((rows + top, columns + left)).astype(np.int32)
    return _Rest(places, np.ascontiguousarray(plane[rows, columns]))
