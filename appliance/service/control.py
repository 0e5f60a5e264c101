"""The socket on which ``mattebox reload`` and ``scene`` talk to the running appliance.

One line each way:

    {"verb": "who"}                        {"pid": 12, "config": "/etc/mattebox/config.yaml"}
    {"verb": "reload", "timeout_s": 30}    {"outcome": "applied", "changed": ["background"]}
    {"verb": "scenes"}                     {"active": "none", "scenes": ["lectern", "office"]}
    {"verb": "scene", "name": "office", "dissolve_frames": 15, "timeout_s": 30}
                                           {"outcome": "applied", "changed": ["background"],
                                            "dissolve_frames": 15, "note": null}

``dissolve_frames`` and ``note`` are there where there is anything to say. ``outcome`` is applied,
unchanged, refused (with ``reason``, one line per mistake) or late.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late
from pathlib import Path
from typing import Any

import structlog

from appliance.daemon.changes import ChangeOutcome, Reloader
from appliance.errors import ConfigError
from appliance.service import control_socket
from appliance.system.folders import runtime

LINE_BYTES = 4096
# A client that connects and says nothing for this long is disconnected.
_LINE_S = 2.0
_MOST_S = 300.0
_FRAMES = 600
_AT_ONCE = 8
_POLL_S = 0.1

log = structlog.get_logger(__name__)

Answer = dict[str, Any]


class Control:
    """Answers on this process's own socket until ``stop``."""

    def __init__(self, reloader: Reloader, folder: Path | None = None) -> None:
        """Prepare; ``folder`` is for tests."""
        self._reloader = reloader
        self._path = (folder or runtime()) / f"{os.getpid()}{control_socket.SUFFIX}"
        self._server: _Server | None = None

    def start(self) -> None:
        """Listen. If that is impossible, log it; the appliance runs without."""
        try:
            control_socket.prepare(self._path.parent)
            _sweep(self._path.parent)
            with contextlib.suppress(FileNotFoundError):  # left by an earlier process with this PID
                self._path.unlink()
            self._server = _Server(str(self._path), self.answer)
        except OSError as error:
            log.warning("mattebox reload will not find this appliance", reason=str(error))
            return
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="control", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening; clients waiting for an answer still get it."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            with contextlib.suppress(OSError):
                self._path.unlink()

    def answer(self, asked: Any) -> Answer:
        """The answer to a request, which may be any decoded JSON."""
        verb = asked.get("verb") if isinstance(asked, dict) else None
        if verb == "who":
            path = self._reloader.state.status().path
            return {"pid": os.getpid(), "config": None if path is None else os.path.abspath(path)}
        if verb == "reload":
            return _told(lambda: self._reloader.ask().result(_seconds(asked)))
        if verb == "scenes":
            now = self._reloader.scenes
            names = [scene.name for scene in now.base.scenes]
            return {"active": now.active, "scenes": names}
        if verb == "scene":
            return self._switch(asked)
        return {"error": "expected a verb, who, reload, scenes or scene"}

    def _switch(self, asked: Answer) -> Answer:
        name, frames = asked.get("name"), asked.get("dissolve_frames")
        whole = isinstance(frames, int) and not isinstance(frames, bool)
        if not isinstance(name, str) or not (frames is None or (whole and 0 <= frames <= _FRAMES)):
            return {"error": f"expected a name, and from 0 to {_FRAMES} dissolve_frames"}
        return _told(lambda: self._reloader.switch(name, frames, _seconds(asked)))


def _seconds(asked: Answer) -> float:
    """For how long a client wants to wait."""
    limit = asked.get("timeout_s", _MOST_S)
    # Compared as it came, because an integer may be too large for a float.
    number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
    return float(limit) if number and 0 <= limit < _MOST_S else _MOST_S


def _told(change: Callable[[], ChangeOutcome]) -> Answer:
    """What became of a change."""
    try:
        outcome = change()
    except (Late, TimeoutError):
        return {"outcome": "late"}
    except ConfigError as error:  # too many at once
        return {"outcome": "refused", "reason": str(error)}
    if outcome.refusal is not None:
        return {"outcome": "refused", "reason": outcome.refusal.reason}
    changed = sorted(outcome.changed)
    answer: Answer = {"outcome": "applied" if changed else "unchanged", "changed": changed}
    if outcome.dissolve_frames or outcome.note:
        answer |= {"dissolve_frames": outcome.dissolve_frames, "note": outcome.note}
    return answer


class _Handler(socketserver.StreamRequestHandler):
    timeout = _LINE_S

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        try:
            asked = json.loads(self.rfile.readline(LINE_BYTES))
        except (OSError, ValueError, RecursionError):
            return
        answer = json.dumps(self.server.answer(asked)).encode()
        with contextlib.suppress(OSError):  # the client left before the answer
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
        """Restrict access before listening: until then nobody can connect."""
        os.chmod(str(self.server_address), 0o600)
        super().server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle it in a thread of its own, unless there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread's function."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write to the log, not to stderr."""
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
                continue  # busy, or none of our business
