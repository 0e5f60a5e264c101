"""The settings: what may stand in ``config.yaml``, with ranges and defaults.

Every model is frozen, refuses unknown keys, and refuses NaN and infinities. Reading the file and
turning a mistake into a sentence is ``config.py``'s job.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from appliance.uris import (
    Allowed,
    BackgroundUri,
    OutputUri,
    SourceUri,
    path_of,
    scheme_of,
)
from appliance.values import EncoderName, ModelName, Rate, Size


def rule(key: str, message: str, *others: str) -> PydanticCustomError:
    """The error of a rule between settings, told at ``key`` (dotted, within the section).

    ``others`` are the keys that the rule weighs it against: where ``key`` is left at its default,
    the mistake is in one of them.
    """
    return PydanticCustomError("rule", "{message}", {"keys": (key, *others), "message": message})


class Section(BaseModel):
    """Base of every section: frozen, strict about names and types, finite numbers only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


class Source(Section):
    """Where the picture comes from."""

    uri: SourceUri = Field(
        "auto", description="where the picture comes from; auto: the first camera, else demo://"
    )
    size: Size = Field("auto", description="picture size asked of a camera, WIDTHxHEIGHT")
    fps: Rate = Field(
        "auto", description="rate asked of a camera, demo or test pattern, in frames a second"
    )
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
        0.5,
        ge=0.1,
        le=60,
        description="wait before the first reconnect, seconds; doubles each time",
    )
    retry_most_s: float = Field(
        5.0, ge=0.1, le=300, description="longest wait between reconnects, seconds"
    )

    @model_validator(mode="after")
    def _retries_grow(self) -> Source:
        if self.retry_first_s > self.retry_most_s:
            raise rule(
                "retry_first_s",
                f"found {self.retry_first_s:g}; expected at most retry_most_s, "
                f"which is {self.retry_most_s:g}",
                "retry_most_s",
            )
        return self


class Canvas(Section):
    """The picture that goes out."""

    size: Size = Field("auto", description="output size, WIDTHxHEIGHT; auto: the source's own")
    fps: Rate = Field("auto", description="output rate, frames a second; auto: the source's own")
    placeholder: Literal["slate", "background"] = Field(
        "slate",
        description="shown while there is no matte: a slate that says why, or the background alone",
    )


class Background(Section):
    """What stands behind the person."""

    uri: BackgroundUri = Field(
        "gradient://",
        description="a picture, a video, a colour or a gradient; "
        "blur:// is the real scene, out of focus: it does NOT hide the room",
    )
    fit: Literal["fill", "fit"] = Field(
        "fill", description="fill: cover the canvas, cutting the overhang; fit: show all, with bars"
    )
    blur_radius: float = Field(
        0.03, gt=0, le=0.25, description="radius for blur://, as a fraction of the picture's height"
    )


class Matting(Section):
    """The network."""

    model: ModelName = Field("portrait", description="the network that cuts the person out")
    runtime: Literal["auto", "tensorrt", "onnxruntime"] = Field(
        "auto", description="what runs the network; auto: TensorRT where it has an engine"
    )
    threads: int = Field(
        0, ge=0, le=64, description="CPU threads for the network; 0: chosen for the machine"
    )
    stall_s: float = Field(
        0.5, ge=0.1, le=10, description="no fresh matte for so many seconds: show the placeholder"
    )
    max_coverage: float = Field(
        0.97,
        gt=0,
        le=1,
        description="a matte that covers more of the whole picture than this is a failure",
    )


class Roi(Section):
    """Where the person is going to be."""

    enabled: bool = Field(True, description="off: the network always sees the whole picture")
    margin: float = Field(
        0.2, ge=0, le=1, description="room around the person, as a fraction of their box"
    )
    level: float = Field(
        0.6, gt=0, le=1, description="smoothing of the box (a in the formula); 1: none"
    )
    trend: float = Field(
        0.2, ge=0, le=1, description="smoothing of its speed (b in the formula); 0: none"
    )
    hold: float = Field(
        0.5,
        ge=0,
        le=0.95,
        description="the ROI rests until the person has used up this part of the margin; 0: never",
    )
    rescan_s: float = Field(
        1.0, ge=0.1, le=60, description="look at the whole picture this often, seconds"
    )
    min_size: float = Field(
        0.15, gt=0, le=1, description="smallest ROI, as a fraction of the picture's height"
    )


class Clean(Section):
    """Which connected parts of the matte stay."""

    enabled: bool = Field(True, description="remove floating blobs")
    threshold: float = Field(
        0.3, gt=0, lt=1, description="alpha from which a pixel counts as person"
    )
    keep: Literal["largest", "all"] = Field(
        "all", description="only the largest part, or all above min_area"
    )
    min_area: float = Field(
        0.05, ge=0, le=1, description="smallest part kept, as a fraction of the largest part's area"
    )
    grow: int = Field(4, ge=0, le=32, description="soft hair kept around a part, network pixels")


class Steady(Section):
    """Motion-guided smoothing over time."""

    enabled: bool = Field(
        True, description="still edges stop shimmering; moving ones are left alone"
    )
    strength: float = Field(
        0.85, ge=0, lt=1, description="weight of the last matte where nothing moves"
    )
    motion_low: float = Field(
        1.5, ge=0, le=255, description="change of luma taken for noise, of 255"
    )
    motion_high: float = Field(
        6.0, gt=0, le=255, description="change of luma taken for motion, of 255"
    )

    @model_validator(mode="after")
    def _low_below_high(self) -> Steady:
        if self.motion_low >= self.motion_high:
            raise rule(
                "motion_low",
                f"found {self.motion_low:g}; expected less than motion_high, "
                f"which is {self.motion_high:g}",
                "motion_high",
            )
        return self


class Refine(Section):
    """Edges that follow the full-size picture."""

    enabled: bool = Field(True, description="fast guided filter with luma as the guide")
    radius: int = Field(1, ge=1, le=32, description="window radius, network pixels")
    epsilon: float = Field(
        1e-3,
        gt=0,
        le=1,
        description="smoothness: luma variance (0..1 squared) below which edges are ignored",
    )
    levels: float = Field(
        0.05,
        ge=0,
        le=0.4,
        description="alpha below this becomes 0, above one minus this becomes 1: takes off haze",
    )
    decontaminate: bool = Field(
        True, description="take the old background's colour out of soft pixels"
    )


class Composite(Section):
    """How the person is put on the background."""

    feather: float = Field(
        0.111,
        ge=0,
        le=0.5,
        description="ramp at the ROI's border, as a fraction of its sides; 0: hard edge",
    )


class Output(Section):
    """One way out."""

    uri: OutputUri = Field(description="where the picture goes")
    bitrate_kbps: int = Field(
        0,
        ge=0,
        le=200_000,
        description="H.264 bit rate, kilobits a second; 0: chosen from size and rate",
    )
    keyframe_s: float = Field(2.0, ge=0.1, le=60, description="seconds between key frames")
    encoder: EncoderName = Field(
        "auto", description="what encodes H.264; auto: the machine's hardware encoder, else x264enc"
    )


class Log(Section):
    """What is written while running."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level shown"
    )
    format: Literal["auto", "plain", "json"] = Field(
        "auto", description="plain on a terminal, json for machines; auto picks"
    )


def _default_outputs() -> tuple[Output, ...]:
    return (Output(uri="rtsp://127.0.0.1:8554/live"),)


_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})


def _destination(uri: str) -> str:
    """What two outputs cannot share, in words."""
    if scheme_of(uri) == "rtsp":
        parts = urlsplit(uri)
        return f"the stream {parts.path.rstrip('/')} on port {parts.port or 554}"
    path = path_of(uri)
    return f"the {'device' if scheme_of(uri) == 'v4l2' else 'file'} {path}" if path else uri


def _destinations_differ(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    seen: dict[str, int] = {}
    hosts: dict[int, tuple[str, int]] = {}
    for index, output in enumerate(outputs):
        destination = _destination(output.uri)
        if scheme_of(output.uri) != "null" and destination in seen:
            raise rule(
                f"{index}.uri",
                f"found {output.uri}; outputs.{seen[destination]} has {destination} already",
            )
        seen[destination] = index
        if scheme_of(output.uri) == "rtsp":
            parts = urlsplit(output.uri)
            host, (other, first) = parts.hostname or "", hosts.get(parts.port or 554, ("", index))
            if other and other != host and {host, other} & _ANY_ADDRESS:
                raise rule(
                    f"{index}.uri",
                    f"found {output.uri}; outputs.{first} listens on that port as {other} already, "
                    "give both the same address",
                )
            hosts[parts.port or 554] = (host, index)
    return outputs


Outputs = Annotated[
    tuple[Output, ...],
    Field(strict=False, min_length=1, max_length=16),
    AfterValidator(_destinations_differ),
    Allowed("a list of 1 to 16 outputs, each with its uri"),
]


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
    outputs: Outputs = Field(default_factory=_default_outputs, description="ways out, all at once")
    log: Log = Log()

    @model_validator(mode="after")
    def _outputs_spare_the_inputs(self) -> Settings:
        """An output that overwrote the clip it is made from would lose the user's file."""
        inputs = {
            path_of(uri): key
            for key, uri in (
                ("source.uri", self.source.uri),
                ("background.uri", self.background.uri),
            )
        }
        for index, output in enumerate(self.outputs):
            path = path_of(output.uri)
            if path is not None and path in inputs:
                raise rule(
                    f"outputs.{index}.uri",
                    f"found {output.uri}, which {inputs[path]} reads; name another",
                    inputs[path],
                )
        return self
