"""``outputs``: where the picture goes."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from appliance.config import push_address, srt_address
from appliance.config.secrets import NONE, Secret
from appliance.config.settings.base import Section, rule
from appliance.config.settings.types import EncoderName
from appliance.config.uris import Allowed, OutputUri, output_scheme, port_of
from appliance.system.hosts import is_loopback

What = Literal["picture", "key", "fill", "fill-straight", "green"]

_Green = Annotated[
    str,
    StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$", to_lower=True),
    Allowed("#RRGGBB in quotes"),
]


class Companion(NamedTuple):
    """A picture that is made beside the composite, for outputs that ask for it.

    Attributes:
        what: see ``OutputSettings.what``. colour: what the person stands before, ``#rrggbb``; empty
            where ``what`` says it all.
    """

    what: What
    colour: str = ""


class OutputSettings(Section, title="Output"):
    """One way out."""

    uri: OutputUri = Field(description="where the picture goes")
    what: What = Field(
        "picture",
        description="picture: the composite; key and fill: for a switcher that composites itself; "
        "green: the person over one colour",
    )
    green: _Green = Field("#00ff00", description="that colour, as red, green and blue")
    bitrate_kbps: int = Field(
        0,
        ge=0,
        le=200_000,
        description="H.264 bit rate, kilobits a second; 0: chosen from size and rate",
    )
    keyframe_s: float = Field(2.0, ge=0.1, le=60, description="seconds between key frames")
    sound: Literal["auto", "opus", "aac", "none"] = Field(
        "auto",
        description="how sound is encoded; auto: Opus by RTSP and in Matroska, else AAC",
    )
    captions: Literal["srt", "none"] = Field(
        "srt", description="what is said, beside a recording: NAME.srt with NAME.mp4 or NAME.mkv"
    )
    encoder: EncoderName = Field(
        "auto", description="what encodes H.264; auto: the machine's hardware encoder, else x264enc"
    )
    stream_key: Secret = Field(
        NONE, description="the stream key of an rtmp:// output, a secret; none: it is in the uri"
    )
    passphrase: Secret = Field(
        NONE, description="encrypts an srt:// output, 10 to 79 characters; none: it is not"
    )

    @model_validator(mode="after")
    def _secrets_fit(self) -> OutputSettings:
        """Raises the error of a rule."""
        scheme = output_scheme(self.uri)
        wanted = "" if scheme is None else scheme.secret
        for key, secret, kind in (
            ("stream_key", self.stream_key, "rtmp:// and rtmps://"),
            ("passphrase", self.passphrase, "srt://"),
        ):
            if secret and key != wanted:
                raise rule(key, f"found one for {self.uri}; only {kind} outputs have a {key}")
        if wanted == "stream_key":
            try:
                push_address.rtmp(self.uri, key=bool(self.stream_key))
            except ValueError as error:
                raise rule("uri", f"found {self.uri}: {error}", "stream_key") from None
        if wanted == "passphrase":
            self._see_to_srt()
        return self

    def _see_to_srt(self) -> None:
        address = push_address.srt(self.uri)
        if self.passphrase and address.passphrase:
            raise rule("passphrase", "found one here and one in the uri; take one of them out")
        if self.passphrase and not self.passphrase.problem:
            try:
                srt_address.judge(self.passphrase.reveal())
            except ValueError as error:
                raise rule("passphrase", str(error)) from None
        hidden = bool(self.passphrase or address.passphrase)
        if address.listens and not hidden and not is_loopback(address.host):
            raise rule(
                "uri",
                f"found {self.uri}, where other machines can fetch the picture, but no passphrase; "
                "set one (10 to 79 characters, see config.yaml), or listen at srt://127.0.0.1:"
                f"{address.port}?mode=listener",
                "passphrase",
            )

    @property
    def companion(self) -> Companion | None:
        """What it shows in place of the composite; None for that."""
        if self.what == "picture":
            return None
        return Companion(self.what, self.green if self.what == "green" else "")


def default_outputs() -> tuple[OutputSettings, ...]:
    """The outputs when none are configured: one stream on this machine."""
    return (OutputSettings(uri="rtsp://127.0.0.1:8554/live"),)


_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})


def _destinations_differ(outputs: tuple[OutputSettings, ...]) -> tuple[OutputSettings, ...]:
    seen: dict[str, int] = {}
    hosts: dict[int, tuple[str, int]] = {}
    for index, output in enumerate(outputs):
        scheme = output_scheme(output.uri)
        if scheme is None:
            continue  # refused earlier, if it came from a file
        destination = None if scheme.destination is None else scheme.destination(output.uri)
        if destination in seen:
            raise rule(
                f"{index}.uri",
                f"found {output.uri}; outputs.{seen[destination]} has {destination} already",
            )
        if destination is not None:
            seen[destination] = index
        if scheme.ports:
            host, port = urlsplit(output.uri).hostname or "", port_of(output.uri)
            other, first = hosts.get(port, ("", index))
            if other and other != host and {host, other} & _ANY_ADDRESS:
                raise rule(
                    f"{index}.uri",
                    f"found {output.uri}; outputs.{first} listens on that port as {other} already, "
                    "give both the same address",
                )
            hosts[port] = (host, index)
    return outputs


Outputs = Annotated[
    tuple[OutputSettings, ...],
    Field(strict=False, min_length=1, max_length=16),
    AfterValidator(_destinations_differ),
    Allowed("a list of 1 to 16 outputs, each with its uri"),
]
