"""A service manager's end of sd_notify: a datagram socket, and what came through it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Message = dict[str, str]


class Listener:
    """Collects notifications, each as a dict of its lines."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.messages: list[Message] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address[0] == "@" else address)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def receive(self, timeout: float) -> Message | None:
        """The next notification; None when there is none within ``timeout`` seconds."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            text = self._socket.recv(4096).decode()
        except TimeoutError:
            return None
        message = dict(line.split("=", 1) for line in text.splitlines())
        self.messages.append(message)
        return message

    def until(self, what: Callable[[Message], bool], timeout: float = 30.0) -> Message:
        """The first notification from now on that is so; fails the test after ``timeout`` s."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None and what(message):
                return message
        raise AssertionError(f"not within {timeout} s; last: {self.messages[-5:]}")

    def until_had(self, key: str, timeout: float = 30.0) -> Message:
        """The first notification with this key, be it one that came before."""
        had = next((message for message in self.messages if key in message), None)
        return had or self.until_key(key, timeout)

    def until_key(self, key: str, timeout: float = 30.0) -> Message:
        """The first notification from now on with this key."""
        return self.until(lambda message: key in message, timeout)


@contextmanager
def service(
    listener: Listener, *arguments: str, driver: str = "", watchdog_s: float = 2.0
) -> Iterator[subprocess.Popen[str]]:
    """``mattebox run`` as a service manager starts it; ``driver`` is Python that runs before.

    Its log is the process's stderr. It is killed at the end, should it still run.
    """
    program = f"{driver}\nimport sys\nfrom appliance.cli.main import main\nsys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", *arguments],
        env=os.environ
        | {"NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": str(round(watchdog_s * 1e6))},
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
