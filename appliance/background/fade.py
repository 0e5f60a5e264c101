"""A background that fades from the one before, behind a person who does not."""

from __future__ import annotations

from appliance.background.base import Background
from appliance.media.frame import Frame
from appliance.pixels import cpu
from appliance.stages.base import MovingFrames


class FadingBackground:
    """Mixes a still of what was behind with what is, for some frames; then it is the latter.

    Neither shows the real scene. It does not own what it fades to, which is closed by whoever made
    it.
    """

    wants_frame = False

    def __init__(self, before: Frame, to: Background, frames: int) -> None:
        """Fade from ``before`` (which is copied) over the next ``frames`` frames, 1 or more.

        Of n, the k-th is k / (n + 1) ``to``: none of them is wholly the one or the other.
        """
        # A video's picture is in its decoder's memory, of which there is little.
        self._before: Frame | None = Frame(before.y.copy(), before.uv.copy(), before.colour)
        self._to = to
        self._frames, self._done = frames, 0
        self._now: Frame | None = None

    @property
    def now(self) -> Frame | None:
        """What was given last, if that was a mix."""
        return self._now

    @property
    def picture(self) -> Frame | None:
        """See ``Background.picture``: what may be shown alone is the new one at once."""
        return self._to.picture

    @property
    def error(self) -> BaseException | None:
        """See ``Background.error``."""
        return self._to.error

    def frame(self, live: Frame) -> Frame:
        """See ``Background.frame``."""
        new = self._to.frame(live)
        if self._before is None or self._done == self._frames:
            self.end()
            return new
        self._done += 1
        # Another object each time: whoever keeps what was made of the last sees that it is new.
        mixed = Frame(new.y.copy(), new.uv.copy(), new.colour, new.pts, new.captured, new.serial)
        cpu.dissolve(self._before, mixed, self._done / (self._frames + 1))
        self._now = mixed
        return mixed

    def end(self) -> None:
        """Be what it fades to, from the next frame on."""
        self._before = self._now = None

    def close(self) -> None:
        """See ``Background.close``."""
        self.end()


class FadingVideo(FadingBackground):
    """One that fades to a background that moves by itself."""

    def __init__(self, before: Frame, to: Background, frames: int, moving: MovingFrames) -> None:
        """``moving``: the same as ``to``."""
        super().__init__(before, to, frames)
        self._moving = moving

    def before(self, ago_ns: int) -> Frame:
        """See ``MovingFrames``; without what is fading, which is over when this is asked for."""
        return self._moving.before(ago_ns)


def fading(before: Frame, to: Background, frames: int) -> FadingBackground:
    """``to``, fading from a still over the next ``frames`` frames, 1 or more."""
    if isinstance(to, MovingFrames):
        return FadingVideo(before, to, frames, to)
    return FadingBackground(before, to, frames)
