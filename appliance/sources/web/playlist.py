"""HLS playlists (RFC 8216): the parts that are played, checked for what they may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from appliance.errors import SourceError

MOST_BYTES = 4 << 20
_MOST_SEGMENTS = 50_000
_ATTRIBUTE = re.compile(r'([A-Z0-9-]{1,64})=("[^"]{0,4096}"|[^",]{0,4096})')
_PICTURES = ("avc1", "avc3", "hvc1", "hev1", "mp4v", "av01", "vp09")


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to fetch: an address, and which bytes of it (start, count), None for all."""

    url: str
    part: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class HlsSegment:
    """A piece of the stream, with the header (``init``) that fragmented MP4 needs before it."""

    number: int
    seconds: float
    resource: Resource
    init: Resource | None
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """One rendition's segments. ``ended``: no more will come."""

    segments: tuple[HlsSegment, ...]
    target_s: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the qualities on offer; ``height`` is 0 where it is not told.

    ``sound`` is the playlist of its sound, where that is not in the same segments.
    """

    url: str
    bandwidth: int
    height: int
    sound: str | None


def parse(text: str, url: str) -> MediaPlaylist | tuple[Variant, ...]:
    """A playlist that was fetched from ``url``. Raises SourceError for what cannot be played."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise SourceError("the playlist does not begin with #EXTM3U")
    if any(line.startswith("#EXT-X-STREAM-INF") for line in lines):
        return _master(lines, url)
    return _media(lines, url)


def _master(lines: list[str], url: str) -> tuple[Variant, ...]:
    sounds: dict[str, dict[str, str]] = {}
    for line in lines:
        if line.startswith("#EXT-X-MEDIA:"):
            found = _attributes(line)
            group = found.get("GROUP-ID", "")
            # The default of a group, else its first.
            if found.get("TYPE") == "AUDIO" and (
                group not in sounds or found.get("DEFAULT") == "YES"
            ):
                sounds[group] = found
    variants: list[Variant] = []
    about: dict[str, str] | None = None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            about = _attributes(line)
        elif line and not line.startswith("#") and about is not None:
            codecs = about.get("CODECS", "")
            if not codecs or any(codec.strip()[:4] in _PICTURES for codec in codecs.split(",")):
                size = re.fullmatch(r"\d{1,5}x(\d{1,5})", about.get("RESOLUTION", ""))
                own = sounds.get(about.get("AUDIO", ""), {}).get("URI")
                variants.append(
                    Variant(
                        urljoin(url, line),
                        _number(about.get("BANDWIDTH", ""), 0),
                        int(size[1]) if size else 0,
                        urljoin(url, own) if own else None,
                    )
                )
            about = None
    if not variants:
        raise SourceError("the playlist offers no pictures, only sound")
    return tuple(variants)


def _media(lines: list[str], url: str) -> MediaPlaylist:
    segments: list[HlsSegment] = []
    number, target_s, ended = 0, 0.0, False
    seconds, part, discontinuity = 0.0, "", False
    init: Resource | None = None
    after: dict[str, int] = {}
    for line in lines:
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-TARGETDURATION":
            target_s = float(_number(value, 0))
        elif tag == "#EXT-X-MEDIA-SEQUENCE":
            number = _number(value, 0)
        elif tag == "#EXT-X-ENDLIST":
            ended = True
        elif tag == "#EXT-X-DISCONTINUITY":
            discontinuity = True
        elif tag == "#EXTINF":
            seconds = _seconds(value.partition(",")[0])
        elif tag == "#EXT-X-BYTERANGE":
            part = value
        elif tag == "#EXT-X-KEY":
            if (method := _attributes(line).get("METHOD", "NONE")) != "NONE":
                raise SourceError(f"the stream is encrypted ({method}), which is not played")
        elif tag == "#EXT-X-MAP":
            found = _attributes(line)
            where = urljoin(url, found.get("URI", ""))
            init = Resource(where, _part(found.get("BYTERANGE", ""), where, {}))
        elif line and not line.startswith("#"):
            where = urljoin(url, line)
            resource = Resource(where, _part(part, where, after))
            segments.append(HlsSegment(number, seconds, resource, init, discontinuity))
            number, seconds, part, discontinuity = number + 1, 0.0, "", False
            if len(segments) > _MOST_SEGMENTS:
                raise SourceError(f"the playlist has more than {_MOST_SEGMENTS} segments")
    longest = max((segment.seconds for segment in segments), default=0.0)
    return MediaPlaylist(tuple(segments), min(60.0, target_s or longest or 6.0), ended)


def _part(text: str, url: str, after: dict[str, int]) -> tuple[int, int] | None:
    """Which bytes ``count[@start]`` means; without a start, those after the last ones."""
    if not text:
        return None
    count, _, start = text.partition("@")
    found = _number(start, after.get(url, 0)) if start else after.get(url, 0), _number(count, 0)
    after[url] = sum(found)
    return found


def _attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def _number(text: str, otherwise: int) -> int:
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else otherwise


def _seconds(text: str) -> float:
    text = text.strip()
    return float(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{0,12})?", text) else 0.0
