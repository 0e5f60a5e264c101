"""What others may ask of the plate while the appliance runs; from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.stages.learnt_room import LearntRoom

State = Literal["idle", "learning", "learnt", "refused"]


@dataclass(frozen=True, slots=True)
class PlateStatus:
    """What became of it.

    Attributes:
        state: of the last wish to learn. why: why that was refused; else empty.
        known: the part of the picture that is known, 0..1.
        used: whether it serves as evidence; not while light or camera make it doubtful.
    """

    state: State = "idle"
    why: str = ""
    known: float = 0.0
    used: bool = False


class PlateControl:
    """Wishes for the stage ``plate``, which takes them with its next frame, and its answers."""

    def __init__(self, *, copies: bool = True) -> None:
        """``copies``: whether the stage takes whole rooms and gives them; the GPU's does not."""
        self.copies = copies
        self._lock = threading.Lock()
        self._answered = threading.Condition(self._lock)
        self._seconds = 0.0
        self._forget = False
        self._status = PlateStatus()
        self._asking, self._wanted = 0, False
        self._room: LearntRoom | None = None
        self._answers = 0
        self._offered: LearntRoom | None = None

    def learn(self, seconds: float = 3.0) -> None:
        """Nobody is in view: learn the whole picture anew, for so long.

        ``status`` says how it goes; it is refused if the network sees somebody.

        Raises:
            ValueError: ``seconds`` is not from 1 to 60.
        """
        if not 1 <= seconds <= 60:
            raise ValueError(
                f"cannot learn the empty room for {seconds:g} s: expected 1 to 60 seconds"
            )
        with self._lock:
            self._seconds, self._forget = seconds, False
            self._status = PlateStatus("learning", "", self._status.known, self._status.used)

    def forget(self) -> None:
        """Forget the room with the next frame."""
        with self._lock:
            self._seconds, self._forget, self._offered = 0.0, True, None

    def offer(self, room: LearntRoom) -> None:
        """A room that was learnt before: used once the picture has agreed with it.

        Raises:
            ValueError: the stage takes none, see ``copies``.
        """
        if not self.copies:
            raise ValueError("a learnt room was offered on the GPU, which takes none; see copies")
        with self._lock:
            self._offered = room

    def ask(self, seconds: float) -> LearntRoom | None:
        """A copy of what is known, made with the next frame; None if none comes in time.

        At once None where the stage gives no copies.
        """
        if not self.copies:
            return None
        with self._answered:
            before = self._answers
            self._asking, self._wanted = self._asking + 1, True
            try:
                self._answered.wait_for(lambda: self._answers != before, seconds)
                return self._room if self._answers != before else None
            finally:
                self._asking -= 1
                if not self._asking:
                    self._wanted, self._room = False, None

    @property
    def status(self) -> PlateStatus:
        """As of the last frame."""
        with self._lock:
            return self._status

    def take(self) -> tuple[float, bool]:
        """For the stage: seconds to learn for, 0: none, and whether to forget; each wish once."""
        if not self._seconds and not self._forget:
            return 0.0, False
        with self._lock:
            wishes = self._seconds, self._forget
            self._seconds, self._forget = 0.0, False
            return wishes

    def take_offered(self) -> LearntRoom | None:
        """For the stage: a room that was offered, once."""
        if self._offered is None:
            return None
        with self._lock:
            room, self._offered = self._offered, None
            return room

    def answer(self, make: Callable[[], LearntRoom]) -> None:
        """For the stage, once a frame: whoever waits gets what ``make`` makes."""
        if not self._wanted:
            return
        room = make()
        with self._answered:
            if self._asking:
                self._wanted, self._room = False, room
                self._answers += 1
                self._answered.notify_all()

    def tell(self, known: float, used: bool, state: State | None = None, why: str = "") -> None:
        """For the stage: what it knows, and, if that changed, what became of a wish."""
        with self._lock:
            if state is None:
                state, why = self._status.state, self._status.why
            self._status = PlateStatus(state, why, known, used)
