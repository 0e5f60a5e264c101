"""espeak-ng's process, seen from here: started, asked with a deadline, killed when it is late."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from appliance.errors import MissingDependency, VoiceError

INSTALL = "apt-get install espeak-ng"
START_S = 10.0
"""How long it may take to load its library and data."""
_PROGRAM = Path(__file__).with_name("espeak_process.py")
# Without site-packages and the caller's folder: it needs the standard library only.
COMMAND = (sys.executable, "-I", "-S", str(_PROGRAM))

_POLL_S = 0.02
_GRACE_S = 0.05
"""How long an answer that nobody wants any more may take before the process is killed."""
_STOP_S = 2.0
_MOST_HEAD, _MOST_DATA = 1 << 20, 64 << 20
_CHUNK = 1 << 16


class _Cancelled(Exception):
    """Nobody wants the answer."""


class EspeakChild:
    """The process. One thread asks; ``close`` may be called by any."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        """Start it. Raises MissingDependency when espeak-ng is not there, VoiceError otherwise."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._closed = False
        self._lock = threading.Lock()
        self.voices: frozenset[str] = frozenset()
        """The tags of the languages that it speaks, in small letters."""
        self.starts = 0
        """How often it has been started."""
        self._start()

    def ask(
        self, request: dict[str, Any], cancel: threading.Event, timeout_s: float
    ) -> tuple[dict[str, Any], bytes] | None:
        """The answer to a request, its head and its bytes; None when it was cancelled.

        Raises VoiceError when the process fails, dies, or does not answer in time; the next call
        starts another.
        """
        if self._process is None or self._process.poll() is not None:
            self._kill()  # closes the pipes of one that has ended
            self._start()
        try:
            self._send(json.dumps(request).encode() + b"\n", timeout_s)
            head, data = self._receive(time.monotonic() + timeout_s, cancel)
        except _Cancelled:
            self._kill()
            return None
        except VoiceError:
            self._kill()
            raise
        if "error" in head:
            raise VoiceError(str(head["error"])[:300])
        return None if cancel.is_set() else (head, data)

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._kill()

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise VoiceError("the voice espeak has been closed")
            self._rest = b""
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for us to handle
                )
            except OSError as error:
                raise VoiceError(f"the voice espeak cannot be started: {error}") from error
            self.starts += 1
            assert self._process.stdin is not None
            os.set_blocking(self._process.stdin.fileno(), False)
        try:
            head, _ = self._receive(time.monotonic() + START_S, threading.Event())
        except VoiceError:
            self._kill()
            raise
        if "error" in head:
            self._kill()
            raise MissingDependency(
                f"espeak-ng is not installed ({str(head['error'])[:200]}): {INSTALL}"
            )
        self.voices = frozenset(map(str, head.get("voices", ())))

    def _send(self, data: bytes, timeout_s: float) -> None:
        process = self._running()
        assert process.stdin is not None
        pipe, left, deadline = process.stdin.fileno(), data, time.monotonic() + timeout_s
        while left:
            wait = max(0.0, deadline - time.monotonic())
            if not select.select([], [pipe], [], wait)[1]:
                raise VoiceError(f"the voice espeak took no text for {timeout_s:g} s")
            try:
                left = left[os.write(pipe, left) :]
            except BlockingIOError:
                continue
            except OSError:
                raise VoiceError(self._ended(process)) from None

    def _receive(self, deadline: float, cancel: threading.Event) -> tuple[dict[str, Any], bytes]:
        line = self._until_newline(deadline, cancel)
        try:
            head = json.loads(line)
            size = int(head.get("bytes", 0))
        except (ValueError, AttributeError, TypeError) as error:
            raise VoiceError(f"the voice espeak answered {line[:60]!r}: {error}") from error
        if not 0 <= size <= _MOST_DATA:
            raise VoiceError(f"the voice espeak announced {size} bytes of sound")
        while len(self._rest) < size:
            self._rest += self._more(deadline, cancel)
        data, self._rest = self._rest[:size], self._rest[size:]
        return head, data

    def _until_newline(self, deadline: float, cancel: threading.Event) -> bytes:
        while b"\n" not in self._rest:
            if len(self._rest) > _MOST_HEAD:
                raise VoiceError("the voice espeak answered without end")
            self._rest += self._more(deadline, cancel)
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _more(self, deadline: float, cancel: threading.Event) -> bytes:
        process = self._running()
        assert process.stdout is not None
        late: float | None = None
        while True:
            now = time.monotonic()
            if cancel.is_set():
                late = now + _GRACE_S if late is None else late
                if now >= late:
                    raise _Cancelled
            if now >= deadline:
                raise VoiceError("the voice espeak did not answer in time; it is started again")
            wait = min(_POLL_S, deadline - now)
            try:
                if not select.select([process.stdout], [], [], wait)[0]:
                    continue
                data = os.read(process.stdout.fileno(), _CHUNK)
            except (OSError, ValueError):  # closed meanwhile
                data = b""
            if not data:
                raise VoiceError(self._ended(process))
            return data

    def _running(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None:
            raise VoiceError("the voice espeak has been closed")
        return process

    @staticmethod
    def _ended(process: subprocess.Popen[bytes]) -> str:
        try:
            code = process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return "the voice espeak closed its end; it is started again"
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        return f"the voice espeak ended {how}; it is started again with the next text"

    def _kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(_STOP_S)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
