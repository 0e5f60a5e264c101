"""``voice``: who speaks the texts that an avatar is given."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from appliance.config.secrets import NONE, Secret
from appliance.config.settings.base import Section, rule
from appliance.config.uris import Allowed

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")


def _language(text: str) -> str:
    if text != "auto" and not _TAG.fullmatch(text):
        raise ValueError("expected auto, or a language tag such as en, de, zh-CN or pt-BR")
    return text.replace("_", "-")


def _url(text: str) -> str:
    if text == "none":
        return text
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or not text.isprintable() or " " in text or len(text) > 2048:
        raise ValueError("expected none, http://host/path or https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user or a password; put what lets us in into voice.token")
    return text


Language = Annotated[
    str,
    AfterValidator(_language),
    Allowed("auto, or a language tag such as en, de, zh-CN or pt-BR"),
]
VoiceUrl = Annotated[
    str, AfterValidator(_url), Allowed("none, or http://host/path, https://host/path")
]


class VoiceSettings(Section, title="Voice"):
    """Who speaks the texts that an avatar is given."""

    name: Literal["auto", "hibari", "espeak", "http", "none"] = Field(
        "auto",
        description="the voice; auto: hibari for English, espeak for what else there is, of those "
        "that are installed",
    )
    language: Language = Field(
        "auto", description="what texts in Latin letters are in; auto: English"
    )
    url: VoiceUrl = Field("none", description="the server of the voice http")
    token: Secret = Field(NONE, description="what that server wants to see before it speaks")
    speed: float = Field(1.0, ge=0.5, le=2, description="how fast it speaks; 1: as it does usually")
    timeout_s: float = Field(
        10.0, ge=0.5, le=120, description="how long a sentence may take to come, seconds"
    )

    @model_validator(mode="after")
    def _where_to_ask(self) -> VoiceSettings:
        if self.name == "http" and self.url == "none":
            raise rule("url", "none is set, but the voice is http; write the address of its "
                       "server, or name: auto", "name")  # fmt: skip
        return self
