"""The settings: what may stand in ``config.yaml``, with ranges and defaults.

Every model is frozen, refuses unknown keys, and refuses NaN and infinities. Reading the file and
turning a mistake into a sentence is ``config.py``'s job.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MIN_SIDE, MAX_SIDE = 32, 8192


def _parse_size(value: Any) -> Any:
    """'1920x1080' -> (1920, 1080); 'auto' passes."""
    if value == "auto":
        return value
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected auto or WIDTHxHEIGHT, for example 1920x1080")
    size = (int(match[1]), int(match[2]))
    if not all(MIN_SIDE <= side <= MAX_SIDE and side % 2 == 0 for side in size):
        raise ValueError(f"both sides must be even and between {MIN_SIDE} and {MAX_SIDE} pixels")
    return size


def _parse_rate(value: Any) -> Any:
    """30, 59.94 or '30000/1001' -> Fraction; 'auto' passes."""
    if value == "auto":
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        rate = Fraction(str(value)).limit_denominator(1001)
    except (TypeError, ValueError, ZeroDivisionError):
        raise ValueError("expected auto, a number, or a fraction such as 30000/1001") from None
    if not 1 <= rate <= 240:
        raise ValueError("must be between 1 and 240 frames a second")
    return (rate.numerator, rate.denominator)


Size = Annotated[Literal["auto"] | tuple[int, int], BeforeValidator(_parse_size)]
Rate = Annotated[Literal["auto"] | tuple[int, int], BeforeValidator(_parse_rate)]


class Section(BaseModel):
    """Base of every section: frozen, strict about names, finite numbers only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )


class Source(Section):
    """Where the picture comes from."""

    uri: str = Field(
        "auto",
        min_length=1,
        description="auto (the first camera, else demo://), v4l2:///dev/video0, rtsp://…, "
        "csi://0, a path or file:///…, test://smpte, demo://",
    )
    size: Size = Field("auto", description="picture size asked of a camera, WIDTHxHEIGHT")
    fps: Rate = Field("auto", description="rate asked of a camera, demo or test pattern, in frames a second")
    loop: bool = Field(True, description="start a file again at its end")
    pace: Literal["realtime", "fast"] = Field(
        "realtime", description="play a file at its own speed, or as fast as the machine can"
    )
    transport: Literal["tcp", "udp"] = Field("tcp", description="how RTSP media travels")
    latency_ms: int = Field(100, ge=0, le=10_000, description="RTSP jitter buffer, milliseconds")
    timeout_s: float = Field(
        5.0, ge=0.5, le=60, description="no frame for so many seconds is a failure: reconnect"
    )
    retry_first_s: float = Field(
        0.5, ge=0.1, le=60, description="wait before the first reconnect, seconds; doubles each time"
    )
    retry_most_s: float = Field(
        5.0, ge=0.1, le=300, description="longest wait between reconnects, seconds"
    )


class Canvas(Section):
    """The picture that goes out."""

    size: Size = Field("auto", description="output size, WIDTHxHEIGHT; auto: the source's own")
    fps: Rate = Field("auto", description="output rate, frames a second; auto: the source's own")
    placeholder: Literal["slate", "background"] = Field(
        "slate", description="shown while there is no matte: a slate with the reason, or the background alone"
    )


class Background(Section):
    """What stands behind the person."""

    uri: str = Field(
        "gradient://",
        min_length=1,
        description="a picture or video file, colour:#RRGGBB, gradient://, or blur:// (does NOT hide the room)",
    )
    fit: Literal["fill", "fit"] = Field(
        "fill", description="fill: cover the canvas, cutting the overhang; fit: show all, with bars"
    )
    blur_radius: float = Field(
        0.03, gt=0, le=0.25, description="radius for blur://, as a fraction of the picture's height"
    )


class Matting(Section):
    """The network."""

    model: str = Field("portrait", min_length=1, description="a name in engines/, or a path to a manifest.yaml")
    runtime: Literal["auto", "onnxruntime"] = Field("auto", description="what runs the network")
    threads: int = Field(0, ge=0, le=64, description="CPU threads for the network; 0: chosen for the machine")
    stall_s: float = Field(
        0.5, ge=0.1, le=10, description="no fresh matte for so many seconds: show the placeholder"
    )
    max_coverage: float = Field(
        0.97, gt=0, le=1, description="a matte that covers more of the whole picture than this is a failure"
    )


class Roi(Section):
    """Where the person is going to be."""

    enabled: bool = Field(True, description="off: the network always sees the whole picture")
    margin: float = Field(0.2, ge=0, le=1, description="room around the person, as a fraction of their box")
    level: float = Field(0.6, gt=0, le=1, description="smoothing of the box (a in the formula); 1: none")
    trend: float = Field(0.2, ge=0, le=1, description="smoothing of its speed (b in the formula); 0: none")
    hold: float = Field(
        0.5, ge=0, le=0.95, description="the ROI rests until the person uses up this part of the margin; 0: always moves"
    )
    rescan_s: float = Field(1.0, ge=0.1, le=60, description="look at the whole picture this often, seconds")
    min_size: float = Field(0.15, gt=0, le=1, description="smallest ROI, as a fraction of the picture's height")


class Clean(Section):
    """Which connected parts of the matte stay."""

    enabled: bool = Field(True, description="remove floating blobs")
    threshold: float = Field(0.3, gt=0, lt=1, description="alpha from which a pixel counts as person")
    keep: Literal["largest", "all"] = Field(
        "all", description="only the largest part, or all above min_area"
    )
    min_area: float = Field(
        0.02, ge=0, le=1, description="smallest part kept, as a fraction of the largest part's area"
    )
    grow: int = Field(4, ge=0, le=32, description="soft hair kept around a part, network pixels")


class Steady(Section):
    """Motion-guided smoothing over time."""

    enabled: bool = Field(True, description="still edges stop shimmering; moving ones are left alone")
    strength: float = Field(0.85, ge=0, lt=1, description="weight of the last matte where nothing moves")
    motion_low: float = Field(1.5, ge=0, le=255, description="change of luma taken for noise, of 255")
    motion_high: float = Field(6.0, gt=0, le=255, description="change of luma taken for motion, of 255")


class Refine(Section):
    """Edges that follow the full-size picture."""

    enabled: bool = Field(True, description="fast guided filter with luma as the guide")
    radius: int = Field(3, ge=1, le=32, description="window radius, network pixels")
    epsilon: float = Field(
        1e-3, gt=0, le=1, description="smoothness: luma variance (0..1 squared) below which edges are ignored"
    )
    decontaminate: bool = Field(
        True, description="take the old background's colour out of soft pixels"
    )


class Composite(Section):
    """How the person is put on the background."""

    feather: float = Field(
        1 / 9, ge=0, le=0.5, description="ramp at the ROI's border, as a fraction of its sides; 0: hard edge"
    )


class Output(Section):
    """One way out."""

    uri: str = Field(
        min_length=1,
        description="rtsp://127.0.0.1:8554/live, display://, a path or file:///….mp4, v4l2:///dev/video9, null://",
    )
    bitrate_kbps: int = Field(
        0, ge=0, le=200_000, description="H.264 bit rate, kilobits a second; 0: chosen from size and rate"
    )
    keyframe_s: float = Field(2.0, ge=0.1, le=60, description="seconds between key frames")
    encoder: str = Field(
        "auto", min_length=1, description="auto, or a GStreamer encoder: x264enc, nvh264enc, nvv4l2h264enc, …"
    )


class Log(Section):
    """What is written while running."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level shown")
    format: Literal["auto", "plain", "json"] = Field(
        "auto", description="plain on a terminal, json for machines; auto picks"
    )


def _default_outputs() -> tuple[Output, ...]:
    return (Output(uri="rtsp://127.0.0.1:8554/live"),)


class Settings(Section):
    """The whole file."""

    source: Source = Source()
    canvas: Canvas = Canvas()
    background: Background = Background()
    matting: Matting = Matting()
    roi: Roi = Roi()
    clean: Clean = Clean()
    steady: Steady = Steady()
    refine: Refine = Refine()
    composite: Composite = Composite()
    outputs: tuple[Output, ...] = Field(default_factory=_default_outputs, min_length=1, max_length=16)
    log: Log = Log()
