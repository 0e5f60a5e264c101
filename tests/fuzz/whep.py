"""WHEP: whatever is offered, it is answered or refused in words, and leaves nothing behind.

A case is the body of one POST.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from appliance.system import log
from tests.fuzz.harness import Target, main
from tests.fuzz.mutate import spoiled
from tests.http.serving import Served, serving, settings_of, wait_until
from tests.networks.bright import bright_network

# A browser's, with what matters of it: made up, so that a seed gives the same in every run.
_OFFER = b"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=video 9 UDP/TLS/RTP/SAVPF 103 104 96
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 192.0.2.77 50000 typ host generation 0 network-id 1
a=candidate:2 1 udp 2122260223 0a1b2c3d-0000-4000-8000-000000000000.local 50001 typ host
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=ice-options:trickle
a=fingerprint:sha-256 9A:8B
a=setup:actpass
a=mid:0
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtpmap:103 H264/90000
a=rtcp-fb:103 nack
a=rtcp-fb:103 nack pli
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 9A:8B
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=end-of-candidates
""".replace(b"\n", b"\r\n").replace(b"9A:8B", b":".join([b"9A"] * 32))
WORDS = (
    b"v=0", b"m=video 9 UDP/TLS/RTP/SAVPF 96", b"m=audio 9 UDP/TLS/RTP/SAVPF 111", b"\r\n", b"\n",
    b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", b"a=recvonly", b"a=sendonly",
    b"a=inactive", b"a=sendrecv", b"a=mid:0", b"a=mid:1", b"a=rtcp-mux", b"a=ice-lite",
    b"a=setup:active", b"a=setup:passive", b"a=setup:x", b"a=fingerprint:md5 00", b"sha-256",
    b"sha-512", b"a=candidate:1 1 udp 1 255.255.255.255 1 typ host", b"a=group:BUNDLE",
    b"a=candidate:1 1 udp 1 ::1 99999 typ srflx raddr 1 rport 1", b"a=group:BUNDLE 1 0 7",
    b"H264", b"VP8", b"opus", b"rtx", b"apt=103", b"apt=", b"packetization-mode=1",
    b"profile-level-id=zz", b"profile-level-id=640c1f", b"a=extmap:999999 urn:x", b"a=extmap:",
    b"a=rtpmap:103 H264", b"a=rtpmap:-1 H264/0", b"a=ssrc:1 cname:x", b"a=ssrc:x", b" ", b":", b"/",
    b"a=ice-ufrag:", b"a=ice-pwd:", b"\xff", b"\0", b"99999999999999999999", b"-1",
)  # fmt: skip
_SDP = {"Content-Type": "application/sdp"}
_ANSWERS = (201, 400, 406, 413, 503)


# HTTP's come and go, and the last viewer's are closed a moment later; leaked ones would grow.
_MOST_SOCKETS = 16


def _sockets() -> int:
    """How many this process has open."""
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the folder itself, by now
            found += os.readlink(path).startswith("socket:")
    return found


class WhepTarget(Target):
    """An appliance with one viewer's room."""

    name = "whep"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._served: Served | None = None
        self._least, self._faults = 10_000, 0

    def __enter__(self) -> WhepTarget:
        log.configure("error", "plain")
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        network = bright_network(folder / "network")
        data = settings_of(Path("x"), network, folder, whep_viewers=1)
        data["source"] = {"uri": "test://smpte", "size": "64x36", "fps": 10}
        self._served = self._stack.enter_context(serving(folder, data))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stack.close()

    def generate(self, rng: random.Random) -> bytes:
        return spoiled(_OFFER, WORDS, rng) if rng.random() < 0.97 else _OFFER

    def run(self, case: bytes) -> None:
        served = self._served
        assert served is not None
        answer = served.client.post("/whep", content=case, headers=_SDP)
        assert answer.status_code in _ANSWERS, f"status: {answer.status_code} {answer.text}"
        if answer.status_code == 201:
            assert answer.text.startswith("v=0\r\n"), f"answer: {answer.text[:200]!r}"
            gone = served.client.delete(answer.headers["location"])
            assert gone.status_code == 200, f"delete: {gone.status_code} {gone.text}"
        else:
            assert answer.json()["error"], f"wordless: {answer.text}"
            assert answer.status_code != 503, f"kept: {answer.text}"
        assert served.daemon.whep.viewers == 0, "left: a viewer"
        room = served.daemon.whep._room
        # Connections are closed after the answer, and a fault in a task is told when it is freed.
        wait_until(lambda: room is None or not room._closing)
        gc.collect()
        faults = 0 if room is None else room.faults
        before, self._faults = self._faults, faults
        assert faults == before, "fault: in the viewers' loop; the log has it"
        sockets = _sockets()
        self._least = min(self._least, sockets)
        assert sockets <= self._least + _MOST_SOCKETS, f"sockets: {sockets}, once {self._least}"
        assert served.daemon.ended() is None, "ended: the appliance has stopped"


TARGET = WhepTarget()

if __name__ == "__main__":
    main(TARGET)
