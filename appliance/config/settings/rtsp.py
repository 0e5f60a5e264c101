"""``rtsp``: who may read the RTSP outputs, with which certificate, and the limits on readers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from appliance.config.secrets import NONE, Secret
from appliance.config.settings.base import Section, rule
from appliance.config.uris import Allowed, Resolves, absolute, port_of, scheme_of
from appliance.system.hosts import is_loopback


def _pem_path(text: str, folder: Path) -> str:
    return text if text == "none" else absolute(text, folder)


UserName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Allowed("1 to 64 of the letters a to z and A to Z, digits, point, hyphen and underscore"),
]
PemFile = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00]{1,4096}$"),
    Resolves(_pem_path),
    Allowed("none, or the path of a PEM file"),
]


class RtspSettings(Section, title="Rtsp"):
    """Readers of the RTSP outputs: who may, how, and how many."""

    user: UserName = Field("mattebox", description="the name that goes with the password")
    password: Secret = Field(NONE, description="what a reader must know; none: everybody may read")
    insecure: bool = Field(
        False, description="let other machines read without a password; false: such a file is wrong"
    )
    certificate: PemFile = Field(
        "none", description="the certificate of rtsps:// outputs, with its chain"
    )
    key: PemFile = Field("none", description="its private key; none: it is in the same file")
    max_clients: int = Field(
        100, ge=1, le=1000, description="connections at once to one port; further ones are closed"
    )
    idle_timeout_s: float = Field(
        20.0,
        ge=1,
        le=600,
        description="seconds after which a connection that has set up no stream is closed",
    )
    session_timeout_s: int = Field(
        30,
        ge=5,
        le=600,
        description="seconds after which a reader over UDP that gives no sign is forgotten",
    )
    unread_timeout_s: float = Field(
        10.0,
        ge=1,
        le=600,
        description="seconds after which a reader over TCP that takes nothing is put out",
    )

    @model_validator(mode="after")
    def _key_has_its_certificate(self) -> RtspSettings:
        if self.key != "none" and self.certificate == "none":
            raise rule(
                "key",
                f"found {self.key}, but no certificate; name its certificate, too",
                "certificate",
            )
        return self


def check_outputs(rtsp: RtspSettings, uris: Iterable[str]) -> None:
    """Check what the outputs' addresses demand of ``rtsp``; raises the error of a rule."""
    ports: dict[int, tuple[int, str]] = {}
    bare = []
    for index, uri in enumerate(uris):
        scheme, key = scheme_of(uri), f"outputs.{index}.uri"
        if scheme not in ("rtsp", "rtsps"):
            continue
        # Port 0 means a free one, different each time.
        first, other = ports.setdefault(port_of(uri) or -index, (index, scheme))
        if other != scheme:
            raise rule(
                key,
                f"found {uri}; outputs.{first} serves {other}:// on that port already, "
                "give this one another port",
            )
        if scheme == "rtsps" and rtsp.certificate == "none":
            raise rule(
                key,
                f"found {uri}, but no certificate for it; name one in rtsp.certificate "
                "(config.yaml says how to make one), or write rtsp://",
                "rtsp.certificate",
            )
        if is_loopback(urlsplit(uri).hostname or ""):
            continue
        if not rtsp.password and not rtsp.insecure:
            raise rule(
                key,
                f"found {uri}, which other machines can reach, but no password; set rtsp.password "
                "(to ${credential:name} or ${env:NAME}, see config.yaml), or listen at 127.0.0.1, "
                "or write rtsp.insecure: true to let everybody in",
                "rtsp.password",
                "rtsp.insecure",
            )
        if scheme == "rtsp":
            bare.append((key, uri))
    if bare and rtsp.certificate != "none" and "rtsps" not in {s for _, s in ports.values()}:
        key, uri = bare[0]
        raise rule(
            key,
            f"found {uri}, which is not encrypted, although rtsp.certificate is given; "
            "write rtsps:// for it, or take the certificate out",
            "rtsp.certificate",
        )
