"""Frames between two persons: the motion as a network or DIS finds it, the pixels of both ends.

The motion is found on a small picture and followed at full size. Where both ends show the same
thing, its fine structure is taken from one of them: the mean of two would be blurred.
"""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np

from appliance.avatars.avatar import Method
from appliance.errors import ModelError
from appliance.media.frame import F32, U8, Colour
from appliance.media.rgb import matrix_of
from appliance.networks.between import BetweenNetwork, load_between
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.networks.plans.sidecar import sha256_of
from appliance.pixels.cpu.flow import Flow, shrink
from appliance.pixels.cpu.halfway import halfway
from appliance.tools.avatar.person import Planes

NETWORK = "rife"
"""The network that is used where it is installed."""
_DIGEST = 16
# How fast the fine structure changes from one end's to the other's, where they share a pixel.
_STEEP = 6.0
_FINE = 1.5
# What flow sees behind the person.
_GREY = 128
_NONE: Any = None


class SeamMotion(Protocol):
    """Finds how a person gets from one frame to another.

    Attributes:
        method: what it is called in an avatar. digest: changes with what it finds.
    """

    method: Method
    digest: str

    def __call__(self, first: Planes, second: Planes, colour: Colour, at: float) -> tuple[F32, F32]:
        """At a time above 0 (the first) and below 1 (the second), on a grid over the planes.

        Returns float32 (4, rows, columns): from each cell to its place in the first, across and
        down, then in the second, in cells; and float32 (rows, columns), 0..1: the first's share.
        Raises RuntimeError when it fails.
        """
        ...


class RifeMotion:
    """By a network that tells the motion: RIFE."""

    method: Method = "rife"

    def __init__(self, network: BetweenNetwork, digest: str) -> None:
        self._network, self.digest = network, digest

    def __call__(self, first: Planes, second: Planes, colour: Colour, at: float) -> tuple[F32, F32]:
        """See ``SeamMotion``. The planes' longer side fills the network's; beside it is nobody."""
        columns, rows = self._network.size
        height, width = first.y.shape
        scale = min(columns / width, rows / height)
        wide, high = max(2, round(width * scale)), max(2, round(height * scale))
        left, top = (columns - wide) // 2, (rows - high) // 2
        inner = np.s_[..., top : top + high, left : left + wide]
        pictures = []
        for person in (first, second):
            picture = np.zeros((4, rows, columns), np.float32)
            picture[:3] = matrix_of(colour)[1][:, None, None]
            picture[inner] = _small(person, (wide, high), colour)
            pictures.append(picture)
        motion, share = self._network.motion(pictures[0], pictures[1], colour, at)
        return motion[inner], share[inner]


class DisMotion:
    """By optical flow, as the ``interpolate`` stage without a network finds it."""

    method: Method = "dis"
    digest = "medium"

    def __init__(self) -> None:
        self._flows = {upright: Flow("medium", upright=upright) for upright in (False, True)}
        self._last: tuple[Planes, Planes, F32] | None = None

    def __call__(self, first: Planes, second: Planes, colour: Colour, at: float) -> tuple[F32, F32]:
        """See ``SeamMotion``."""
        shift = halfway(self._origin(first, second), at, second.alpha)
        motion = np.empty((4, *shift.shape[:2]), np.float32)
        for axis in range(2):
            motion[axis] = at * shift[..., axis]
            motion[2 + axis] = (at - 1) * shift[..., axis]
        return motion, np.full(motion.shape[1:], 1 - at, np.float32)

    def _origin(self, first: Planes, second: Planes) -> F32:
        """Where each cell of the second comes from: the same for all times between two persons."""
        last = self._last
        if last is None or last[0] is not first or last[1] is not second:
            height, width = first.y.shape
            flow = self._flows[height > width]
            small = [
                shrink(_over(person.y, person.alpha, _GREY), flow.columns, flow.rows)
                for person in (first, second)
            ]
            last = self._last = first, second, flow(small[1], small[0])
        return last[2]


def best_motion(threads: int = 0) -> tuple[SeamMotion, str]:
    """RIFE where it is installed, else DIS; and, for the latter, what to do for better seams."""
    try:
        network = load_between(NETWORK, threads)
        model = load_manifest(find_manifest(NETWORK, model_folders()), "between")[1]
    except ModelError:
        return DisMotion(), f"{NETWORK} is not installed: mattebox model add {NETWORK}"
    if not network.tells_motion:
        return DisMotion(), (
            f"{NETWORK} was added by an older mattebox; remove its folder, then: mattebox model "
            f"add {NETWORK}"
        )
    return RifeMotion(network, sha256_of(model)[:_DIGEST]), ""


def between(first: Planes, second: Planes, colour: Colour, at: float, motion: SeamMotion) -> Planes:
    """The person at a time between two.

    Args:
        first, second: on one part of the canvas.
        at: above 0 (the first) and below 1 (the second).

    Raises RuntimeError when ``motion`` does.
    """
    there, share = motion(first, second, colour, at)
    height, width = first.y.shape
    y, alpha = _mixed(_weighed_luma(first), _weighed_luma(second), there, share)
    cb, cr, alpha_c = _mixed(_weighed_chroma(first), _weighed_chroma(second), there, share)
    uv = np.empty((height // 2, width // 2, 2), np.uint8)
    for axis, plane in enumerate((cb, cr)):
        uv[..., axis] = _bytes(plane / np.maximum(alpha_c, 1 / 255) + 128)
    return Planes(_bytes(y / np.maximum(alpha, 1 / 255)), uv, _bytes(alpha * 255))


def _mixed(first: F32, second: F32, motion: F32, share: F32) -> F32:
    """Both moved to one time and mixed: planes weighed by alpha, the last of which is alpha."""
    size = (first.shape[2], first.shape[1])
    per = np.array((size[0] / motion.shape[2], size[1] / motion.shape[1]), np.float32)
    part = _sized(share, size)
    moved = [
        _moved(planes, [_sized(motion[i], size) * per[i % 2] for i in which])
        for planes, which in ((first, (0, 1)), (second, (2, 3)))
    ]
    mixed = moved[0] * part + moved[1] * (1 - part)
    # The share of the fine structure: nearly all of it one end's, so that noise is not averaged.
    steep = 1 / (1 + np.exp(np.clip((0.5 - part) * _STEEP * 2, -30, 30)))
    for index in range(len(mixed) - 1):
        fine = [planes[index] - _blurred(planes[index]) for planes in moved]
        mixed[index] += (fine[0] - fine[1]) * (steep - part)
    mixed[-1] = np.clip(mixed[-1], 0, 1)
    return np.asarray(mixed, np.float32)


def _moved(planes: F32, shift: list[F32]) -> F32:
    rows, columns = planes.shape[1:]
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float32)
    across += shift[0]
    down += shift[1]
    moved = [
        cv2.remap(
            plane, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        for plane in planes
    ]  # fmt: skip
    return np.asarray(np.stack(moved), np.float32)


def _blurred(plane: F32) -> F32:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _FINE), np.float32)


def _sized(plane: F32, size: tuple[int, int]) -> F32:
    shrinks = size[0] < plane.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.float32)


def _weighed_luma(person: Planes) -> F32:
    """Luma x alpha, 0..255, and alpha, 0..1: float32 (2, rows, columns)."""
    alpha = _share_of(person.alpha)
    return np.stack((person.y * alpha, alpha)).astype(np.float32)


def _weighed_chroma(person: Planes) -> F32:
    """Cb and Cr, about 0, x alpha, and alpha: float32 (3, rows / 2, columns / 2)."""
    rows, columns = person.uv.shape[:2]
    alpha = _sized(_share_of(person.alpha), (columns, rows))
    chroma = person.uv.astype(np.float32) - 128
    return np.stack((chroma[..., 0] * alpha, chroma[..., 1] * alpha, alpha)).astype(np.float32)


def _small(person: Planes, size: tuple[int, int], colour: Colour) -> F32:
    """As ``BetweenNetwork`` takes it: Y, Cb, Cr over black and alpha, 0..255."""
    black = matrix_of(colour)[1]
    y, alpha = (_sized(plane, size) for plane in _weighed_luma(person))
    cb, cr, _ = (_sized(plane, size) for plane in _weighed_chroma(person))
    return np.stack((y + (1 - alpha) * black[0], cb + black[1], cr + black[2], alpha * 255))


def _over(luma: U8, alpha: U8, grey: int) -> U8:
    share = _share_of(alpha)
    return _bytes(np.asarray(luma * share + grey * (1 - share), np.float32))


def _share_of(alpha: U8) -> F32:
    return np.asarray(alpha.astype(np.float32) / np.float32(255), np.float32)


def _bytes(values: F32) -> U8:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
