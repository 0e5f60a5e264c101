"""What a server sends, by its word and by the first bytes."""

from __future__ import annotations

from typing import Literal

from appliance.errors import SourceError
from appliance.sources.web.fetch import Answer

Kind = Literal["mjpeg", "hls", "picture", "video"]

_HEAD = 512
_PLAYLISTS = (
    "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl",
)  # fmt: skip
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
_EXPECTED = "expected a picture, a video, HLS or Motion JPEG: check the address"


def kind_of(answer: Answer) -> Kind:
    """Reads the first bytes, too: many a server calls all it has the same.

    Raises SourceError for what is none of them.
    """
    # multipart/x-mixed-replace; some cameras say mixed.
    if answer.kind.startswith("multipart/"):
        return "mjpeg"
    head = answer.peek(_HEAD)
    if head.removeprefix(b"\xef\xbb\xbf").startswith(b"#EXTM3U"):
        return "hls"
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if not head:
        raise SourceError(f"the server sends nothing; {_EXPECTED}")
    if answer.kind in _PLAYLISTS:
        raise SourceError(f"what it calls a playlist ({answer.kind}) does not begin with #EXTM3U")
    if answer.kind.startswith("image/"):
        raise SourceError(f"it sends a picture ({answer.kind}) of a kind that is not read; "
                          "expected JPEG, PNG, WebP, BMP or GIF")  # fmt: skip
    page = head.lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml"))
    if page or answer.kind.startswith("text/") or "json" in answer.kind:
        raise SourceError(
            f"the server answers with a page ({answer.kind or 'of HTML'}), perhaps to log in at; "
            f"{_EXPECTED}"
        )
    return "video"
