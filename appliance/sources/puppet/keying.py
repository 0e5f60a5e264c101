"""The person cut out of a still: by the shipped network, twice, the second time close up."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.config.settings import CleanSettings, MattingSettings, RefineSettings
from appliance.errors import InputError, MattingError
from appliance.media.frame import F32, U8, Frame, Rect
from appliance.networks.choose import load_on_cpu
from appliance.pixels import cpu
from appliance.stages.matte.checks import check_alpha
from appliance.stages.network.cpu import Looks
from appliance.stages.timings import StageClock

_MARGIN = 0.08


def key(frame: Frame, what: str) -> U8:
    """Alpha, uint8 (height, width), of the largest person in a still.

    ``what`` is what errors call the still. Raises InputError where the network finds nobody or
    nothing that can be right, ModelError where it cannot be loaded.
    """
    matting = MattingSettings()
    looks = Looks(load_on_cpu(matting), StageClock())
    try:
        rect = frame.rect
        for _ in range(2):
            look = looks.through(upright=rect.height > 1.2 * rect.width)
            raw, planes = look(frame, rect)
            check_alpha(raw, matting.max_coverage)
            alpha = np.clip(raw, 0, 1)
            kept = cpu.keep_components(alpha, CleanSettings().threshold, "largest", 0.0)
            if kept.box is None:
                raise InputError(
                    f"{what}: no person is found in it; expected a picture of one person who "
                    "stands out, or a PNG with an alpha channel"
                )
            cpu.clean(alpha, kept, CleanSettings().grow)
            seen, rect = rect, _closer(kept.box, alpha.shape, rect, frame.rect)
    except MattingError as error:
        raise InputError(
            f"{what}: the person cannot be cut out ({error}); give a PNG with an alpha channel"
        ) from error
    return _full_size(frame, seen, planes, alpha)


def _closer(box: Rect, grid: tuple[int, ...], rect: Rect, whole: Rect) -> Rect:
    """The part of the frame around a box of the grid over ``rect``, even on all sides."""
    by_x, by_y = rect.width / grid[1], rect.height / grid[0]
    margin = _MARGIN * max(box.width * by_x, box.height * by_y) + max(by_x, by_y)
    left = int(max(0.0, rect.x + box.x * by_x - margin)) // 2 * 2
    top = int(max(0.0, rect.y + box.y * by_y - margin)) // 2 * 2
    right = -int(-(rect.x + box.right * by_x + margin)) // 2 * 2 + 2
    bottom = -int(-(rect.y + box.bottom * by_y + margin)) // 2 * 2 + 2
    return Rect(left, top, right - left, bottom - top).intersect(whole)


def _full_size(frame: Frame, rect: Rect, planes: F32, alpha: F32) -> U8:
    """Alpha on the grid over ``rect``, refined by the picture's luma."""
    refine = RefineSettings()
    both = np.empty((2, *alpha.shape), np.float32)
    cpu.guided_coefficients(planes[0], alpha, refine.radius, refine.epsilon, both)
    size = (rect.width, rect.height)
    a, b = (cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in both)
    luma = frame.y[rect.y : rect.bottom, rect.x : rect.right].astype(np.float32)
    low = np.float32(refine.levels)
    fine = (a * luma + b - low) / (1 - 2 * low)
    out = np.zeros(frame.y.shape, np.uint8)
    out[rect.y : rect.bottom, rect.x : rect.right] = np.rint(np.clip(fine, 0, 1) * 255)
    return out
