"""What a player asks for: the SDP of its offer, looked at before the library takes it apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.errors import InputError

MOST_CHARACTERS = 32_768
"""Browsers send about 8,000."""
MOST_CANDIDATES = 100

_CODECS = re.compile(r"a=rtpmap:\d+ ([^/\s]+)", re.ASCII)
# What says that the other side would send, or do nothing.
_TAKES_NOTHING = ("a=sendonly", "a=inactive")


class OfferError(InputError):
    """It is no offer of a session: malformed."""


class NotPlayable(InputError):
    """An offer that asks for what there is not."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered.

    Attributes:
        sdp: its text. sound: whether it asks for sound, too.
    """

    sdp: str
    sound: bool


def read(data: bytes) -> Offer:
    """Check an offer (RFC 8866, RFC 8829). Raises OfferError or NotPlayable."""
    if len(data) > MOST_CHARACTERS:
        raise OfferError(
            f"the offer has {len(data)} bytes; expected an SDP of at most {MOST_CHARACTERS}"
        )
    try:
        sdp = data.decode()
    except UnicodeDecodeError as error:
        raise OfferError(f"the offer is no text: byte {error.start} is not UTF-8") from None
    lines = sdp.replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0":
        raise OfferError(
            f"the offer begins with {lines[0][:40]!r}; expected an SDP, whose first line is 'v=0'"
        )
    if sum(line.startswith("a=candidate:") for line in lines) > MOST_CANDIDATES:
        raise OfferError(f"the offer names more than {MOST_CANDIDATES} candidates")
    sections: dict[str, list[str]] = {}
    section: list[str] = []
    for line in lines:
        if line.startswith("m="):
            kind = line[2:].partition(" ")[0]
            if kind in sections:
                raise NotPlayable(f"the offer asks for {kind} twice; expected one of each")
            section = sections[kind] = []
        section.append(line)
    other = sections.keys() - {"audio", "video"}
    if other:
        raise NotPlayable(
            f"the offer asks for {_shown(min(other))}; there is video, and audio if wanted"
        )
    if "video" not in sections:
        raise NotPlayable("the offer asks for no video; expected an m=video line with H.264")
    _check("video", sections["video"], "H264")
    if "audio" in sections:
        _check("audio", sections["audio"], "opus")
    return Offer(sdp, "audio" in sections)


def _check(kind: str, lines: list[str], codec: str) -> None:
    found = [match[1] for line in lines if (match := _CODECS.match(line)) is not None]
    if codec.lower() not in (name.lower() for name in found):
        listed = ", ".join(_shown(name) for name in dict.fromkeys(found[:10])) or "none at all"
        name = {"H264": "H.264", "opus": "Opus"}[codec]
        raise NotPlayable(
            f"the offer's {kind} codecs are {listed}; it is sent as {name} only: use a player "
            f"that has it"
        )
    for line in lines:
        if line in _TAKES_NOTHING:
            raise NotPlayable(
                f"the offer's {kind} is {line[2:]}; a player must be ready to receive (recvonly)"
            )


def _shown(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text[:30])
