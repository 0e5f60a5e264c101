"""What a player asks for: the SDP of its offer, looked at before the library takes it apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.errors import InputError, OutputError

MOST_CHARACTERS = 32_768
"""Browsers send about 8,000."""
MOST_CANDIDATES = 100

_PORT = re.compile(r"a=candidate:\S+ \S+ \S+ \S+ \S+ (\d+) ", re.ASCII)
_CODECS = re.compile(r"a=rtpmap:\d+ ([^/\s]+)", re.ASCII)
# What says that the other side would send, or do nothing.
_TAKES_NOTHING = ("a=sendonly", "a=inactive")


class OfferError(InputError):
    """It is no offer of a session: malformed."""


class NotPlayable(InputError):
    """An offer that asks for what there is not."""


class NoPlace(OutputError):
    """A viewer cannot be let in now."""


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
    # As the library splits it.
    lines = sdp.splitlines()
    first = lines[0] if lines else ""
    if first != "v=0":
        raise OfferError(
            f"the offer begins with {first[:40]!r}; expected an SDP, whose first line is 'v=0'"
        )
    candidates = [line for line in lines if line.startswith("a=candidate:")]
    if len(candidates) > MOST_CANDIDATES:
        raise OfferError(f"the offer names more than {MOST_CANDIDATES} candidates")
    for line in candidates:
        port = _PORT.match(line)
        if port is None or int(port[1][:9]) > 65535:
            raise OfferError(f"the offer has no port in {_shown(line)!r}; expected 0 to 65535")
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
    _check_bundle(lines, sections)
    return Offer(sdp, "audio" in sections)


def _check_bundle(lines: list[str], sections: dict[str, list[str]]) -> None:
    """The library would leave a section that is bundled with none without a transport."""
    mids = [line[6:] for section in sections.values() for line in section if line[:6] == "a=mid:"]
    groups = [line.split()[1:] for line in lines if line.startswith("a=group:BUNDLE")]
    bundled = groups[0] if groups else []
    if len({*mids}) != len(mids) or len(groups) > 1 or not {*bundled} <= {*mids}:
        raise OfferError(
            f"the offer bundles {_shown(' '.join(bundled))!r}; expected the sections' "
            f"a=mid, each once: {_shown(' '.join(mids))!r}"
        )


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
