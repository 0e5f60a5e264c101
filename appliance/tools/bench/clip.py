"""The clip to measure on: the same work each time, made once and kept."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, SourceError
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, error_text
from appliance.sources.choice import StreamChoice
from appliance.sources.make import make_source
from appliance.system import folders
from appliance.tools.bench.progress import Tick, no_tick

_USUAL = "shared/media/asl/please.mkv"
_MAKE_TIMEOUT_S = 300.0


def usual_clip() -> Path | None:
    """The clip behind the published figures, if it is at hand, beside the repository."""
    base = os.environ.get("MATTEBOX_SHARED")
    path = Path(base, "media/asl/please.mkv") if base else folders.root().parent / _USUAL
    return path if path.is_file() else None


def cache_folder() -> Path:
    """Where generated clips are kept."""
    checkout = folders.checkout()
    folder = (checkout / ".cache" if checkout else Path.home() / ".cache/mattebox") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def frames_in_memory(clip: Path | None, size: tuple[int, int] | None, count: int) -> list[Frame]:
    """``count`` frames of a clip (None: the demo) at ``size`` (None: its own), copied into memory.

    Raises InputError or SourceError when the clip cannot be read.
    """
    uri = "demo://" if clip is None else str(clip)
    asked = SourceSettings.model_validate(
        {
            "uri": uri,
            "pace": "fast",
            "size": "auto" if clip or size is None else f"{size[0]}x{size[1]}",
        }
    )
    source = make_source(asked)
    try:
        own = source.open(None)
        if size is not None and (own.width, own.height) != size:
            source.close()
            own = source.open(replace(own, width=size[0], height=size[1]))
        frames: list[Frame] = []
        while len(frames) < count:
            frame = source.read(10.0)
            if frame is None:
                raise SourceError(f"{uri}: no frame within 10 s while it was read into memory")
            frames.append(replace(frame, y=frame.y.copy(), uv=frame.uv.copy(), owner=None))
        return frames
    finally:
        source.close()


def made_clip(
    clip: Path | None, format: Format, seconds: float = 10.0, tick: Tick = no_tick
) -> Path:
    """Make an H.264 file of ``format`` from ``clip`` (None: a moving pattern), kept for next time.

    The clip is cropped to the format's aspect ratio, so that it fills the picture. Raises
    InputError when GStreamer cannot make it.
    """
    identity = f"{clip}|{clip.stat().st_mtime_ns if clip else 0}|{format}|{seconds}"
    name = hashlib.sha256(identity.encode()).hexdigest()[:12]
    path = cache_folder() / f"{format.width}x{format.height}-{format.rate:.0f}-{name}.mp4"
    if path.is_file():
        return path
    partial = path.with_suffix(".part")
    buffers = round(seconds * format.rate)
    head = (
        "filesrc name=file ! decodebin name=decoder expose-all-streams=false "
        "caps=video/x-raw(ANY) ! videoconvert ! aspectratiocrop "
        f"aspect-ratio={format.width}/{format.height}"
        if clip
        else "videotestsrc pattern=ball animation-mode=frames"
    )
    pipeline = Gst.parse_launch(
        f"{head} ! videoscale method=catrom ! videorate ! video/x-raw,format=NV12,"
        f"width={format.width},height={format.height},framerate={format.fps[0]}/{format.fps[1]},"
        f"pixel-aspect-ratio=1/1 ! identity eos-after={buffers} ! "
        "x264enc speed-preset=veryfast pass=quant quantizer=21 ! h264parse ! mp4mux ! "
        f'filesink location="{partial}"'
    )
    choice = None
    if clip:
        pipeline.get_by_name("file").set_property("location", str(clip))
        choice = StreamChoice(pipeline.get_by_name("decoder"), str(clip))
    try:
        pipeline.set_state(Gst.State.PLAYING)
        started, message = time.monotonic(), None
        while message is None and time.monotonic() < started + _MAKE_TIMEOUT_S:
            message = pipeline.get_bus().timed_pop_filtered(
                Gst.SECOND // 4, Gst.MessageType.EOS | Gst.MessageType.ERROR
            )
            known, position = pipeline.query_position(Gst.Format.TIME)
            tick(position / 1e9 if known else 0.0, seconds)
    finally:
        pipeline.set_state(Gst.State.NULL)
    if message is None or message.type == Gst.MessageType.ERROR:
        why = error_text(message) if message else f"not done within {_MAKE_TIMEOUT_S:.0f} s"
        partial.unlink(missing_ok=True)
        if choice is not None and choice.refused is not None:
            raise choice.refused
        raise InputError(f"the clip for the benchmark could not be made from {clip}: {why}")
    partial.rename(path)
    os.utime(path, (time.time(), time.time()))
    return path
