"""The HTTP server: whatever bytes come in, it answers or hangs up, and is unchanged.

A case is what one client sends over one connection. The appliance behind it is real.
"""

from __future__ import annotations

import json
import random
import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import yaml

from appliance.config.load import load
from appliance.config.uris import path_of
from appliance.http import connection, guard
from appliance.system import log
from tests.fuzz.harness import Target, main
from tests.fuzz.mutate import spoiled
from tests.http.serving import Served, picture_file, serving, settings_of
from tests.networks.bright import bright_network

# The wait for the rest of half a request; a case must not take the real ten seconds.
_HASTE_S = 0.15
_ANSWER_S = 8.0
_MOST_FILES = 40
_SECRET = "root:x:0:0"

_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000208020000 00fdd49a730000001649444154789c63"
    "606060f8cfc0c0c0c4c0c0c0c000000d1d0103ad3e09d90000000049454e44ae426082".replace(" ", "")
)
METHODS = (b"GET", b"PATCH", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT",
           b"PRI", b"get", b"", b"X" * 300, b"\xc3\xa9")  # fmt: skip
PATHS = (
    b"/", b"/page/core.js", b"/api/status", b"/api/picture", b"/api/reset", b"/api/snapshot",
    b"/api/snapshot?show=both&format=jpeg", b"/api/backgrounds", b"/api/backgrounds/red.png",
    b"/api/backgrounds/red.png/thumbnail", b"/api/backgrounds/new.png", b"/metrics", b"/healthz",
    b"/readyz", b"/openapi.json", b"/api/backgrounds/%2e%2e%2fconfig.yaml",
    b"/api/backgrounds/..%2f..%2f..%2fetc%2fpasswd/thumbnail", b"/api/backgrounds/%00.png",
    b"/api/backgrounds/%ff%fe.png", b"/page/../../config.yaml", b"//etc/passwd", b"*", b"",
    b"http://localhost/api/status", b"/api/snapshot?show=%00", b"/?" + b"a=b&" * 500,
    b"/api/backgrounds/" + b"x" * 5000 + b".png", b"/%f0%9f%98%80", b"/api/preview?show=none",
    b"/page/core.js", b"/docs", b"/api/outputs", b"/api/outputs/x-1?keep=true", b"/api/devices",
    b"/api/source", b"/api/recording", b"/api/recordings", b"/api/recordings/take.mkv",
    b"/api/recordings/..%2f..%2fetc%2fpasswd", b"/api/recordings/%00?ticket=x",
    b"/api/recordings/take.mkv/ticket", b"/api/settings", b"/api/log", b"/api/log?after=-1",
    b"/api/log?after=99999999999999999999", b"/api/config", b"/api/config/check", b"/api/qr",
    b"/api/qr?text=%f0%9f%98%80", b"/api/qr?text=" + b"x" * 400,
)  # fmt: skip
HEADERS = (
    b"Host: localhost", b"Host: evil.example", b"Host: ", b"Host: [", b"Host: localhost:99999999",
    b"Content-Type: application/json", b"Content-Type: application/yaml", b'If-Match: "x"',
    b"If-Match: *", b"Content-Type: image/png", b"Content-Type: text/plain",
    b"Content-Type: ", b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 99999999999",
    b"Content-Length: -1", b"Content-Length: 1, 1", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Connection: close", b"Connection: Upgrade",
    b"Upgrade: websocket", b"Sec-WebSocket-Key: x", b"Expect: 100-continue", b"Expect: x",
    b"Origin: http://localhost", b"Origin: null", b"Origin: http://[",
    b"Sec-Fetch-Site: cross-site",
    b"Authorization: Bearer x", b"Authorization: ", b"Accept: application/openmetrics-text",
    b"Accept: " + b"*/*;q=0.1," * 300, b"Range: bytes=0-", b"X: \xff\xfe", b"X" * 400 + b": y",
    b"Cookie: " + b"c=d; " * 800, b": empty", b" folded", b"NoColon",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.1, 0.25, 0.5, 1e308, -0.0, 10**30, "", "red.png", "gradient://",
    "colour:#00b140", "colour:#zz", "colour://", "../config.yaml", "/etc/passwd", "\0", "\ud800",
    "file:///etc/passwd", "rtsp://a:b@c/d", "x" * 299, "x" * 301, "fill", "fit", [], {}, [[]],
    {"uri": "x"}, "${env:HOME}", "${credential:x}", "é" * 100, "red.png\n", "blur:///",
)  # fmt: skip
WAYS: tuple[Any, ...] = (
    "null://", "take.mkv", "/etc/take.mkv", "../take.mp4", "take.mkv/../../take.mkv", "demo://",
    "v4l2:///dev/null", "v4l2:///dev/../etc/take.mkv", "rtsp://127.0.0.1:0/${env:HOME}", "start",
    "stop", "mkv", {"shed": False}, {"load": {"shed": True}}, {"load": {"hottest_c": 10**30}},
    {"keyframe_s": 0}, {"bitrate_kbps": "x"}, {"uri": "/etc/take.mkv"},
)  # fmt: skip
KEYS = (
    "background",
    "fit",
    "blur_radius",
    "edge_softness",
    "edge_choke",
    "keep",
    "x",
    "",
    "__class__",
    "é",
    "uri",
    "settings",
    "sections",
    "do",
    "format",
)
# What is needed for more than a refusal of the first wrong key.
FIELDS: dict[bytes, tuple[str, ...]] = {
    b"/api/outputs": ("uri",),
    b"/api/source": ("uri",),
    b"/api/recording": ("do",),
    b"/api/settings": ("sections", "keep"),
}
WORDS = (*METHODS, *PATHS, *HEADERS, b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"\r\n", b"\n", b"\r",
         b"\r\n\r\n", b" ", b"\0", b"0\r\n\r\n", b"ffffffff\r\n", _PNG, _PNG[:20])  # fmt: skip


class HttpTarget(Target):
    name = "http"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._served: Served | None = None

    def __enter__(self) -> HttpTarget:
        log.configure("error", "plain")
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        for module, name in ((connection, "HEADERS_S"), (guard, "BODY_S"), (guard, "SEND_S")):
            patch.setattr(module, name, _HASTE_S)
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "backgrounds").mkdir()
        picture_file(folder / "backgrounds" / "red.png", (200, 20, 20), (32, 32))
        data = settings_of(
            Path("x"), bright_network(folder / "network"), folder / "backgrounds", folder_mb=1,
            recordings=str(folder / "takes"),
        )  # fmt: skip
        data["source"] = {"uri": "test://smpte", "size": "64x36", "fps": 10}
        self._served = self._stack.enter_context(serving(folder, data))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stack.close()

    def generate(self, rng: random.Random) -> bytes:
        case = b"".join(_request(rng) for _ in range(rng.choice((1, 1, 1, 2, 4))))
        return spoiled(case, WORDS, rng) if rng.random() < 0.6 else case

    def run(self, case: bytes) -> None:
        served = self._served
        assert served is not None
        answer = _send(served.address, case)
        for line in answer.split(b"\r\n"):
            if line.startswith(b"HTTP/1."):
                assert line.split(b" ")[1:2] != [b"500"], f"500: {answer[:300]!r}"
        assert _SECRET.encode() not in answer, "leak: a file from elsewhere"
        self._judge(served)

    def _judge(self, served: Served) -> None:
        for _ in range(5):
            ready = _send(served.address, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if ready:
                break  # otherwise this machine took longer than _HASTE_S to send it
        assert ready.startswith(b"HTTP/1.1 "), f"silent: {ready[:200]!r}"
        assert served.daemon.ended() is None, "ended: the appliance has stopped"
        settings = served.daemon.settings
        uri = settings.background.uri
        alone = uri.startswith(("colour:", "gradient:", "blur:"))
        inside = Path(uri).parent == served.folder
        assert alone or inside, f"outside: the background is {uri}"
        text = served.path.read_text()
        assert text.startswith("# my studio\n"), "file: its comments are gone"
        assert text.endswith("# the end\n"), "file: its comments are gone"
        kept = yaml.safe_load(text)
        assert set(kept) <= {*_SECTIONS, "composite"}, f"file: it has {sorted(kept)}"
        load(served.path)
        around = {path.name for path in served.path.parent.iterdir()}
        wanted = {"config.yaml", "backgrounds", "network"}
        assert around | {"takes"} == wanted | {"takes"}, f"around: {around}"
        places = [path_of(output.uri) for output in settings.outputs]
        takes = served.site.recordings.path
        assert all(p is None or p.parent == takes for p in places), f"outside: writes {places}"
        assert settings.source.uri in ("test://smpte", "demo://"), f"reads {settings.source.uri}"
        files = sorted(served.folder.iterdir())
        assert all(not path.name.startswith(".") for path in files), f"left: {files}"
        if len(files) > _MOST_FILES:
            for path in files:
                path.unlink()


_SECTIONS = ("load", "source", "canvas", "background", "matting", "outputs", "http")


def _request(rng: random.Random) -> bytes:
    method, path = rng.choice(METHODS[:5]), rng.choice(PATHS)
    headers = [b"Host: localhost"] if rng.random() < 0.9 else []
    body = b""
    if rng.random() < 0.6:
        body = _json(rng) if rng.random() < 0.7 else rng.choice((_PNG, _PNG + b"x", b"", b"{}"))
        kind = b"image/png" if body.startswith(b"\x89") else b"application/json"
        if rng.random() < 0.6:
            method, path = rng.choice(
                ((b"PATCH", b"/api/picture"), (b"POST", b"/api/reset"),
                 (b"PUT", b"/api/backgrounds/new.png"), (b"POST", b"/api/outputs"),
                 (b"POST", b"/api/recording"), (b"PATCH", b"/api/source"),
                 (b"PATCH", b"/api/settings"), (b"POST", b"/api/config/check"))
            )  # fmt: skip
        if path in FIELDS and rng.random() < 0.8:
            body, kind = _json(rng, FIELDS[path]), b"application/json"
        if path.startswith(b"/api/config") and rng.random() < 0.8:
            kind = b"application/yaml"
        headers.append(b"Content-Type: " + kind)
        if rng.random() < 0.8:
            headers.append(b"Content-Length: %d" % len(body))
        else:
            headers.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    headers += rng.sample(HEADERS, rng.choice((0, 0, 1, 3)))
    rng.shuffle(headers)
    return b" ".join((method, path, b"HTTP/1.1\r\n")) + b"\r\n".join([*headers, b"", b""]) + body


def _json(rng: random.Random, among: tuple[str, ...] = KEYS) -> bytes:
    keys = rng.sample(among, rng.randint(0 if among is KEYS else 1, min(4, len(among))))
    values = VALUES if among is KEYS or rng.random() < 0.2 else WAYS
    text = json.dumps({key: rng.choice(values) for key in keys})
    if rng.random() < 0.05:
        text = rng.choice(("[", '{"a":')) * rng.choice((10, 1000, 20_000))
    return text.encode("utf-8", "surrogatepass")


def _send(address: tuple[str, int], data: bytes) -> bytes:
    """The answer to ``data`` until the server hangs up."""
    deadline = time.monotonic() + _ANSWER_S
    answer = bytearray()
    with socket.create_connection(address, timeout=_ANSWER_S) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                answer += piece
                # A preview never ends by itself.
                if len(answer) > 2_000_000:
                    break
                assert time.monotonic() < deadline, f"hangs: {bytes(answer[:200])!r}"
        except TimeoutError:
            raise AssertionError(f"hangs: {bytes(answer[:200])!r}") from None
        except OSError:
            # It has hung up, as it may on garbage.
            pass
    return bytes(answer)


TARGET = HttpTarget()

if __name__ == "__main__":
    main(TARGET)
