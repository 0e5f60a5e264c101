"""What offers are taken, and what the others are told."""

from __future__ import annotations

import pytest

from appliance.outputs.whep.offer import MOST_CHARACTERS, NotPlayable, OfferError, read

VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=recvonly\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n"
HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


def test_an_offer() -> None:
    both = read((HEAD + AUDIO + VIDEO).encode())
    assert both.sound
    assert both.sdp == HEAD + AUDIO + VIDEO
    assert not read((HEAD + VIDEO).replace("\r", "").encode()).sound


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", OfferError, "begins with ''"),
        (b"\x00\xff", OfferError, "byte 1 is not UTF-8"),
        (b"<html>", OfferError, "begins with '<html>'; expected an SDP"),
        (b"v=0\n" + b"x" * MOST_CHARACTERS, OfferError, "at most 32768"),
        (HEAD + VIDEO + "a=candidate:1\r\n" * 101, OfferError, "more than 100 candidates"),
        (HEAD + VIDEO + "a=candidate:1 1 udp 1 ::1 99999 typ host\n", OfferError, "no port in"),
        (HEAD + "a=group:BUNDLE 7\n" + VIDEO + "a=mid:0\n", OfferError, "bundles '7'; .* '0'"),
        (HEAD + VIDEO + "a=mid:0\n" + AUDIO + "a=mid:0\n", OfferError, "each once: '0 0'"),
        (HEAD, NotPlayable, "no video"),
        (HEAD + AUDIO, NotPlayable, "no video"),
        (HEAD + VIDEO + VIDEO, NotPlayable, "video twice"),
        (HEAD + VIDEO + "m=application 9 x y\r\n", NotPlayable, "asks for application"),
        (HEAD + VIDEO.replace("H264", "VP8"), NotPlayable, "video codecs are VP8; .* H.264 only"),
        (HEAD + VIDEO + AUDIO.replace("opus", "PCMU"), NotPlayable, "are PCMU; .* Opus only"),
        (HEAD + VIDEO.replace("recvonly", "sendonly"), NotPlayable, "is sendonly; a player"),
    ],
)  # fmt: skip
def test_what_is_refused(data: bytes | str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        read(data.encode() if isinstance(data, str) else data)
