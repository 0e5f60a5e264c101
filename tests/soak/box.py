"""The appliance as the soak runs it: real parts, with handles on those to be broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import yaml

from appliance.config.load import LoadedConfig, load_located
from appliance.config.settings import OutputSettings, Settings
from appliance.daemon import apply as apply_module
from appliance.daemon import daemon as daemon_module
from appliance.daemon.changes import Reloader
from appliance.daemon.daemon import Daemon
from appliance.errors import InputError
from appliance.http.service import HttpService
from appliance.media.frame import Frame
from appliance.networks.manifest import load_manifest
from appliance.outputs.make import make_output
from appliance.outputs.null import NullOutput
from appliance.sources import make as make_module
from tests.daemons import Breakable
from tests.faults.stand_ins import CAMERA, FORMAT, Camera, Sluice, wait_until
from tests.networks.bright import bright_network
from tests.scenes import STAGE, room_clip, room_share

STAGE_URI = f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"
_MOST_ROOM = 0.002
"""Share of a frame: the disc's antialiased rim may hold some of the room's red."""


class Judge(NullOutput):
    """Checks every frame sent: times rise, nothing of the room, no standstill."""

    def __init__(self) -> None:
        super().__init__("null://judge")
        self.worst_room = 0.0
        self.backwards = 0
        self.longest_gap_s = 0.0
        self._pts: int | None = None
        self._at: float | None = None

    def write(self, frame: Frame) -> None:
        """Judge a frame."""
        super().write(frame)
        now = time.monotonic()
        if self._pts is not None and frame.pts <= self._pts:
            self.backwards += 1
        if self._at is not None:
            self.longest_gap_s = max(self.longest_gap_s, now - self._at)
        self._pts, self._at = frame.pts, now
        self.worst_room = max(self.worst_room, room_share(frame.uv[::2, ::2]))

    @property
    def verdict(self) -> list[str]:
        """What has gone wrong."""
        wrong = []
        if self.worst_room > 2 * _MOST_ROOM:
            wrong.append(f"{self.worst_room:.1%} of a frame showed the room")
        if self.backwards:
            wrong.append(f"{self.backwards} frames whose time did not rise")
        return wrong


@dataclass
class Box:
    """A running daemon, and what can be done to it."""

    folder: Path
    camera: Camera
    judge: Judge = field(default_factory=Judge)
    sluice: Sluice = field(default_factory=Sluice)
    brisk: bool = False
    """Shorter waits, for a short run."""

    def __post_init__(self) -> None:
        self.network = bright_network(self.folder / "network")
        self.clip = room_clip(self.folder / "room.mp4", frames=30)
        self.matting = self._load()
        self.trouble: list[str] = []
        self.path = self.folder / "config.yaml"
        self.save()
        self.loaded = load_located(self.path, env={})
        self.settings = self.loaded.settings
        self.daemon = Daemon(self.settings)
        self.reloader = Reloader(self.daemon, self._load_again, self.loaded)
        self.http = HttpService(self.daemon, self.reloader, self._load_again)

    def _load(self, *_: object) -> Breakable:
        self.matting = Breakable(*load_manifest(self.network), threads=1)
        return self.matting

    def _load_again(self, path: Path | None = None) -> LoadedConfig:
        return load_located(path or self.path, env={})

    def save(self, **sections: Any) -> None:
        """Write the configuration file, with some sections' values overridden."""
        data: dict[str, Any] = {
            "source": {
                "uri": CAMERA, "timeout_s": 1.0, "retry_first_s": 0.1 if self.brisk else 0.5,
            },
            "background": {"uri": STAGE_URI},
            "matting": {"model": str(self.network), "stall_s": 0.3, "threads": 1},
            "outputs": [
                {"uri": "rtsp://127.0.0.1:0/live"},
                {"uri": "null://judge"},
                {"uri": "null://sluice"},
                {"uri": str(self.folder / "recording.mkv")},
            ],
            "http": {"port": 0},
        }  # fmt: skip
        for name, value in sections.items():
            data[name] = data.get(name, {}) | value
        new = self.path.with_suffix(".new")
        new.write_text(yaml.safe_dump(data))
        new.replace(self.path)

    def _output(self, wanted: OutputSettings) -> Any:
        by_hand = {"null://judge": self.judge, "null://sluice": self.sluice}
        return by_hand.get(wanted.uri) or make_output(wanted)

    @contextmanager
    def running(self) -> Iterator[None]:
        """A box from its first composite to its end, which must be clean."""
        with ExitStack() as stack:
            for module, name, by_hand in (
                (daemon_module, "choose_network", self._load),
                (apply_module, "choose_network", self._load),
                (daemon_module, "make_output", self._output),
                (make_module, "make_source", self.camera.make_source),
            ):
                stack.enter_context(patch.object(module, name, by_hand))
            self.daemon.start()
            self.camera.wanted = lambda: self.daemon.feeder.mailbox.empty
            self.camera.fps = None
            self.reloader.start()
            self.http.follow(self.settings.http)
            try:
                self.wait(lambda: self.http.server and self.http.server.url, "HTTP")
                self.wait(self.well, "the first composites")
                yield
            finally:
                self.matting.mend()
                self.sluice.free.set()
                begun = time.monotonic()
                clean = self.reloader.stop()
                clean = self.daemon.stop() and clean
                clean = self.http.stop() and clean
                self.stop_s = time.monotonic() - begun
            assert clean, "something had to be left behind"

    @property
    def rtsp(self) -> str:
        """The stream's address, as bound."""
        return next(uri for uri in self.daemon.addresses() if uri.startswith("rtsp://"))

    @property
    def web(self) -> tuple[str, int]:
        """Host and port of the HTTP server."""
        server = self.http.server
        assert server is not None
        parts = urlsplit(server.url or "")
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def well(self) -> bool:
        """Whether composites go out on every output."""
        running = all(status.state == "running" for status in self.daemon.statuses())
        return self.daemon.programme.trouble is None and running

    def wait(self, condition: Any, what: str, seconds: float = 20.0) -> float:
        """See ``wait_until``; the daemon must not end meanwhile."""

        def still() -> bool:
            why = self.daemon.ended()
            assert why is None, f"it ended: {why}"
            assert self.reloader.error is None
            return bool(condition())

        return wait_until(still, seconds, what)

    def hold(self, seconds: float) -> None:
        """Let time pass, much less in a brisk run."""
        threading.Event().wait(seconds / 8 if self.brisk else seconds)

    def apply(self, **sections: Any) -> None:
        """Apply the soak's settings, with some sections' values overridden.

        Raises InputError when refused.
        """
        data = self.settings.model_dump()
        for name, value in sections.items():
            data[name] = data[name] | value if isinstance(value, dict) else value
        new = Settings.model_validate(data)
        outcome = self.reloader.change(lambda _: new, timeout=20)
        if outcome.refusal is not None:
            raise InputError(outcome.refusal.reason)


@contextmanager
def box_in(folder: Path, *, brisk: bool = False) -> Iterator[Box]:
    """A box whose camera delivers frames as fast as they are taken."""
    # The highest rate there is, so that the canvas has room for all that the camera gives.
    format = replace(FORMAT, fps=(240, 1))
    if not brisk:
        format = replace(format, width=640, height=360)
    box = Box(folder, Camera(format), brisk=brisk)
    with box.running():
        yield box
