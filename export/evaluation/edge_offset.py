"""How far a matte's edge lies from the picture's own: whether labels are too wide or too narrow.

No truth is needed. Along the normal of alpha's edge the luma is read from outside inwards; where it
first jumps is the person's outline. Chroma is left out: codecs displace it. Things behind the
person jump too, so the median over the outline is taken, and its zero is good to a quarter of a
pixel; of mattes of one clip it tells the wider from the narrower far better than that.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from export.evaluation.metrics import Alpha
from export.evaluation.sets import find_clips, load_clip
from export.images import UInt8Image

_REACH = 6.0  # pixels looked at to either side
_STEP = 0.5
_JUMP = 25.0  # grey levels over a pixel that make an edge
_FIRST = 0.6  # of the largest jump: the first as large as this, from outside, is the outline
_FRAME = 8  # pixels left out along the frame's borders
_LEAST = 50  # points of an outline that can be judged


def edge_offset(image: UInt8Image, alpha: Alpha) -> float | None:
    """Median distance in pixels; above 0 alpha reaches beyond the person, below 0 not far enough.

    `image` BGR uint8 (h, w, 3), `alpha` float32 (h, w) in [0, 1]. None where too little of the
    outline stands out from what is behind it.
    """
    smooth = cv2.GaussianBlur(alpha, (0, 0), 1.5)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    slope = np.hypot(across, down)
    block = np.ones((3, 3), np.uint8)
    crossing = (cv2.dilate(alpha, block) > 0.5) & (cv2.erode(alpha, block) < 0.5)
    outline = (crossing | (np.abs(alpha - 0.5) < 0.3)) & (slope > 0.2)
    inner = np.zeros_like(outline)
    inner[_FRAME:-_FRAME, _FRAME:-_FRAME] = True
    rows, columns = np.nonzero(outline & inner)
    if len(rows) < _LEAST:
        return None
    along = np.arange(-_REACH, _REACH + _STEP / 2, _STEP, dtype=np.float32)
    inwards_x = across[rows, columns] / slope[rows, columns]
    inwards_y = down[rows, columns] / slope[rows, columns]
    xs = (columns[:, None] + along * inwards_x[:, None]).astype(np.float32)
    ys = (rows[:, None] + along * inwards_y[:, None]).astype(np.float32)
    luma = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 0.5), cv2.COLOR_BGR2GRAY)
    jumps, steps = (
        np.abs(read[:, 2:] - read[:, :-2])
        for read in (
            cv2.remap(plane, xs, ys, cv2.INTER_LINEAR) for plane in (luma.astype(np.float32), alpha)
        )
    )
    at = along[1:-1]
    highest = jumps.max(axis=1)
    judged = highest > _JUMP
    if int(judged.sum()) < _LEAST:
        return None
    jumps, steps, highest = jumps[judged], steps[judged], highest[judged]
    first = (jumps >= _FIRST * highest[:, None]).argmax(axis=1)
    # The top of that jump: the largest of it and the two samples after.
    near = np.minimum(first[:, None] + np.arange(3), len(at) - 1)
    top = np.take_along_axis(near, np.take_along_axis(jumps, near, 1).argmax(1)[:, None], 1)[:, 0]
    edge = (steps * at).sum(axis=1) / np.maximum(steps.sum(axis=1), 1e-6)
    return float(np.median(at[top] - edge))


def label_offsets(root: Path, every: int = 3) -> dict[str, float]:
    """Set -> median offset in pixels of the labels of all clips below `root`, which may be judged.

    Every `every`-th frame is looked at. Raises FileNotFoundError or ValueError as `load_clip` does.
    """
    offsets: dict[str, list[float]] = defaultdict(list)
    for folder in find_clips(root):
        clip = load_clip(folder)
        pairs = zip(clip.frames[::every], clip.alphas[::every], strict=True)
        found = [edge_offset(frame, alpha) for frame, alpha in pairs]
        offsets[clip.set_name] += [offset for offset in found if offset is not None]
    return {name: float(np.median(values)) for name, values in offsets.items() if values}
