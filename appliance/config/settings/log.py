"""``log``: what is written while running."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section


class LogSettings(Section, title="Log"):
    """What is written while running."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level shown"
    )
    format: Literal["auto", "plain", "json"] = Field(
        "auto",
        description="plain for people, json for machines; auto: fields for journald, else plain",
    )
