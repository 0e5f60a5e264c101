"""What a background is."""

from __future__ import annotations

from typing import Protocol

from appliance.media.frame import Frame


class Background(Protocol):
    """Gives the picture behind the person, made ahead of time.

    Used from one thread only, but for ``picture`` and ``error``.
    """

    wants_frame: bool
    """True when the picture is made from the live frame, and so shows the real scene."""

    @property
    def picture(self) -> Frame | None:
        """What may be shown without a person, from any thread: the newest picture.

        None where that would show the real scene.
        """
        ...

    @property
    def error(self) -> BaseException | None:
        """The exception that ended its thread, if it has one; None while all is well."""
        ...

    def frame(self, live: Frame) -> Frame:
        """The picture for this live frame: the canvas's size and colour, valid until the next call.

        Never waits and never raises: a video that fails keeps its last picture.
        """
        ...

    def close(self) -> None:
        """Release everything; may be called twice, never raises, returns within 2 s."""
        ...
