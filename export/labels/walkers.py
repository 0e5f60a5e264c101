"""The room with walkers: whole bodies from a fixed camera whose empty room is known exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from export.data.split import EMPTY_STRETCHES, WALKERS
from export.images import FloatImage, UInt8Image
from export.labels.fixed_camera import cut_out_of_scene
from export.labels.portraits import Cutout, disc, largest, to_lab
from export.labels.teacher import Teacher
from export.labels.video import read_frames

_FLOOR_CHROMA = 14.0  # the wooden floor's; the walls have about 5
_FLOOR_STARTS = 0.62  # share of the height
_LEAST_AREA = 3000  # pixels; below, somebody is only just stepping in


def empty_room(clip: Path) -> UInt8Image:
    """Median of the stretches in which nobody is there, BGR uint8 (h, w, 3)."""
    frames: list[UInt8Image] = []
    for first, last in EMPTY_STRETCHES:
        frames += read_frames(clip, first, last)[::4]
    return np.median(np.stack(frames), axis=0).astype(np.uint8)


def _coarse(frame: UInt8Image, room: UInt8Image, teacher: Teacher) -> FloatImage | None:
    """Where the walker is: difference from the room joined with the teacher on a tight crop."""
    lab = cv2.cvtColor(frame, cv2.COLOR_BGR2Lab).astype(np.float32)
    empty = cv2.cvtColor(room, cv2.COLOR_BGR2Lab).astype(np.float32)
    change = cv2.GaussianBlur(np.abs(lab - empty).max(axis=2), (0, 0), 2)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((change > 14).astype(np.uint8))
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, area = (int(v) for v in stats[largest])
    if area < _LEAST_AREA:
        return None
    height, width = labels.shape
    edge = 20
    rows = slice(max(0, y - edge), min(height, y + h + edge))
    columns = slice(max(0, x - edge), min(width, x + w + edge))
    alpha = np.zeros((height, width), np.float32)
    alpha[rows, columns] = teacher(np.ascontiguousarray(frame[rows, columns]))
    body = cv2.morphologyEx((labels == largest).astype(np.uint8), cv2.MORPH_CLOSE, disc(4))
    reach = cv2.GaussianBlur(cv2.dilate(body, disc(6)).astype(np.float32), (0, 0), 2)
    return np.maximum(alpha * reach, 0.45 * cv2.erode(body, disc(3))).astype(np.float32)


def _off_the_floor(cutout: Cutout, frame: UInt8Image, room: UInt8Image) -> Cutout:
    """Take shadows and reflections on the wooden floor out of the alpha: they are of its hue."""
    lab, empty = to_lab(frame), to_lab(room)
    floor = np.hypot(empty[..., 1], empty[..., 2]) > _FLOOR_CHROMA
    floor[: int(_FLOOR_STARTS * floor.shape[0])] = False  # fair hair before a wooden skirting
    wood = np.median(empty[floor], axis=0)[1:]
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    along = (lab[..., 1:] @ wood) / (np.linalg.norm(wood) * np.maximum(chroma, 1e-3))
    wooden = (floor & (chroma > 7) & (along > 0.93)).astype(np.uint8)
    wooden = cv2.morphologyEx(wooden, cv2.MORPH_CLOSE, disc(2))
    keep = 1 - cv2.GaussianBlur(wooden.astype(np.float32), (0, 0), 0.8)
    alpha = largest(cutout.alpha / 255.0 * keep)
    return replace(cutout, alpha=np.round(alpha * 255).astype(np.uint8))


def walker_cutouts(
    walker: int, clip: Path, teacher: Teacher, step: int, most: int | None = None
) -> Iterator[tuple[int, UInt8Image, Cutout]]:
    """Frame number, frame and cutout of walker 0..5; frames that cannot be solved are left out."""
    room = empty_room(clip)
    seen = np.ones(room.shape[:2], bool)
    first, last = WALKERS[walker]
    frames = read_frames(clip, first, last)[::step]
    for index, frame in enumerate(frames[:most]):
        coarse = _coarse(frame, room, teacher)
        if coarse is None:
            continue
        try:
            cutout = cut_out_of_scene(frame, coarse, room, seen, _FLOOR_CHROMA)
        except ValueError:  # pymatting: no pixel of the trimap is sure foreground
            continue
        yield first + index * step, frame, _off_the_floor(cutout, frame, room)
