"""``stages.frame``: the person is framed: followed, centred, brought to size."""

from __future__ import annotations

from pydantic import Field

from appliance.config.settings.base import Section


class FramingSettings(Section, title="Framing"):
    """The person is framed: followed, centred, brought to size."""

    enabled: bool = Field(False, description="frame the person over a still background")
