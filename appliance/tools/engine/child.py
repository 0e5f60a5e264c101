"""Runs the builder in a process of its own: with a memory limit, a deadline, and progress.

A builder that crashes, or takes all memory, must not take the appliance or its old plan with it.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from appliance.errors import BuildError
from appliance.tools.engine.builder import Request

Progress = Callable[[str, int, int], None]
"""Told of a phase's name, the steps done, and the steps in all."""

_POLL = 0.1
_COMMAND = (sys.executable, "-m", "appliance.tools.engine.builder")


def run_builder(
    request: Request,
    folder: Path,
    *,
    memory_mb: int,
    timeout: float,
    progress: Progress,
    say: Callable[[str], None],
    command: tuple[str, ...] = _COMMAND,
) -> dict[str, Any]:
    """Build in a child; returns its description of the engine.

    ``memory_mb`` is the most resident memory that it may take; ``timeout`` is in seconds;
    ``folder`` is for its files. Raises BuildError when it fails, crashes, or goes over a limit.
    Whatever ends this call, the child has ended too.
    """
    path = folder / "request.json"
    request.write(path)
    reading, writing = os.pipe()
    with (folder / "builder.log").open("wb") as log:
        child = subprocess.Popen(
            [*command, str(path), str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            # Ctrl-C is for us to act on; the child is then killed below.
            start_new_session=True,
        )
    os.close(writing)
    try:
        for message in _messages(reading, child, memory_mb, timeout):
            if "progress" in message:
                phase, done, total = message["progress"]
                progress(str(phase), int(done), int(total))
            elif "say" in message:
                say(str(message["say"]))
            elif "error" in message:
                raise BuildError(str(message["error"]))
            elif "done" in message:
                return dict(message["done"])
        raise BuildError(_crashed(child, folder / "builder.log"))
    finally:
        os.close(reading)
        if child.poll() is None:
            # It has said its last word, or has nothing more to say.
            child.kill()
        child.wait(timeout=30)


def _messages(
    descriptor: int, child: subprocess.Popen[bytes], memory_mb: int, timeout: float
) -> Iterator[dict[str, Any]]:
    """What the child says, until it closes its end; raises BuildError over a limit."""
    deadline = time.monotonic() + timeout
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            taken = _resident_mb(child.pid)
            if taken > memory_mb:
                raise BuildError(
                    f"the builder took {taken} MB of memory, {memory_mb} are allowed; close other "
                    f"programs and allow more: --memory {memory_mb * 2}"
                )
            if time.monotonic() > deadline:
                raise BuildError(
                    f"the build was not done after {timeout:g} s; allow more: --timeout "
                    f"{timeout * 2:g}"
                )
            if not selector.select(_POLL):
                continue
            block = os.read(descriptor, 1 << 16)
            if not block:
                return
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield json.loads(line)


def _resident_mb(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):  # it has just ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def _crashed(child: subprocess.Popen[bytes], log: Path) -> str:
    code = child.wait(timeout=30)
    how = f"exit code {code}"
    if code < 0:
        try:
            how = signal.Signals(-code).name
        except ValueError:
            how = f"signal {-code}"
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    words = f"; its last words: {last[0][:300]}" if last else ""
    hint = "; the system may be out of memory" if code == -signal.SIGKILL else ""
    return f"the builder ended early ({how}){hint}{words}; the old plan, if any, is untouched"
