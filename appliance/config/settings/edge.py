"""``edge``: the matte's edge as the operator wants it."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class EdgeSettings(Section, title="Edge"):
    """The matte's edge as the operator wants it."""

    choke: float = Field(
        0.0,
        ge=-16,
        le=16,
        description="pixels of the picture by which the person is shrunk; below 0 grown",
    )
    softness: float = Field(
        0.0,
        ge=0,
        le=32,
        description="pixels of the picture by which the person's edge becomes softer",
    )

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return self.choke != 0 or self.softness > 0
