"""What others may ask of the plate while the appliance runs; from any thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

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

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._forget = False
        self._status = PlateStatus()

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
            self._seconds, self._forget = 0.0, True

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

    def tell(self, known: float, used: bool, state: State | None = None, why: str = "") -> None:
        """For the stage: what it knows, and, if that changed, what became of a wish."""
        with self._lock:
            if state is None:
                state, why = self._status.state, self._status.why
            self._status = PlateStatus(state, why, known, used)
