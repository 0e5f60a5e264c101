"""``sound``: how loud the sound that goes out is, and how late."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section


class SoundSettings(Section, title="Sound"):
    """How loud the sound that goes out is, and how late."""

    volume: float = Field(
        0.0, ge=-60, le=20, description="louder or quieter by so many decibels; 0: as it came"
    )
    mute: bool = Field(False, description="silence in place of the sound")
    delay_ms: int = Field(
        0, ge=0, le=2000, description="sound this much later than its picture, milliseconds"
    )
    with_placeholder: Literal["keep", "mute"] = Field(
        "keep", description="whether the sound goes on while the placeholder is out"
    )
