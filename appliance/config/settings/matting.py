"""``matting``: the network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import ModelName


class MattingSettings(Section, title="Matting"):
    """The network."""

    model: ModelName = Field("portrait", description="the network that cuts the person out")
    runtime: Literal["auto", "tensorrt", "onnxruntime"] = Field(
        "auto", description="what runs the network; auto: TensorRT where it has an engine"
    )
    threads: int = Field(
        0, ge=0, le=64, description="CPU threads for the network; 0: chosen for the machine"
    )
    stall_s: float = Field(
        0.5,
        ge=0.1,
        le=10,
        description="a matte is overdue by so many seconds: show the placeholder",
    )
    max_coverage: float = Field(
        0.97,
        gt=0,
        le=1,
        description="a matte that lets more of what is looked at through than this is a failure",
    )

    @property
    def keyer(self) -> bool:
        """Whether there is no network: the keyer (``stages.keyer``) then works by itself."""
        return self.model == "chroma"
