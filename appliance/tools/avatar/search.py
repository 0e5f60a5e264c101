"""Where one clip can be left for another: frames alike, in motion alike.

As in Video Textures (Schödl, Szeliski, Salesin, Essa, 2000): after a frame may come any frame that
resembles the one that would have come; neighbours count as well, so that motion goes on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.avatars.clip import Clip
from appliance.media.frame import F32, U8, Rect
from appliance.tools.avatar.judge import large_step, own_steps, usual_step
from appliance.tools.avatar.person import on

_ROWS = 48
# Binomial weights of a frame and two neighbours to each side, as in the paper.
_WINDOW = ((-2, 1.0), (-1, 4.0), (0, 6.0), (1, 4.0), (2, 1.0))
_CHUNK = 1024
# Entries so near to the best are no others.
_BESIDE = 3
# What one loop may be worse than another, for being longer.
_AS_GOOD = 1.25


@dataclass(frozen=True, slots=True, eq=False)
class ClipLook:
    """What a clip looks like.

    Attributes:
        views: uint8 (frames, values): each frame, small: luma over black, and alpha.
        usual, large: median and 95th percentile of its steps, see ``judge.step``.
    """

    views: U8
    usual: float
    large: float

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.views)


def look_at(clip: Clip, rect: Rect) -> ClipLook:
    """``rect``: a part of the canvas around the people in all clips."""
    size = (max(1, round(_ROWS * rect.width / rect.height)), _ROWS)
    views = np.empty((clip.frames, 2 * size[0] * size[1]), np.uint8)
    for index in range(clip.frames):
        person = on(clip.frame(index), rect)
        over_black = cv2.multiply(person.y, person.alpha, scale=1 / 255)
        small = [
            cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
            for plane in (over_black, person.alpha)
        ]
        views[index] = np.stack(small).reshape(-1)
    steps = own_steps(clip)
    return ClipLook(views, usual_step(steps), large_step(steps))


def distances(source: ClipLook, exits: range, target: ClipLook, entries: range) -> F32:
    """How ill each entry follows each exit: float32 (exits, entries), 0..255.

    The root of the mean square between the entry and the frame that would have come after the exit,
    and between their neighbours, weighted; neighbours beyond a clip's end do not count.
    """
    # Exit e and entry n: frames e + 1 + k and n + k, for all k of the window.
    rows = np.arange(exits.start - 1, exits.stop + 3)
    columns = np.arange(entries.start - 2, entries.stop + 2)
    squares = _squares(source.views, rows, target.views, columns)
    here = ((rows >= 0) & (rows < source.frames)).astype(np.float32)
    there = ((columns >= 0) & (columns < target.frames)).astype(np.float32)
    total = np.zeros((len(exits), len(entries)), np.float32)
    weights = np.zeros_like(total)
    for k, weight in _WINDOW:
        down, across = slice(2 + k, 2 + k + len(exits)), slice(2 + k, 2 + k + len(entries))
        total += np.float32(weight) * squares[down, across]
        weights += np.outer(np.float32(weight) * here[down], there[across])
    alone = weights == 0
    if alone.any():
        # From a last frame to a first: nothing else is known than these two.
        direct = _squares(source.views, np.array(exits), target.views, np.array(entries))
        total, weights = np.where(alone, direct, total), np.where(alone, 1, weights)
    return np.asarray(np.sqrt(total / weights), np.float32)


def _squares(a: U8, rows: NDArray[np.int_], b: U8, columns: NDArray[np.int_]) -> F32:
    """Mean squares between frames; 0 where there is no such frame."""
    found = np.zeros((len(rows), len(columns)), np.float32)
    there = (columns >= 0) & (columns < len(b))
    right = b[columns[there]].astype(np.float32)
    norms = np.einsum("ij,ij->i", right, right)
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        here = (some >= 0) & (some < len(a))
        left = a[some[here]].astype(np.float32)
        square = np.einsum("ij,ij->i", left, left)[:, None] + norms - 2 * (left @ right.T)
        into = found[start : start + _CHUNK]
        into[np.ix_(here, there)] = np.maximum(square, 0) / a.shape[1]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class BestEntries:
    """The best entries after each exit, best first.

    Attributes:
        costs: float32 (exits, 2), see ``distances``; infinite where there is no other.
        frames: int64 (exits, 2): the entries.
    """

    costs: F32
    frames: NDArray[np.int64]


def best_entries(source: ClipLook, exits: range, target: ClipLook, entries: range) -> BestEntries:
    """The best entry after each exit, and the best of those that are not next to it."""
    costs = np.full((len(exits), 2), np.inf, np.float32)
    frames = np.zeros((len(exits), 2), np.int64)
    places = np.array(entries)
    for start in range(0, len(exits), _CHUNK):
        some = exits[start : start + _CHUNK]
        found = distances(source, some, target, entries)
        for rank in range(2):
            at = found.argmin(1)
            part = np.s_[start : start + len(some), rank]
            costs[part], frames[part] = found.min(1), places[at]
            found[np.abs(places - places[at][:, None]) <= _BESIDE] = np.inf
    return BestEntries(costs, frames)


def best_loop(look: ClipLook, most: int) -> tuple[int, int]:
    """Exit and entry of a clip's loop: the longest one that is about as smooth as any.

    The exit lies in the last third, the entry in the first, each ``most`` frames from the end at
    the most.
    """
    reach = min(max(1, look.frames // 3), most)
    exits, entries = range(look.frames - reach, look.frames), range(reach)
    costs = distances(look, exits, look, entries)
    good = costs <= max(float(costs.min()) * _AS_GOOD, 1e-3)
    length = np.subtract.outer(np.array(exits), np.array(entries))
    e, n = np.unravel_index(int(np.where(good, length, -1).argmax()), costs.shape)
    return exits[int(e)], entries[int(n)]


def cover(costs: F32, gap: int, ends: int) -> list[int]:
    """Positions of the least sum of costs, so that from any one to the next is ``gap`` at most.

    Args:
        costs: float32 (positions,), above 0.
        ends: before the first and after the last there are so many positions at most.
    """
    count = len(costs)
    best, back = [float(cost) for cost in costs], [-1] * count
    # Positions before, from the cheapest on: those that are cheaper than all after them.
    window: deque[int] = deque()
    for i in range(count):
        if window and window[0] < i - gap:
            window.popleft()
        if i > ends:
            back[i] = window[0]
            best[i] += best[back[i]]
        while window and best[window[-1]] >= best[i]:
            window.pop()
        window.append(i)
    at = min(range(max(0, count - 1 - ends), count), key=best.__getitem__)
    found = []
    while at >= 0:
        found.append(at)
        at = back[at]
    return found[::-1]
