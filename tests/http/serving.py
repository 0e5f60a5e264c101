"""A whole appliance with its HTTP server and real parts, for the tests here."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import yaml
from PIL import Image

from appliance.config.load import LoadedConfig, load_located
from appliance.daemon.changes import Reloader
from appliance.daemon.daemon import Daemon
from appliance.http.server import HttpServer
from appliance.http.site import Site
from tests.scenes import STAGE

STAGE_URI = f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"
JSON = {"Content-Type": "application/json"}


@dataclass
class Served:
    """What is running, and how to reach it."""

    daemon: Daemon
    reloader: Reloader
    site: Site
    server: HttpServer
    path: Path
    folder: Path
    client: httpx.Client

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.server.url or "")
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def change(self, **what: Any) -> httpx.Response:
        """PATCH /api/picture."""
        return self.client.patch("/api/picture", json=what)

    def raw(self, data: bytes, timeout: float = 10.0) -> bytes:
        """All that the server answers to ``data`` until it closes or ``timeout`` s pass."""
        with socket.create_connection(self.address, timeout=timeout) as connection:
            connection.sendall(data)
            return read_all(connection, timeout)


def read_all(connection: socket.socket, timeout: float) -> bytes:
    """Read until the other end closes; fails the test after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    data = bytearray()
    while True:
        left = deadline - time.monotonic()
        assert left > 0, f"still open after {timeout} s; got {bytes(data[:200])!r}"
        connection.settimeout(left)
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return bytes(data)
        except TimeoutError:
            continue
        if not piece:
            return bytes(data)
        data += piece


def wait_until(what: Callable[[], object], timeout: float = 15.0) -> None:
    """Wait until ``what()`` is true; fails the test after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    moment = threading.Event()
    while not what():
        assert time.monotonic() < deadline, f"not within {timeout} s"
        moment.wait(0.02)


def get(url: str) -> httpx.Response:
    """A request from a stranger."""
    return httpx.get(url, verify=False, timeout=20)


def picture_file(path: Path, rgb: tuple[int, int, int], size: tuple[int, int] = (320, 180)) -> Path:
    """A picture file of one colour."""
    Image.new("RGB", size, rgb).save(path)
    return path


def settings_of(source: Path, network: Path, folder: Path, **http: Any) -> dict[str, Any]:
    """The configuration file's content."""
    return {
        "source": {"uri": str(source)},
        "background": {"uri": STAGE_URI},
        "matting": {"model": str(network)},
        "canvas": {"fps": 15},
        "outputs": [{"uri": "null://"}],
        "http": {"port": 0, "backgrounds": str(folder), **http},
    }


def write(path: Path, data: dict[str, Any]) -> None:
    """Write the file, with a comment that must survive."""
    text = yaml.safe_dump(data, sort_keys=False)
    path.write_text(f"# my studio\n{text}\n# the end\n")


@contextmanager
def serving(folder: Path, data: dict[str, Any]) -> Iterator[Served]:
    """An appliance with ``data`` in its file in ``folder``, once composites go out."""
    path = folder / "config.yaml"
    write(path, data)

    def load(other: Path | None = None, text: str | None = None) -> LoadedConfig:
        return load_located(other or path, text=text)

    loaded = load()
    http = loaded.settings.http
    daemon = Daemon(loaded.settings)
    daemon.start()
    reloader = Reloader(daemon, load, loaded)
    reloader.start()
    site = Site(daemon, reloader, load, http)
    server = HttpServer(site, http, retry_s=0.1)
    server.start()
    try:
        wait_until(lambda: daemon.programme.composites > 0)
        assert server.changed.wait(10)
        assert server.url, server.error
        headers = {"Authorization": f"Bearer {http.token.reveal()}"} if http.token else {}
        with httpx.Client(base_url=server.url, headers=headers, timeout=20, verify=False) as client:
            yield Served(daemon, reloader, site, server, path, http.folder, client)
    finally:
        assert server.stop(5), "the HTTP server had to be left behind"
        assert reloader.stop(5)
        assert daemon.stop(), "something had to be left behind"


def corner(jpeg_or_png: bytes) -> np.ndarray:
    """R, G, B near the top left corner of an encoded picture."""
    import io

    with Image.open(io.BytesIO(jpeg_or_png)) as picture:
        return np.asarray(picture.convert("RGB"))[2:10, 2:10].reshape(-1, 3).mean(axis=0)


def problem(answer: httpx.Response, status: int) -> str:
    """The message of an answer that must be a refusal."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


def parts(stream: httpx.Response, count: int) -> list[bytes]:
    """The first JPEGs from a preview."""
    found: list[bytes] = []
    rest = b""
    for piece in stream.iter_raw():
        rest += piece
        while (start := rest.find(b"\r\n\r\n")) >= 0:
            length = int(rest[:start].rpartition(b"Content-Length: ")[2])
            end = start + 4 + length
            if len(rest) < end + 2:
                break
            found.append(rest[start + 4 : end])
            rest = rest[end + 2 :]
            if len(found) == count:
                return found
    raise AssertionError(f"the preview ended after {len(found)} pictures")


def as_json(answer: httpx.Response) -> Any:
    """The body of an answer that must be a success."""
    assert answer.status_code in (200, 201), answer.text
    return json.loads(answer.content)
