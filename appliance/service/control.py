"""The socket by which ``mattebox reload`` speaks to the appliance that runs: a line each way.

    {"verb": "who"}                        {"pid": 12, "config": "/etc/mattebox/config.yaml"}
    {"verb": "reload", "timeout_s": 30}    {"outcome": "applied", "changed": ["background"]}

``outcome`` is applied, unchanged, refused (with ``reason``, a line a mistake) or late.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import threading
from concurrent.futures import TimeoutError as Late
from pathlib import Path
from typing import Any

import structlog

from appliance.daemon.changes import Reloader
from appliance.service import control_socket
from appliance.system.folders import runtime

LINE_BYTES = 4096
# A client that has connected and says nothing is let go.
_LINE_S = 2.0
_MOST_S = 300.0
_AT_ONCE = 8
_POLL_S = 0.1

log = structlog.get_logger(__name__)

Answer = dict[str, Any]


class Control:
    """Answers on a socket of this process's until ``stop``."""

    def __init__(self, reloader: Reloader, folder: Path | None = None) -> None:
        """Get ready; ``folder`` is for tests."""
        self._reloader = reloader
        self._path = (folder or runtime()) / f"{os.getpid()}{control_socket.SUFFIX}"
        self._server: _Server | None = None

    def start(self) -> None:
        """Listen. Where that cannot be, it is logged, and the appliance runs without."""
        try:
            control_socket.prepare(self._path.parent)
            _sweep(self._path.parent)
            with contextlib.suppress(FileNotFoundError):  # of an earlier process of this number
                self._path.unlink()
            self._server = _Server(str(self._path), self.answer)
        except OSError as error:
            log.warning("mattebox reload will not find this appliance", reason=str(error))
            return
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="control", daemon=True
        ).start()

    def stop(self) -> None:
        """Listen no more; who waits for an answer still gets it."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            with contextlib.suppress(OSError):
                self._path.unlink()

    def answer(self, asked: Any) -> Answer:
        """The answer to a request, decoded from JSON, whatever it is."""
        verb = asked.get("verb") if isinstance(asked, dict) else None
        if verb == "who":
            path = self._reloader.state.status().path
            return {"pid": os.getpid(), "config": None if path is None else os.path.abspath(path)}
        if verb == "reload":
            return self._reload(asked.get("timeout_s", _MOST_S))
        return {"error": "expected a verb, who or reload"}

    def _reload(self, limit: Any) -> Answer:
        # Compared as it came: a whole number may be too large for a float.
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        seconds = float(limit) if number and 0 <= limit < _MOST_S else _MOST_S
        try:
            outcome = self._reloader.ask().result(seconds)
        except Late:
            return {"outcome": "late"}
        if outcome.refusal is not None:
            return {"outcome": "refused", "reason": outcome.refusal.reason}
        changed = sorted(outcome.changed)
        return {"outcome": "applied" if changed else "unchanged", "changed": changed}


class _Handler(socketserver.StreamRequestHandler):
    timeout = _LINE_S

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        try:
            asked = json.loads(self.rfile.readline(LINE_BYTES))
        except (OSError, ValueError, RecursionError):
            return
        answer = json.dumps(self.server.answer(asked)).encode()
        with contextlib.suppress(OSError):  # gone before it was answered
            self.wfile.write(answer + b"\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = _AT_ONCE

    def __init__(self, path: str, answer: Any) -> None:
        self.answer = answer
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(path, _Handler)

    def server_activate(self) -> None:
        """Before this nobody can connect, so nobody else ever could."""
        os.chmod(str(self.server_address), 0o600)
        super().server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, while there are not too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Into the log, not onto stderr."""
        log.exception("a request on the control socket failed")


def _sweep(folder: Path) -> None:
    """Remove the sockets of processes that were killed."""
    for path in folder.glob(f"*{control_socket.SUFFIX}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_LINE_S)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:
                continue  # it is busy, or no business of ours
