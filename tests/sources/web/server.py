"""A web server within the test, whose paths are functions."""

from __future__ import annotations

import http.server
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Request(http.server.BaseHTTPRequestHandler):
    """One request; what was asked for is noted in ``server.asked``."""

    protocol_version = "HTTP/1.1"
    server: WebServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Have the path's function answer."""
        path = self.path.partition("?")[0]
        self.server.asked.append((path, dict(self.headers.items())))
        answer = self.server.paths.get(path)
        try:
            if answer is not None:
                answer(self)
            elif self.server.folder is not None and (self.server.folder / path[1:]).is_file():
                self.file(self.server.folder / path[1:])
            else:
                self.send(b"no such thing", "text/plain", 404)
        except OSError:
            self.close_connection = True  # the other end has gone

    def send(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self, kind: str) -> None:
        """An answer without a length, ended by closing."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def file(self, path: Path) -> None:
        """A file, or the part of it that is asked for."""
        data, kind = path.read_bytes(), "application/octet-stream"
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if part is None:
            self.send(data, kind, Accept_Ranges="bytes")
            return
        start = int(part[1])
        end = int(part[2]) + 1 if part[2] else len(data)
        self.send(data[start:end], kind, 206, Content_Range=f"bytes {start}-{end - 1}/{len(data)}")

    def redirect(self, to: str) -> None:
        """An answer that refers to elsewhere."""
        self.send(b"", "text/plain", 302, Location=to)


class WebServer(http.server.ThreadingHTTPServer):
    """``paths``: their functions. ``folder``: files behind them. ``asked``: what was asked for."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.paths: dict[str, Callable[[Request], None]] = {}
        self.folder: Path | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []
        super().__init__((host, 0), Request)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        shown = f"[{host}]" if ":" in host else host or "127.0.0.1"
        self.url = f"http{'s' if tls else ''}://{shown}:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that has gone is no error."""


@contextmanager
def web_server(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """One that listens already."""
    server = WebServer(host, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
