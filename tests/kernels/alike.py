"""The appliance's two pipelines over the same real frames: how far their composites are apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from appliance.media.frame import U8, Colour, Frame, blank
from appliance.media.rgb import rgb_to_nv12
from appliance.pipeline.base import FramePipeline

_FRAME_NS = 33_333_333


@dataclass
class Apart:
    """Sums over all frames; ``worst`` and ``where`` are of the worst sample."""

    frames: int = 0
    samples: int = 0
    differ: int = 0
    worst: int = 0
    where: int = -1
    people: int = 0
    refused: int = 0

    def __str__(self) -> str:
        share = self.differ / max(1, self.samples)
        return (
            f"{self.frames} frames ({self.people} with somebody in them, {self.refused} refused): "
            f"{self.differ} of {self.samples} samples differ ({share:.1e}), at most {self.worst} "
            f"of 255{f' (frame {self.where})' if self.worst else ''}"
        )


def clips(folder: Path) -> list[Path]:
    """The clips below a folder."""
    suffixes = (".mp4", ".mkv", ".webm")
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def frames_of(clip: Path, count: int) -> Iterator[Frame]:
    """The first frames of a clip, as a camera of 30 fps would give them; even sides."""
    capture = cv2.VideoCapture(str(clip))
    try:
        for k in range(count):
            there, picture = capture.read()
            if not there:
                return
            even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2, ::-1]
            frame = rgb_to_nv12(np.ascontiguousarray(even), Colour())
            yield replace(frame, serial=k, pts=k * _FRAME_NS, captured=1 + k * _FRAME_NS)
    finally:
        capture.release()


def compare(
    gpu: FramePipeline, cpu: FramePipeline, frames: Iterable[Frame], found: Apart
) -> list[Frame]:
    """Run both over ``frames``, add to ``found``; gives input and both composites of the last."""
    last: list[Frame] = []
    for frame in frames:
        made = []
        for pipeline in (gpu, cpu):
            out = blank(frame.width, frame.height, frame.colour)
            outcome = pipeline.process(frame, out)
            made.append((out, outcome))
        (got, seen), (want, wanted) = made
        assert (seen.roi, seen.people) == (wanted.roi, wanted.people), frame.serial
        found.people += seen.people > 0
        for a, b in ((got.y, want.y), (got.uv, want.uv)):
            away = np.abs(a.astype(np.int16) - b)
            found.samples += away.size
            found.differ += int(np.count_nonzero(away))
            if away.max() > found.worst:
                found.worst, found.where = int(away.max()), found.frames
        found.frames += 1
        last = [frame, got, want]
    return last


def difference(a: Frame, b: Frame) -> U8:
    """Where two frames differ, 64 times as strong, around grey: Y, Cb, Cr shown as green, blue,
    red."""
    uv = (b.uv.astype(int) - a.uv).repeat(2, 0).repeat(2, 1)
    planes = np.dstack([uv[..., 0], b.y.astype(int) - a.y, uv[..., 1]])
    return np.clip(128 + 64 * planes, 0, 255).astype(np.uint8)
