"""``stages.select``: things shown beside the person, or instead of them, by class."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section
from appliance.config.settings.types import ModelName, Words

PERSON = "person"
"""Whom ``matting.model`` finds; all other names are those of the network of classes."""


class SelectSettings(Section, title="Select"):
    """Things shown beside the person, or instead of them, by class."""

    enabled: bool = Field(
        False, description="show what keep names: also parts of the real room, if it names them"
    )
    keep: Words = Field(
        "person, chair",
        description="what is shown: person, and classes of the network; without person nobody is",
    )
    model: ModelName = Field(
        "deeplab", description="the network of classes (mattebox model add deeplab)"
    )
    every: int = Field(
        10,
        ge=1,
        le=120,
        description="the network looks at every so manieth frame; in between its things follow the "
        "picture's motion",
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names in ``keep``."""
        return tuple(self.keep.split(", "))

    @property
    def person(self) -> bool:
        """Whether the person is shown."""
        return PERSON in self.names

    @property
    def things(self) -> tuple[str, ...]:
        """The classes to look for; none: there is nothing to look for."""
        return tuple(name for name in self.names if name != PERSON)

    @property
    def looks(self) -> bool:
        """Whether anything is to be looked for."""
        return self.enabled and bool(self.things)
