"""srt://: to a receiver by SRT, or for those who call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import push_address
from appliance.config.schemes import OutputScheme, Use
from appliance.config.secrets import references
from appliance.system.packages import BAD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output


def check(uri: str) -> str:
    """The address, checked."""
    references(uri)
    push_address.srt(uri)
    return uri


def destination(uri: str) -> str | None:
    """What a listener occupies; any number may call the same receiver."""
    address = push_address.srt(uri)
    return f"the port {address.port} (SRT)" if address.listens else None


def make(output: OutputSettings) -> Output:
    """The output that calls, or listens."""
    from appliance.outputs.encoders import Wanted
    from appliance.outputs.push.srt import SrtOutput

    return SrtOutput(output.uri, Wanted.of(output), output.sound, output.passphrase)


SCHEME = OutputScheme(
    names=("srt",),
    place=12,
    written="srt://host:port, srt://:port",
    check=check,
    destination=destination,
    retry_most_s=30.0,
    takes_references=True,
    secret="passphrase",
    uses=(Use("SRT out", (("srtsink", BAD), ("mpegtsmux", BAD), ("avenc_aac", LIBAV)), place=42),),
    make=make,
)
