"""``stages.keyer``: a chroma keyer for those who stand before a green or blue wall."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class KeyerSettings(Section, title="Keyer"):
    """A chroma keyer for those who stand before a green or blue wall."""

    enabled: bool = Field(False, description="key the wall out, together with the network")
