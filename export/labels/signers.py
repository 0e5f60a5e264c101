"""The signing clips: one person before a fixed camera, cut out of a scene seen over all clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.data.split import SIGNERS
from export.images import FloatImage, UInt8Image
from export.labels.fixed_camera import cut_out_of_scene, empty_scene
from export.labels.portraits import Cutout
from export.labels.teacher import Teacher
from export.labels.video import read_frames

Scene = tuple[UInt8Image, NDArray[np.bool_]]


def tight_teacher(frame: UInt8Image, teacher: Teacher, margin: float = 0.12) -> FloatImage:
    """The teacher once on the whole frame, then on a crop round what it found, float32 (h, w)."""
    first = teacher(frame)
    ys, xs = np.nonzero(first > 0.5)
    if len(ys) < 200:
        return first
    height, width = first.shape
    edge = int(margin * height)
    left, right = max(0, int(xs.min()) - edge), min(width, int(xs.max()) + edge)
    top = max(0, int(ys.min()) - edge)
    alpha = np.zeros_like(first)
    alpha[top:, left:right] = teacher(np.ascontiguousarray(frame[top:, left:right]))
    return alpha


def scenes_of(person: int, folder: Path, teacher: Teacher) -> dict[str, Scene]:
    """Clip -> its empty scene; what one clip never shows is taken from the person's others.

    The camera was moved between people, not between the clips of one.
    """
    scenes: dict[str, Scene] = {}
    for clip in (name for name, who in SIGNERS.items() if who == person):
        frames = read_frames(folder / f"{clip}.mkv")[::3]
        scenes[clip] = empty_scene(frames, [tight_teacher(f, teacher) for f in frames])
    stack = np.stack([scene.astype(np.float32) for scene, _ in scenes.values()])
    seen = np.stack([mask for _, mask in scenes.values()])
    weights = seen[..., None].astype(np.float32)
    room = (stack * weights).sum(0) / np.maximum(weights.sum(0), 1)
    anywhere = seen.any(axis=0)
    joined: dict[str, Scene] = {}
    for clip, (scene, mask) in scenes.items():
        both = mask & anywhere
        shift = np.median((room - scene)[both], axis=0)
        missing = ~mask & anywhere
        filled = scene.copy()
        filled[missing] = np.clip(room - shift, 0, 255)[missing].astype(np.uint8)
        joined[clip] = filled, mask | anywhere
    return joined


def signer_cutouts(
    person: int, folder: Path, teacher: Teacher, step: int = 1, most: int | None = None
) -> Iterator[tuple[str, int, UInt8Image, Cutout]]:
    """Clip, frame number, frame and cutout, every `step`-th frame, at most `most` a clip."""
    for clip, (scene, seen) in scenes_of(person, folder, teacher).items():
        frames = read_frames(folder / f"{clip}.mkv")
        numbers = range(0, len(frames), step)
        for number in numbers if most is None else numbers[:most]:
            frame = frames[number]
            cutout = cut_out_of_scene(frame, tight_teacher(frame, teacher), scene, seen)
            yield clip, number, frame, cutout
