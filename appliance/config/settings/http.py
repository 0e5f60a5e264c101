"""``http``: metrics, control and the page."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from appliance.config.secrets import NONE, Secret
from appliance.config.settings.base import Section, rule
from appliance.config.uris import Allowed, Resolves, absolute
from appliance.system.folders import state
from appliance.system.hosts import is_loopback


def _address(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(
            "expected an address of this machine such as 127.0.0.1, ::1, 192.168.1.20, or 0.0.0.0 "
            "for all of them"
        ) from None


Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_address),
    Allowed("localhost or an IP address, for example 127.0.0.1, 0.0.0.0 or ::"),
]


def _folder(text: str) -> str:
    if "\0" in text:
        raise ValueError("a path cannot hold a NUL character")
    return text


FolderName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    AfterValidator(_folder),
    Resolves(absolute),
    Allowed("auto, or the path of a folder"),
]


class HttpSettings(Section, title="Http"):
    """Figures, control and the page."""

    enabled: bool = Field(True, description="serve figures, control and the page over HTTP")
    address: Address = Field(
        "127.0.0.1",
        description="address to listen at; other than this machine's own loopback takes a token",
    )
    port: int = Field(8080, ge=0, le=65535, description="TCP port to listen at; 0: a free one")
    token: Secret = Field(NONE, description="what a client must send to be let in")
    backgrounds: FolderName = Field(
        "auto",
        description="the folder whose pictures and videos can be chosen; auto: backgrounds/ where "
        "the service keeps its state, else in the user's data folder",
    )
    recordings: FolderName = Field(
        "auto",
        description="the only folder that recordings started over HTTP go to; auto: recordings/ "
        "beside the backgrounds",
    )
    editor: Literal["off", "limited", "full"] = Field(
        "limited",
        description="what whoever may steer may change in the configuration file: nothing; all but "
        "secrets, files, addresses and who may come in; or everything, which takes a token",
    )
    preview_fps: int = Field(10, ge=1, le=30, description="frames a second of the preview, at most")
    preview_width: int = Field(
        640, ge=160, le=1920, description="width of the preview's pictures, pixels"
    )
    viewers: int = Field(4, ge=0, le=32, description="previews watched at once; 0: no preview")
    whep_viewers: int = Field(
        16, ge=0, le=64, description="browsers and players that watch by WHEP at once; 0: none may"
    )
    connections: int = Field(32, ge=4, le=512, description="connections at once")
    upload_mb: int = Field(
        20, ge=0, le=100, description="largest background or recording taken, megabytes; 0: none is"
    )
    upload_mpixels: int = Field(
        50, ge=1, le=100, description="largest background taken, millions of pixels"
    )
    folder_mb: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="no upload is taken that would make the folder larger, megabytes",
    )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.address)

    @property
    def folder(self) -> Path:
        """The folder of backgrounds; it need not exist."""
        return Path(self.backgrounds) if self.backgrounds != "auto" else state() / "backgrounds"

    @property
    def recordings_folder(self) -> Path:
        """The folder of recordings; it need not exist."""
        return Path(self.recordings) if self.recordings != "auto" else state() / "recordings"

    @model_validator(mode="after")
    def _token_for_the_full_editor(self) -> HttpSettings:
        if self.enabled and self.editor == "full" and not self.token:
            raise rule(
                "editor",
                "found full, but no token: everybody on this machine could have any file opened "
                "that mattebox may open; set http.token, or write limited",
                "token",
                "enabled",
            )
        return self

    @model_validator(mode="after")
    def _token_off_loopback(self) -> HttpSettings:
        if self.enabled and not self.on_loopback and not self.token:
            raise rule(
                "token",
                f"none is set, but address is {self.address}, which others can reach; set one, "
                "for example ${credential:http} or ${env:HTTP_TOKEN}, or leave address at "
                "127.0.0.1",
                "address",
                "enabled",
            )
        return self
