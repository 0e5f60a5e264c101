"""Two numbers for a seam, since either alone can be fooled: a dissolve never jumps, a cut is sharp.

J, the jump: its largest step by the 95th percentile of the clips' own steps, of the livelier one's.
S, the sharpness: the lowest Laplacian variance of its own frames by the mean of its two ends'.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from appliance.avatars.clip import Clip
from appliance.media.frame import F32, U8
from appliance.tools.avatar.person import Planes, on

MOST_JUMP = 1.0
"""J of a good seam, at most."""
LEAST_SHARPNESS = 0.65
"""S of a good seam, at least."""
# Steps are seen at so many rows of the canvas: a blur, which fine noise does not pass.
_ROWS = 180
_BLUR = (5, 5)
# A clip of a still picture has steps, too: those of rounding.
_LEAST_STEP = 0.1
_OPAQUE = 250


def seen(person: Planes, canvas_rows: int) -> F32:
    """A person as steps are measured: float32 (2, rows, columns), 0..255, small and blurred.

    The first is luma over black, the second alpha.
    """
    rows, columns = person.y.shape
    scale = min(1.0, _ROWS / canvas_rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    over_black = cv2.multiply(person.y, person.alpha, scale=1 / 255)
    both = np.empty((2, size[1], size[0]), np.float32)
    for into, plane in zip(both, (over_black, person.alpha), strict=True):
        small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        into[:] = cv2.GaussianBlur(small.astype(np.float32), _BLUR, 0)
    return both


def step(first: F32, second: F32) -> float:
    """How much two persons differ, 0..255: the mean over where either is.

    Args:
        first, second: see ``seen``; of one part of the canvas. Each pixel counts as over black or
            over white, wherever the two differ more: else dark clothes or fair hair could come and
            go.
    """
    luma, alpha = second - first
    differ = np.maximum(np.abs(luma), np.abs(luma - alpha))
    there = float(np.maximum(first[1], second[1]).sum()) / 255
    return float(differ.sum()) / max(there, 1.0)


def own_steps(clip: Clip) -> F32:
    """The steps of a clip from frame to frame: float32 (frames - 1,)."""
    rows = clip.header.format.height
    found = np.zeros(clip.frames - 1, np.float32)
    last = None
    for index in range(clip.frames):
        frame = clip.frame(index)
        this = seen(on(frame, frame.rect), rows)
        if last is not None:
            found[index - 1] = step(last, this)
        last = this
    return found


def usual_step(steps: F32) -> float:
    """The median of a clip's steps; no less than rounding makes."""
    return max(float(np.median(steps)) if steps.size else 0.0, _LEAST_STEP)


def large_step(steps: F32) -> float:
    """The 95th percentile of a clip's steps; no less than rounding makes."""
    return max(float(np.percentile(steps, 95)) if steps.size else 0.0, _LEAST_STEP)


def jump(frames: Sequence[Planes], canvas_rows: int, large: float) -> float:
    """J of a seam.

    Args:
        frames: the exit, the seam's own, the entry, on one part of the canvas.
        large: ``large_step`` of the livelier clip.
    """
    views = [seen(frame, canvas_rows) for frame in frames]
    return max(step(a, b) for a, b in itertools.pairwise(views)) / large


def sharpness(frames: Sequence[Planes]) -> float:
    """S of a seam, frames as for ``jump``; 1 for a cut."""
    if len(frames) <= 2:
        return 1.0
    ends = (detail(frames[0].y, frames[0].alpha) + detail(frames[-1].y, frames[-1].alpha)) / 2
    if ends <= 0:
        return 1.0
    return min(detail(frame.y, frame.alpha) for frame in frames[1:-1]) / ends


def detail(luma: U8, alpha: U8) -> float:
    """The variance of luma's Laplacian well within the person; 0 for nobody."""
    solid = cv2.threshold(alpha, _OPAQUE - 1, 255, cv2.THRESH_BINARY)[1]
    inner = cv2.erode(solid, np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return 0.0
    return float(cv2.Laplacian(luma, cv2.CV_32F)[inner].var())
