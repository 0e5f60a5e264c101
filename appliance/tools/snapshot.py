"""``mattebox snapshot``: what the appliance sees and makes of it, as pictures."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from appliance.background.make import make_background
from appliance.config.settings import Settings
from appliance.errors import EndOfStream, OutputError, SourceError
from appliance.media.frame import U8, Frame, blank
from appliance.networks.choose import choose_network
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.make import make_pipeline
from appliance.pixels.cpu.picture import to_bgr
from appliance.sources.base import Source
from appliance.sources.make import make_source

_DEADLINE_S = 30.0
_PANEL_HEIGHT = 720


def run(settings: Settings, out: Path, *, frames: int) -> int:
    """Composite ``frames`` frames, and write the last one's input, matte and composite.

    ``out`` gets the three side by side; each by itself, at full size, stands beside it as
    ``out-input.png``, ``out-matte.png`` and ``out-composite.png``. Returns 0.

    Raises InputError, SourceError when the source gives nothing, OutputError when a picture
    cannot be written.
    """
    pictures = take(settings, frames)
    names = ("input", "matte", "composite")
    for name, picture in zip(names, pictures, strict=True):
        _write(out.with_name(f"{out.stem}-{name}{out.suffix}"), picture)
    _write(out, side_by_side(pictures))
    print(out)
    return 0


def take(settings: Settings, count: int) -> tuple[U8, U8, U8]:
    """Input, matte, composite of the ``count``-th frame: uint8 (height, width, 3), blue first."""
    network = choose_network(settings.matting)
    source = make_source(settings.source)
    try:
        format = source.open(None)
        if settings.canvas.size != "auto":
            source.close()
            width, height = settings.canvas.size
            format = source.open(replace(format, width=width, height=height))
        background = make_background(settings.background, format)
        try:
            composite = blank(format.width, format.height, format.colour)
            matte = np.zeros((format.height, format.width), np.uint8)
            with closing(make_pipeline(settings, format, network, background)) as pipeline:
                frame = _play(source, pipeline, composite, matte, count)
            three = (to_bgr(frame), np.repeat(matte[:, :, None], 3, axis=2), to_bgr(composite))
        finally:
            background.close()
    finally:
        source.close()
    return three


def _play(
    source: Source, pipeline: FramePipeline, composite: Frame, matte: U8, count: int
) -> Frame:
    deadline = time.monotonic() + _DEADLINE_S + count / 10
    done: Frame | None = None
    for _ in range(count):
        frame = None
        while frame is None:
            if time.monotonic() > deadline:
                raise SourceError(
                    f"no frame from the source within {_DEADLINE_S:.0f} s; try mattebox doctor"
                )
            try:
                frame = source.read(1.0)
            except EndOfStream:
                if done is None:
                    raise
                return done
        pipeline.process(frame, composite, matte)
        done = replace(frame, y=frame.y.copy(), uv=frame.uv.copy(), owner=None)
    assert done is not None
    return done


def side_by_side(pictures: tuple[U8, U8, U8]) -> U8:
    """Three pictures in a row, each at most 720 pixels high."""
    height, width = pictures[0].shape[:2]
    scale = min(1.0, _PANEL_HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    row = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in pictures]
    return np.hstack(row)


def _write(path: Path, picture: U8) -> None:
    try:
        encoded, data = cv2.imencode(".png", picture)
        if not encoded:
            raise OutputError(f"{path}: the picture could not be encoded as PNG")
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: the picture cannot be written: {error}") from error
