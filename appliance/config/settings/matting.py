"""``matting`` and ``roi``: the network, and where it looks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import ModelName


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
