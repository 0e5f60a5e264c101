"""Keeps the learnt room (``stages.plate``) in a file while the appliance is stopped, if asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from appliance.config.settings import Settings
from appliance.media.frame import Format
from appliance.stages.learnt_room import LearntRoom, UnusableRoom, read, remove, write
from appliance.stages.plate_control import PlateControl
from appliance.system import folders
from appliance.system.redact import redact

# So often it is written, and so long a frame may let the copy wait: then, and at the end.
EVERY_S = 180.0
_ASK_S, _LAST_ASK_S = 5.0, 0.3
# A room of which less is known is not worth more than the one that was kept before.
_LEAST_KNOWN = 0.05

log = structlog.get_logger(__name__)


def kept_room() -> Path:
    """The file in the state folder; it need not exist."""
    return folders.state() / "plate" / "room.npz"


class RoomKeeper:
    """Reads the file at the start and writes it now and then, in a thread of its own.

    It never raises: what goes wrong with the file is told in the log, and the room learnt anew.
    """

    def __init__(
        self, settings: Settings, format: Format, plate: Callable[[], PlateControl],
        every_s: float = EVERY_S,
    ) -> None:  # fmt: skip
        """``plate``: what takes wishes about the room now."""
        self._format, self._plate, self._every_s = format, plate, every_s
        self._settings = settings
        self._keeps = False
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._last: tuple[LearntRoom | None, int] = (None, 0)
        self._forgotten = 0
        self._trouble = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Offer the stage what was kept; delete what is no longer to be."""
        wanted = self._settings.stages.plate
        if not wanted.keep:
            self._drop_own()
        self._set(self._settings)

    def configure(self, settings: Settings) -> None:
        """Take new settings: what is kept no longer is deleted at once."""
        before, self._settings = self._settings, settings
        self._set(settings)
        if before.stages.plate.keep and not settings.stages.plate.keep:
            self.forget()

    def forget(self) -> None:
        """Delete the file."""
        with self._lock:
            self._forgotten += 1
            try:
                gone = remove(kept_room())
            except OSError as error:
                words = error.strerror or str(error)
                log.error(
                    "the learnt room cannot be deleted: do it by hand", file=str(kept_room()),
                    error=words,
                )  # fmt: skip
                return
        if gone:
            log.info("the learnt room is no longer kept", file=str(kept_room()))

    def ask_to_stop(self) -> None:
        """Take a last copy, while frames still come, for the thread to write."""
        if self._thread is None or self._ending.is_set():
            return
        deadline = time.monotonic() + _LAST_ASK_S
        # After a cut a few frames decide whether it still fits.
        while self._keeps and (left := deadline - time.monotonic()) > 0:
            self._last = self._copy(left), self._forgotten
            if self._last[0] is None or self._last[0].sound:
                break
        self._ending.set()

    def stop(self, seconds: float) -> bool:
        """End; whether what was to be written was, in this time. Call ``ask_to_stop`` first."""
        if self._thread is None:
            return True
        self._ending.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _set(self, settings: Settings) -> None:
        keeps = settings.stages.plate.enabled and settings.stages.plate.keep
        begins, self._keeps = keeps and not self._keeps, keeps
        if begins:
            self._offer()
        if keeps and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="kept room", daemon=True)
            self._thread.start()

    def _offer(self) -> None:
        control = self._plate()
        if not control.copies:
            log.warning(
                "stages.plate.keep: frames are on the GPU, where the learnt room is not kept"
            )
            return
        try:
            room = read(kept_room(), self._format, self._source)
        except UnusableRoom as error:
            log.warning("the kept room is not used; it is learnt anew", reason=redact(str(error)))
            return
        if room is not None:
            control.offer(room)
            log.info("a kept room is used once the picture agrees", known=round(room.known, 2))

    def _drop_own(self) -> None:
        """Delete what was kept, unless of another source: that is another appliance's."""
        try:
            if read(kept_room(), self._format, self._source) is None:
                return
        except UnusableRoom as error:
            if error.foreign:
                log.info("a kept room is left as it is", reason=redact(str(error)))
                return
        self.forget()

    @property
    def _source(self) -> str:
        return redact(self._settings.source.uri)

    def _run(self) -> None:
        while not self._ending.wait(self._every_s):
            if self._keeps:
                forgotten = self._forgotten
                self._write(self._copy(_ASK_S), forgotten)
        self._write(*self._last)

    def _copy(self, seconds: float) -> LearntRoom | None:
        return self._plate().ask(seconds)

    def _write(self, room: LearntRoom | None, forgotten: int) -> None:
        if room is None or not room.sound or room.known < _LEAST_KNOWN:
            return
        try:
            with self._lock:
                # It may have been forgotten, or switched off, since the copy was made.
                if self._keeps and self._forgotten == forgotten:
                    write(kept_room(), room, self._source)
        except OSError as error:
            words = error.strerror or str(error)
            if words != self._trouble:
                log.warning(
                    "the learnt room cannot be kept", file=str(kept_room()), error=words,
                    hint="let the service write there, or set stages.plate.keep to false",
                )  # fmt: skip
            self._trouble = words
            return
        self._trouble = ""
