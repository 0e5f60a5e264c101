"""``source``: where the picture comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from appliance.config.settings.base import Section, rule
from appliance.config.settings.types import PictureTime, Rate, Size, Switch
from appliance.config.sound_uris import SoundUri
from appliance.config.uris import SourceUri


class SourceSettings(Section, title="Source"):
    """Where the picture comes from."""

    uri: SourceUri = Field(
        "auto", description="where the picture comes from; auto: the first camera, else demo://"
    )
    size: Size = Field("auto", description="picture size asked of a camera, WIDTHxHEIGHT")
    fps: Rate = Field(
        "auto", description="rate asked of a camera, demo or test pattern, in frames a second"
    )
    capture: Literal["auto", "jetson-utils", "gstreamer"] = Field(
        "auto",
        description="what takes the pictures of v4l2:// and csi://; auto: jetson-utils where it is "
        "installed and can, else GStreamer",
    )
    loop: Switch = Field(
        "auto", description="start a file again at its end; auto: unless a file becomes files"
    )
    pace: Literal["auto", "realtime", "fast"] = Field(
        "auto",
        description="play a file at its own speed, or as fast as the machine can; auto: fast where "
        "a file becomes files, once",
    )
    sound: SoundUri = Field(
        "auto",
        description="where the sound comes from; auto: from the source itself, of a USB camera "
        "from its own microphone",
    )
    picture_s: PictureTime = Field(
        "auto",
        description="how long a picture of a folder stands, and one from the web until it is read "
        "again, seconds; auto: 5 in a folder (numbered frames: one after the other), 10 on the web",
    )
    transport: Literal["tcp", "udp"] = Field("tcp", description="how RTSP media travels")
    latency_ms: int = Field(
        100, ge=0, le=10_000, description="jitter buffer of RTSP and SRT, milliseconds"
    )
    timeout_s: float = Field(
        5.0, ge=0.5, le=60, description="a frame overdue by so many seconds is a failure: reconnect"
    )
    retry_first_s: float = Field(
        0.5,
        ge=0.1,
        le=60,
        description="wait before the first reconnect, seconds; doubles each time",
    )
    retry_most_s: float = Field(
        2.0, ge=0.1, le=300, description="longest wait between reconnects, seconds"
    )

    @model_validator(mode="after")
    def _retries_grow(self) -> SourceSettings:
        if self.retry_first_s > self.retry_most_s:
            raise rule(
                "retry_first_s",
                f"found {self.retry_first_s:g}; expected at most retry_most_s, "
                f"which is {self.retry_most_s:g}",
                "retry_most_s",
            )
        return self
