"""A box for sessions to run beside, without a programme of its own, and a tiny avatar."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.config.settings import Settings, SourceSettings
from appliance.daemon.sessions.registry import Sessions
from appliance.daemon.sessions.session import Session
from appliance.outputs.whep.output import WhepOutput


class QuietBox:
    """What ``Sessions`` needs of a daemon: settings, WHEP, and addresses as configured."""

    def __init__(self, **settings: Any) -> None:
        data: dict[str, Any] = {
            "background": {"uri": "colour:#000000"},
            "outputs": [{"uri": f"rtsp://127.0.0.1:{free_port()}/live"}],
        }
        self.settings = Settings.model_validate(data | settings)
        self.whep = WhepOutput(self.settings.http)

    def addresses(self) -> list[str]:
        """Ports are given, so nothing has to be bound first."""
        return [output.uri for output in self.settings.outputs]

    def change(self, sessions: Sessions, /, **settings: Any) -> None:
        """Other settings, as a reload has them followed."""
        data = {name: getattr(self.settings, name) for name in type(self.settings).model_fields}
        self.settings = Settings.model_validate(data | settings)
        sessions.follow(self.settings)


@contextmanager
def opened(box: QuietBox | None = None) -> Iterator[tuple[Sessions, QuietBox]]:
    """Sessions that may begin; what is left at the end must stop in time."""
    box = box or QuietBox()
    sessions = Sessions(box)
    sessions.open()
    try:
        yield sessions, box
    finally:
        assert sessions.stop(10), "something had to be left behind"


def avatar_at(folder: Path) -> SourceSettings:
    """The avatar in a folder as a session's source."""
    return SourceSettings(uri=f"avatar://{folder}", loop=True, pace="realtime")


def live(session: Session) -> Session:
    """Wait until its composites go out, and its stream is served."""
    until(lambda: session.state().state == "live", "live")
    until(lambda: all(one.state == "running" for one in session.outputs()), "served")
    return session


def until(what: Callable[[], object], name: str, timeout: float = 20.0) -> None:
    """Wait for a condition; fails the test after ``timeout`` seconds."""
    deadline, moment = time.monotonic() + timeout, threading.Event()
    while not what():
        assert time.monotonic() < deadline, f"{name}: not within {timeout:g} s"
        moment.wait(0.02)


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
