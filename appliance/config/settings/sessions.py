"""``sessions``: programmes of their own beside the box's, each with an avatar."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class SessionsSettings(Section, title="Sessions"):
    """Further programmes, each with its own avatar, clock, background and stream."""

    most: int = Field(
        4,
        ge=0,
        le=64,
        description="sessions at once beside the box's own picture; 0: none. One more is refused",
    )
    idle_s: float = Field(
        600.0,
        ge=0,
        le=604_800,
        description="seconds after which a session ends that nobody watches or speaks to; 0: never",
    )
