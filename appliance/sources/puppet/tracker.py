"""The pose of one person, from frame to frame: where to look, and what the network finds there."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame, Range, Rect
from appliance.networks.pose import PoseNetwork
from appliance.pixels import cpu
from appliance.sources.puppet import landmarks as lm

_PRESENT = 0.5
_CENTRE = 33
# Crops tried, as sides of the longer side of where somebody is looked for.
_SMALLEST, _GROWTH, _TRIED = 0.8, 1.25, 9
# Of the way from shoulders to ears: how far two crops may disagree.
_MOST_APART, _BETTER = 0.4, 0.9
# Likewise, from one picture to the next: nobody moves that fast.
_A_CUT = 1.2
_COMPARED = (2, 5, 7, 8, 9, 10, 11, 12)
# Frames until somebody is looked for again, where nobody was.
_PAUSE = 15
_FAR = 0.1

Square = tuple[float, float, float]
"""Centre x and y, and side, in pixels; the picture's own corner is at 0, 0."""


class PoseTracker:
    """Finds one person's pose; used from one thread.

    The network answers to any crop, and most of its answers are wrong: it takes a head for a body
    where the crop is tight. A right one is the same from crops of other sizes, by which the first
    crop is chosen. Then it follows the shoulders, and grows and shrinks with them.
    """

    def __init__(self, network: PoseNetwork) -> None:
        self._network = network
        spec = network.manifest.input
        self._size = spec.width
        self._mean, self._scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
        self._aim: _Aim | None = None
        self._pause = 0

    def reset(self) -> None:
        """Look for somebody in the next frame: after a cut."""
        self._aim, self._pause = None, 0

    def __call__(self, frame: Frame, box: Rect | None = None) -> F32 | None:
        """The pose, float32 (33, 4), in the frame's pixels; None where nobody is found.

        ``box`` is where to look for somebody at first, by default the whole frame. Raises
        MattingError when the network throws.
        """
        if self._aim is not None:
            pose = self._look(frame, self._aim.square)
            if pose is not None and _apart(self._aim.pose, pose) < _A_CUT:
                self._aim.follow(pose)
                return pose
            self._aim = None
        if self._pause > 0:
            self._pause -= 1
            return None
        pose = self._search(frame, box or frame.rect)
        self._pause = _PAUSE if pose is None else 0
        return pose

    def _search(self, frame: Frame, box: Rect) -> F32 | None:
        longest = max(box.width, box.height)
        found: list[tuple[Square, F32] | None] = []
        for n in range(_TRIED):
            side = _SMALLEST * longest * _GROWTH**n
            # With room above the head; a body cut off below goes on there.
            y = box.y + (0.42 * side if side > box.height else box.height / 2)
            square = (box.x + box.width / 2, y, side)
            first = self._raw(frame, square)
            if first is None:
                found.append(None)
                continue
            x, y = first[_CENTRE, :2].tolist()
            square = (min(max(x, box.x), box.right), min(max(y, box.y), box.y + 2 * side), side)
            pose = self._look(frame, square)
            found.append(None if pose is None else (square, pose))
        best, least = None, _MOST_APART
        for one, other in itertools.pairwise(found):
            if one is None or other is None:
                continue
            apart = _apart(one[1], other[1])
            # The smaller of two that are as good shows more.
            if apart < _BETTER * least:
                best, least = other, apart
        if best is None:
            return None
        self._aim = _Aim(*best)
        return best[1]

    def _raw(self, frame: Frame, square: Square) -> F32 | None:
        """The network's points in one square, (39, 5), in the frame's pixels; None for nobody."""
        crop = _crop(frame, square, self._size)
        cpu.planes_to_tensor(
            crop, frame.colour, self._mean, self._scale, self._network.input,
            bgr=self._network.manifest.input.order == "BGR",
        )  # fmt: skip
        points, present = self._network.infer()
        if not (present >= _PRESENT and np.isfinite(points).all()):
            return None
        by = np.float32(square[2] / self._size)
        out = points.copy()
        out[:, :3] *= by
        out[:, :2] += np.array([square[0] - square[2] / 2, square[1] - square[2] / 2], np.float32)
        return out

    def _look(self, frame: Frame, square: Square) -> F32 | None:
        points = self._raw(frame, square)
        if points is None:
            return None
        pose = np.ascontiguousarray(points[: lm.COUNT, :4])
        pose[:, 3] = 1 / (1 + np.exp(-np.clip(pose[:, 3], -30, 30)))
        return pose if lm.is_whole(pose) else None


class _Aim:
    """A crop that goes with a person."""

    def __init__(self, square: Square, pose: F32) -> None:
        x, y = lm.middle(pose, lm.SHOULDERS).tolist()
        self._side, self._own = square[2], _extent(pose)
        self._off = ((square[0] - x) / square[2], (square[1] - y) / square[2])
        self.square, self.pose = square, pose

    def follow(self, pose: F32) -> None:
        """Go where the person went; small steps are left to the next frames, so that it is calm."""
        self.pose = pose
        x, y = lm.middle(pose, lm.SHOULDERS).tolist()
        side = self._side * min(max(_extent(pose) / self._own, 0.4), 2.5)
        if abs(side / self.square[2] - 1) < _FAR:
            side = self.square[2]
        centre = (x + self._off[0] * side, y + self._off[1] * side)
        far = math.hypot(centre[0] - self.square[0], centre[1] - self.square[1])
        if far > _FAR * side or side != self.square[2]:
            self.square = (*centre, side)


def _extent(pose: F32) -> float:
    """How large a person is in the picture, whichever way they look, pixels."""
    across = pose[lm.SHOULDERS[0], :2] - pose[lm.SHOULDERS[1], :2]
    up = lm.middle(pose, lm.EARS) - lm.middle(pose, lm.SHOULDERS)
    return max(float(np.hypot(*across)), float(np.hypot(*up)), 1.0)


def _apart(one: F32, other: F32) -> float:
    """How far heads and shoulders of two poses lie apart, in ways from shoulders to ears."""
    up = lm.middle(one, lm.EARS) - lm.middle(one, lm.SHOULDERS)
    points = list(_COMPARED)
    away = np.linalg.norm(one[points, :2] - other[points, :2], axis=1).mean()
    return float(away / max(float(np.hypot(*up)), 1.0))


def _crop(frame: Frame, square: Square, size: int) -> F32:
    """Y, Cb, Cr of a square that may reach beyond the frame, black there; (3, size, size)."""
    black = 16.0 if frame.colour.range is Range.LIMITED else 0.0
    out = np.empty((3, size, size), np.float32)
    _cut(frame.y, square, size, black, out[0])
    half = (square[0] / 2, square[1] / 2, square[2] / 2)
    chroma = np.empty((size, size, 2), np.float32)
    _cut(frame.uv, half, size, 128.0, chroma)
    out[1:] = np.moveaxis(chroma, 2, 0)
    return out


def _cut(plane: U8, square: Square, size: int, beyond: float, out: F32) -> None:
    by = square[2] / size
    # Shrunk first where it must shrink much, or a warp would skip pixels.
    step = max(1, int(by))
    if step > 1:
        rows, columns = plane.shape[0] // step, plane.shape[1] // step
        plane = np.asarray(
            cv2.resize(
                plane[: rows * step, : columns * step], (columns, rows),
                interpolation=cv2.INTER_AREA,
            )
        )  # fmt: skip
    # From the crop's pixel to the plane's, and to the shrunken one's, by the pixels' centres.
    left, top = square[0] - square[2] / 2, square[1] - square[2] / 2
    scale = by / step
    turn = np.array(
        [
            [scale, 0, left / step + 0.5 * scale - 0.5],
            [0, scale, top / step + 0.5 * scale - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    channels = 1 if plane.ndim == 2 else plane.shape[2]
    cv2.warpAffine(
        plane.astype(np.float32), turn, (size, size), out, flags,
        cv2.BORDER_CONSTANT, (beyond,) * channels,
    )  # fmt: skip
