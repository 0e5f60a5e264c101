"""What all programmes have in common, the box's own (``main``) and sessions, for those who ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from appliance.config.settings import Settings
from appliance.daemon.programme import Programme
from appliance.daemon.sessions.state import SessionState
from appliance.daemon.tap import Tap
from appliance.outputs.feeder import OutputStatus
from appliance.outputs.whep.output import WhepOutput
from appliance.sources.base import Speaks
from appliance.sources.feeder import SourceFeeder

if TYPE_CHECKING:
    # Most boxes have a camera, and never need what an avatar does.
    from appliance.playout.playout import Playout

MAIN = "main"
"""The id of the box's own programme."""
_LEAST_S = 0.5


class OnAir(Protocol):
    """A programme, whichever; its methods may be called by any thread."""

    @property
    def id(self) -> str:
        """See ``SessionState``."""
        ...

    @property
    def playout(self) -> Playout | None:
        """What plays its avatar; None where the source is none, or is not open."""
        ...

    @property
    def whep(self) -> WhepOutput:
        """What browsers join."""
        ...

    @property
    def tap(self) -> Tap:
        """Shows what goes out, on request."""
        ...

    def state(self) -> SessionState:
        """How it is doing."""
        ...

    def touch(self) -> None:
        """Somebody has spoken to it: it is not idle."""
        ...


class RateMeter:
    """Frames a second, from counts read now and then."""

    def __init__(self) -> None:
        self._since, self._before, self._rate = time.monotonic(), 0, 0.0

    def read(self, frames: int) -> float:
        """The rate of late, given the frames so far."""
        now = time.monotonic()
        if now - self._since >= _LEAST_S:
            self._rate = (frames - self._before) / (now - self._since)
            self._since, self._before = now, frames
        return round(self._rate, 2)


def playout_of(feeder: SourceFeeder) -> Playout | None:
    """What plays a source's avatar; None where it has none, or is not open."""
    source = feeder.source
    if not isinstance(source, Speaks):
        return None
    from appliance.sources.avatar.source import AvatarSource

    return source.playout if isinstance(source, AvatarSource) else None


class MainBox(Protocol):
    """What is asked of the daemon."""

    settings: Settings
    feeder: SourceFeeder
    programme: Programme
    whep: WhepOutput
    tap: Tap

    def statuses(self) -> list[OutputStatus]:
        """The status of each output."""
        ...

    def drops(self) -> dict[str, int]:
        """Frames lost so far, by place."""
        ...


class MainProgramme:
    """The box's own programme, which nobody begins or ends over HTTP."""

    id = MAIN

    def __init__(self, box: MainBox) -> None:
        """``box``: asked anew each time, as its parts are exchanged while it runs."""
        self._box = box
        self._created = time.time()
        self._rate = RateMeter()

    @property
    def playout(self) -> Playout | None:
        """See ``OnAir``."""
        return playout_of(self._box.feeder)

    @property
    def whep(self) -> WhepOutput:
        """See ``OnAir``."""
        return self._box.whep

    @property
    def tap(self) -> Tap:
        """See ``OnAir``."""
        return self._box.tap

    def touch(self) -> None:
        """It never ends for idleness."""

    def state(self) -> SessionState:
        """See ``OnAir``; the stream is the first RTSP output."""
        box, statuses = self._box, self._box.statuses()
        programme, settings = box.programme, box.settings
        trouble = programme.trouble
        state = "live" if trouble is None else "placeholder"
        streams = (one.uri for one in statuses if one.uri.startswith(("rtsp://", "rtsps://")))
        return SessionState(
            id=MAIN, label="", source=settings.source.uri, background=settings.background.uri,
            created=self._created, state=state if programme.composites else "starting",
            reason=trouble or "", fps=self._rate.read(programme.composites),
            frames=programme.composites, dropped=sum(box.drops().values()),
            clients=sum(status.clients for status in statuses) + box.whep.clients(), idle_s=0.0,
            rtsp=next(streams, None), whep="/whep",
        )  # fmt: skip
