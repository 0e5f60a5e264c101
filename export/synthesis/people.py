"""Cutouts made ready to place: missing shoulders and torsos grown, two sizes kept."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from export.images import UInt8Image

SIDE = 0.16  # share of the width grown on a side where the shoulder is cut off
STRIP = 0.10  # share of the height mirrored downwards to grow the torso


@dataclass(frozen=True)
class Person:
    """A cutout ready to place: BGR uint8 (h, w, 3), alpha uint8 (h, w)."""

    foreground: UInt8Image
    alpha: UInt8Image
    rows: int  # height of the original part; rows below it are grown torso
    head: tuple[int, int, int, int]  # left, top, right, bottom of the box that holds the head
    upright: bool  # whole or half body: already has arms
    behind: UInt8Image | None = None  # BGRA uint8 (h, w, 4): a seat, under the person


def _grow_side(foreground: UInt8Image, alpha: UInt8Image) -> tuple[UInt8Image, UInt8Image]:
    """Grow a rounded shoulder and a hanging arm to the right of a cut edge."""
    height, width = alpha.shape
    grown = max(2, round(SIDE * width))
    edge = alpha[:, -1]
    foreground = cv2.copyMakeBorder(foreground, 0, 0, 0, grown, cv2.BORDER_REFLECT_101)
    if int((edge > 127).sum()) < 0.03 * height:
        side = np.zeros((height, grown), np.uint8)
    else:
        top = int(np.argmax(edge > 127))
        y, x = np.mgrid[0:height, 0:grown].astype(np.float32)
        # A quarter ellipse outwards from the top of the cut, then straight down.
        drop = np.clip((x + 0.5) / grown, 0, 1)
        rounded = (1 - np.sqrt(np.maximum(0, 1 - drop**2))) * 1.1 * grown
        soft = np.clip(y - top - rounded + 0.5, 0, 1)
        side = np.round(soft * edge[:, None]).astype(np.uint8)
    return np.asarray(foreground, np.uint8), np.hstack([alpha, side])


def _grow_down(foreground: UInt8Image, alpha: UInt8Image) -> tuple[UInt8Image, UInt8Image]:
    """Grow the torso down by the picture's height: a mirrored strip with the last row's alpha."""
    height = alpha.shape[0]
    strip = max(4, round(STRIP * height))
    offsets = np.arange(height) % (2 * strip)
    rows = height - 1 - np.where(offsets < strip, offsets, 2 * strip - 1 - offsets)
    last = np.repeat(alpha[-2:-1], height, axis=0)
    return np.vstack([foreground, foreground[rows]]), np.vstack([alpha, last])


def prepare(
    foreground: UInt8Image,
    alpha: UInt8Image,
    kind: str,
    rows: int = 256,
    behind: UInt8Image | None = None,
) -> Person:
    """Scale a cutout to `rows` and grow what its picture cuts off.

    `kind` is 'portrait' (head and shoulders), 'clip' or 'half-figure' (waist up), 'walker' or
    'figure' (whole body); only the uprights among them may have a seat `behind`, BGRA.
    """
    if not (alpha > 127).any():
        raise ValueError("a cutout's alpha is empty everywhere; leave it out of the pack")
    seen = alpha if behind is None else np.maximum(alpha, behind[..., 3])
    ys, xs = np.nonzero(seen > 127)
    top = int(ys.min())
    if kind != "portrait":
        margin = 4
        left, right = max(0, int(xs.min()) - margin), int(xs.max()) + margin
        start = max(0, top - margin)
        foreground, alpha = foreground[start:, left:right], alpha[start:, left:right]
        behind = None if behind is None else behind[start:, left:right]
    width = max(2, round(alpha.shape[1] * rows / alpha.shape[0]))
    foreground = cv2.resize(foreground, (width, rows), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(alpha, (width, rows), interpolation=cv2.INTER_AREA)
    if behind is not None:
        behind = np.asarray(cv2.resize(behind, (width, rows), interpolation=cv2.INTER_AREA))
    if kind == "portrait":
        foreground, alpha = _grow_side(foreground, alpha)
        foreground, alpha = _grow_side(foreground[:, ::-1], alpha[:, ::-1])
        foreground, alpha = foreground[:, ::-1], alpha[:, ::-1]
    if kind not in ("walker", "figure"):
        foreground, alpha = _grow_down(foreground, alpha)
        if behind is not None:
            behind = np.dstack(_grow_down(behind[..., :3], behind[..., 3]))
    ys, xs = np.nonzero(alpha[: rows // 2 if kind == "portrait" else rows // 6] > 127)
    head = (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max()))
    return Person(
        np.ascontiguousarray(foreground),
        np.ascontiguousarray(alpha),
        rows,
        head,
        upright=kind != "portrait",
        behind=behind,
    )
