"""All sessions of a box: begun and ended, counted, and looked after."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

import structlog
from pydantic import ValidationError

from appliance.avatars.avatar import NAME
from appliance.config.settings import BackgroundSettings, Settings, SourceSettings
from appliance.config.uris import background_scheme
from appliance.config.validate import broken
from appliance.daemon.sessions.errors import NoSuchSession, SessionLimit
from appliance.daemon.sessions.plan import new_id
from appliance.daemon.sessions.state import EndedSession
from appliance.daemon.sessions.stills import SharedStills
from appliance.errors import AvatarError, InputError
from appliance.outputs.whep.output import WhepOutput
from appliance.system import malloc

if TYPE_CHECKING:
    from appliance.daemon.sessions.session import Session

_LOOK_S = 1.0
# Of how many that have ended it is remembered why.
_REMEMBERED = 64
_MOST_LABEL = 80

log = structlog.get_logger(__name__)


class HostBox(Protocol):
    """What sessions need of the daemon beside which they run."""

    settings: Settings
    whep: WhepOutput

    def addresses(self) -> list[str]:
        """The outputs' addresses, as bound."""
        ...


class Sessions:
    """Begins sessions and ends those that are over; its methods may be called by any thread.

    Attributes:
        error: what ended its thread, which is to look after them; None while all is well.
        ended: those that are no more, the newest last.
    """

    def __init__(self, box: HostBox) -> None:
        """For sessions beside ``box``; ``open`` lets the first one in."""
        self._box = box
        self._stills = SharedStills()
        self._running: dict[str, Session] = {}
        self._beginning = 0
        self._lock = threading.Lock()
        self._closed = "mattebox is starting; try again in a second"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.ended: deque[EndedSession] = deque(maxlen=_REMEMBERED)

    def open(self) -> None:
        """The box runs: sessions may begin."""
        self._closed = ""

    def create(self, avatar: str, background: str | None = None, label: str = "") -> Session:
        """Begin a session of an avatar, by name, over a background; None: over the box's own.

        Takes as long as its clips take to be opened. Raises SessionLimit when there is no place
        for it, AvatarError or InputError (ValueError) for what cannot be used.
        """
        if not NAME.fullmatch(avatar):
            raise AvatarError(
                f"found {avatar[:80]!r}; expected an avatar's name: letters, digits, points, "
                "hyphens and underscores, 64 at most"
            )
        # A file's rules for its own end and pace have no meaning here.
        source = SourceSettings(uri=f"avatar://{avatar}", loop=True, pace="realtime")
        settings = self._box.settings.background
        if background is not None:
            try:
                settings = BackgroundSettings(uri=background)
            except ValidationError as error:
                raise InputError("; ".join(broken(error, BackgroundSettings))) from error
        scheme = background_scheme(settings.uri)
        if scheme is not None and not scheme.hides_room:
            whose = "the box's own background is" if background is None else "found"
            raise InputError(
                f"background: {whose} {settings.uri}, and an avatar has no room of its own to be "
                "shown out of focus; give the session another"
            )
        return self.begin(source, settings, label)

    def begin(
        self, source: SourceSettings, background: BackgroundSettings, label: str = ""
    ) -> Session:
        """Begin a session with any source whose frames have their matte; see ``create``."""
        if len(label) > _MOST_LABEL or not label.isprintable():
            raise InputError(f"the label: expected at most {_MOST_LABEL} printable characters")
        # Most boxes have no sessions, and never need what a session is made of.
        from appliance.daemon.sessions.session import Session

        identity = self._reserve()
        try:
            box, addresses = self._box.settings, self._box.addresses()
            session = Session(
                identity, label, box, addresses, source, background, self._stills,
                lambda: self._watching_beside(identity),
            )  # fmt: skip
        except BaseException:
            with self._lock:
                self._beginning -= 1
            raise
        with self._lock:
            self._beginning -= 1
            closed = self._closed
            if not closed:
                self._running = {**self._running, identity: session}
        if closed:
            session.stop()
            raise SessionLimit(closed)
        if self._box.settings is not box:
            # They were changed meanwhile.
            session.follow(self._box.settings, self._box.addresses())
        log.info(
            "a session has begun", session=identity, source=source.uri, label=label,
            canvas=str(session.format), background=background.uri, sessions=len(self._running),
        )  # fmt: skip
        return session

    def get(self, identity: str) -> Session:
        """The session of this id. Raises NoSuchSession, which says why one has ended."""
        session = self._running.get(identity)
        if session is not None:
            return session
        for old in self.ended:
            if old.id == identity:
                raise NoSuchSession(f"the session {identity} has ended: {old.reason}")
        raise NoSuchSession(f"there is no session {identity[:40]!r}")

    def all(self) -> list[Session]:
        """Those that run, the oldest first."""
        return list(self._running.values())

    def end(self, identity: str, reason: str = "it was ended by request") -> None:
        """End a session; returns when its parts have ended, in 3 s at most. Raises NoSuchSession.

        Whoever asks second is told that there is none.
        """
        session = self.get(identity)
        with self._lock:
            mine = self._running.get(identity) is session
            self._running = {k: one for k, one in self._running.items() if one is not session}
            if mine:
                self.ended.append(EndedSession(identity, session.label, time.time(), reason))
        if not mine:
            raise NoSuchSession(f"the session {identity} is ending already")
        log.info("a session ends", session=identity, why=reason, sessions=len(self._running))
        if not session.stop():
            log.error("parts of a session hang; left behind", session=identity)
        # A canvas is a megabyte and more: what a session had is the system's again.
        malloc.give_back()

    def follow(self, settings: Settings) -> None:
        """Have all follow the box's settings; those that cannot are ended, with the reason."""
        for session in self.all():
            try:
                session.follow(settings, self._box.addresses())
            except InputError as error:
                self._end_of(session, f"it cannot follow the settings: {error}")

    def look(self) -> None:
        """End those that are over, or idle for too long. Called every second."""
        longest = self._box.settings.sessions.idle_s
        for session in self.all():
            session.look()
            over = session.over
            if over is not None:
                log.error("a session is over; the others go on", session=session.id, why=over)
                self._end_of(session, over)
            elif longest and session.idle_s > longest:
                self._end_of(
                    session,
                    f"nobody has watched it or spoken to it for {longest:g} s (sessions.idle_s)",
                )

    def watching(self) -> int:
        """How many watch sessions by WHEP, those included who are not connected yet."""
        return sum(session.whep.viewers for session in self.all())

    def ask_to_stop(self) -> None:
        """Let nobody in any more, and have all end soon. Never waits."""
        with self._lock:
            self._closed = "mattebox is stopping"
        self._stop.set()
        for session in self.all():
            session.ask_to_stop()

    def stop(self, timeout: float) -> bool:
        """End all; False if something was left behind after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        self.ask_to_stop()
        with self._lock:
            running, self._running = self.all(), {}
        clean = True
        for session in running:
            clean = session.stop(max(0.1, deadline - time.monotonic())) and clean
        thread = self._thread
        if thread is not None:
            thread.join(max(0.1, deadline - time.monotonic()))
            clean = clean and not thread.is_alive()
        return clean

    def _reserve(self) -> str:
        """A place, and the id of the session that is to have it. Raises SessionLimit."""
        with self._lock:
            if self._closed:
                raise SessionLimit(self._closed)
            most, count = self._box.settings.sessions.most, len(self._running) + self._beginning
            if count >= most:
                raise SessionLimit(_full(count, most))
            self._beginning += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look_after, name="sessions", daemon=True
                )
                self._thread.start()
        return new_id()

    def _watching_beside(self, identity: str) -> int:
        """How many watch the box's own programme, or another session than this, by WHEP."""
        others = (session.whep for session in self.all() if session.id != identity)
        return self._box.whep.viewers + sum(whep.viewers for whep in others)

    def _end_of(self, session: Session, reason: str) -> None:
        try:
            self.end(session.id, reason)
        except NoSuchSession:
            log.debug("the session is ending already", session=session.id)

    def _look_after(self) -> None:
        try:
            while not self._stop.wait(_LOOK_S):
                self.look()
        except BaseException as error:
            # Nobody would end those that are over, so the daemon ends.
            self.error = error
            log.exception("the thread that looks after sessions died")


def _full(count: int, most: int) -> str:
    if most == 0:
        return "no session may run beside the box's own picture: sessions.most is 0; raise it"
    runs = "session runs" if count == 1 else "sessions run"
    return (
        f"{count} {runs} already, as many as sessions.most allows ({most}): end one "
        "(DELETE /api/sessions/ID), or raise it"
    )
