"""``outputs``: the ways out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from appliance.config.settings.base import Section, rule
from appliance.config.settings.types import EncoderName
from appliance.config.uris import SERVER_PORTS, Allowed, OutputUri, path_of, port_of, scheme_of


class OutputSettings(Section, title="Output"):
    """One way out."""

    uri: OutputUri = Field(description="where the picture goes")
    bitrate_kbps: int = Field(
        0,
        ge=0,
        le=200_000,
        description="H.264 bit rate, kilobits a second; 0: chosen from size and rate",
    )
    keyframe_s: float = Field(2.0, ge=0.1, le=60, description="seconds between key frames")
    encoder: EncoderName = Field(
        "auto", description="what encodes H.264; auto: the machine's hardware encoder, else x264enc"
    )


def default_outputs() -> tuple[OutputSettings, ...]:
    """What goes out when nothing is said: one stream on this machine."""
    return (OutputSettings(uri="rtsp://127.0.0.1:8554/live"),)


_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})


def _destination(uri: str) -> str:
    """What two outputs cannot share, in words."""
    if scheme_of(uri) in SERVER_PORTS:
        return f"the stream {urlsplit(uri).path.rstrip('/')} on port {port_of(uri)}"
    path = path_of(uri)
    return f"the {'device' if scheme_of(uri) == 'v4l2' else 'file'} {path}" if path else uri


def _destinations_differ(outputs: tuple[OutputSettings, ...]) -> tuple[OutputSettings, ...]:
    seen: dict[str, int] = {}
    hosts: dict[int, tuple[str, int]] = {}
    for index, output in enumerate(outputs):
        destination = _destination(output.uri)
        if scheme_of(output.uri) != "null" and destination in seen:
            raise rule(
                f"{index}.uri",
                f"found {output.uri}; outputs.{seen[destination]} has {destination} already",
            )
        seen[destination] = index
        if scheme_of(output.uri) in SERVER_PORTS:
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
