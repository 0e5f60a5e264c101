"""The pictures for judging precision and for calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from appliance.errors import InputError, MissingDependency
from appliance.media.frame import F32, U8
from appliance.networks.manifest import Manifest
from appliance.stages.shape import MOST_STRETCH

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Real frames, BGR uint8 (height, width, 3), and their origin in words."""

    frames: tuple[U8, ...]
    source: str


def real_frames(where: Path | None, count: int) -> Pictures:
    """About ``count`` frames spread over a video or a folder of pictures, or from one picture.

    ``None`` means the demo's photograph, zoomed, moved and lit in different ways: real, but of only
    one person. Raises InputError, or MissingDependency when there is no photograph here.
    """
    if where is None:
        return Pictures(tuple(_photograph(count)), "the demo's photograph")
    if where.is_dir():
        paths = sorted(p for p in where.rglob("*") if p.suffix.lower() in _PICTURES)
        if not paths:
            raise InputError(f"{where}: no pictures in it; expected .png or .jpg files")
        picked = [paths[i] for i in _spread(len(paths), count)]
        return Pictures(tuple(_picture(path) for path in picked), where.name)
    if not where.is_file():
        raise InputError(f"{where}: there is no such file; name a video, a picture or a folder")
    if where.suffix.lower() in _PICTURES:
        return Pictures((_picture(where),), where.name)
    return Pictures(tuple(_video(where, count)), where.name)


def _spread(total: int, count: int) -> list[int]:
    return [int(i) for i in np.linspace(0, total - 1, min(count, total)).round()]


def _picture(path: Path) -> U8:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{path}: not a picture that can be read; expected PNG or JPEG")
    return np.asarray(picture, np.uint8)


def _video(path: Path, count: int) -> list[U8]:
    capture = cv2.VideoCapture(str(path))
    try:
        total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        wanted = set(_spread(total, count)) if total > 0 else set(range(count))
        found: list[U8] = []
        index = 0
        while len(found) < count and index <= max(wanted, default=-1) and capture.grab():
            if index in wanted:
                done, frame = capture.retrieve()
                if done:
                    found.append(np.asarray(frame, np.uint8))
            index += 1
    finally:
        capture.release()
    if not found:
        raise InputError(f"{path}: not a video that can be read")
    return found


def _photograph(count: int) -> list[U8]:
    from appliance.sources.demo_scene import photograph

    try:
        photo = photograph()[:, :, ::-1]
    except MissingDependency as error:
        raise MissingDependency(
            "no frames to judge the precision on: name some of yours with --frames (a video, or a "
            "folder of pictures with people in them), or install scikit-image for the demo's"
        ) from error
    rng = np.random.default_rng(0)
    side = photo.shape[0]
    frames = []
    for _ in range(count):
        zoom = rng.uniform(0.5, 1.0)
        width, height = int(side * zoom), int(side * zoom * 0.5625)
        x, y = (int(rng.integers(0, side - n + 1)) for n in (width, min(height, side)))
        light = rng.uniform(0.3, 1.3)
        part = photo[y : y + height, x : x + width].astype(np.float32) * light
        noisy = part + rng.normal(0, 4, part.shape)
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return frames


def probe_frames(width: int, height: int) -> list[U8]:
    """Black, white, saturated and noisy frames, BGR uint8: what breaks networks."""
    rng = np.random.default_rng(0)
    shape = (height, width, 3)
    colours = ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255))
    noise = rng.integers(0, 256, shape).astype(np.uint8)
    saturated = np.where(noise > 127, 255, 0).astype(np.uint8)
    return [*(np.full(shape, colour, np.uint8) for colour in colours), noise, saturated]


def to_tensor(frame: U8, manifest: Manifest) -> F32:
    """A frame as the network's input: float32, batch of one, in the manifest's layout.

    Stretched by at most 1.5, as in use; of a frame of another shape, the middle.
    """
    spec = manifest.input
    small = cv2.resize(
        _fitting(frame, spec.width / spec.height),
        (spec.width, spec.height),
        interpolation=cv2.INTER_AREA,
    )
    if spec.order == "RGB":
        small = small[:, :, ::-1]
    value = (small.astype(np.float32) - np.asarray(spec.mean, np.float32)) * np.asarray(
        spec.scale, np.float32
    )
    if spec.layout == "NCHW":
        value = value.transpose(2, 0, 1)
    return np.ascontiguousarray(value[None], np.float32)


def _fitting(frame: U8, aspect: float) -> U8:
    """As much of a frame's middle as may be stretched to ``aspect``, width over height."""
    height, width = frame.shape[:2]
    wide = min(width, round(height * aspect * MOST_STRETCH))
    high = min(height, round(width / aspect * MOST_STRETCH))
    x, y = (width - wide) // 2, (height - high) // 2
    return frame[y : y + max(1, high), x : x + max(1, wide)]


def tensors(frames: Sequence[U8], manifest: Manifest) -> list[F32]:
    """``to_tensor`` of each."""
    return [to_tensor(frame, manifest) for frame in frames]
