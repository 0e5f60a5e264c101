"""What there is to say of a session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionState:
    """How a session is doing.

    Attributes:
        id: fit for an address; ``main`` for the box's own programme.
        label: what whoever began it calls it; may be empty.
        source, background: their addresses.
        created: when it began, seconds since 1970.
        state: starting, live, placeholder, or ended.
        reason: why the placeholder is out, or why it has ended; empty while all is well.
        fps: pictures a second that went out of late.
        frames: pictures that went out. dropped: those lost on the way.
        clients: who watches now.
        idle_s: seconds since anybody watched or spoke to it; 0 while somebody does.
        rtsp: address of its stream, None without one. whep: path of its WHEP.
    """

    id: str
    label: str
    source: str
    background: str
    created: float
    state: str
    reason: str
    fps: float
    frames: int
    dropped: int
    clients: int
    idle_s: float
    rtsp: str | None
    whep: str


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that is no more: its id and label, when (seconds since 1970) and why it ended."""

    id: str
    label: str
    ended: float
    reason: str
