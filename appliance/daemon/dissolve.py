"""Fades the picture before a change of scene into those after it."""

from __future__ import annotations

from typing import Literal

from appliance.background.fade import FadingBackground
from appliance.config.load import changed
from appliance.config.polygons import parse_polygons
from appliance.config.settings import Settings
from appliance.config.uris import background_scheme
from appliance.media.frame import Frame
from appliance.pixels import cpu

# Who may be shown, from few to many.
_PEOPLE = ("largest", "taking-part", "all")


class Dissolve:
    """The last picture of what was, mixed into each composite with falling weight.

    It is a still. Both moving would take two of everything that remembers (framing, light, the
    plate, the network where it differs) and twice a frame's time, on machines that are short of it.
    Where only the background changes, the backgrounds alone fade, behind a person who stays as they
    are (``begin_behind``).

    Used in the pipeline's thread alone. Composites are in the host's memory on either path when
    they are finished, so one place serves both.
    """

    def __init__(self) -> None:
        self._before: Frame | None = None
        self._behind: FadingBackground | None = None
        self._frames = self._done = 0

    @property
    def active(self) -> bool:
        """Whether the next composite is to be mixed."""
        return self._before is not None

    @property
    def behind(self) -> Frame | None:
        """The picture that is behind the person now, if it is a mix of two."""
        return None if self._behind is None else self._behind.now

    def begin_behind(self, background: FadingBackground) -> None:
        """Note which background fades."""
        self.end()
        self._behind = background

    def begin(self, before: Frame, frames: int) -> None:
        """Fade from ``before`` (which is copied) over the next ``frames`` composites, 1 or more."""
        self.end()
        self._before = Frame(before.y.copy(), before.uv.copy(), before.colour)
        self._frames, self._done = frames, 0

    def mix(self, out: Frame) -> None:
        """Mix what was into a finished composite that nobody else has yet, in place.

        The k-th of n frames is k / (n + 1) new: none of them is wholly the one or the other.
        """
        if self._before is None:
            return
        self._done += 1
        cpu.dissolve(self._before, out, self._done / (self._frames + 1))
        if self._done == self._frames:
            self.end()

    def end(self) -> None:
        """Show nothing of what was any more, from the next composite on."""
        if self._behind is not None:
            self._behind.end()
        self._before = self._behind = None


def only_behind(old: Settings, new: Settings) -> bool:
    """Whether a dissolve is one of the backgrounds alone, with nobody but the person before them.

    Not where the background is painted (``stages.style``), which is done once for each, nor where
    frames are made in between, for which the background looks back.
    """
    stages = new.stages
    return (
        changed(old, new) == {"background"}
        and not (_shows_room(old) or _shows_room(new))
        and not (stages.style.wanted or stages.interpolate.enabled)
    )


def why_cut(old: Settings, new: Settings) -> str | None:
    """Why what was shown with ``old`` may not fade into ``new``; None if it may.

    Whoever switches to a scene that hides something has it hidden on the next frame: the picture
    before must not show any longer what the new settings would not.
    """
    if _shows_room(old) and not _shows_room(new):
        return "the picture before shows the room, out of focus"
    if _shows_room(old) and old.background.blur_radius < new.background.blur_radius:
        return "the picture before shows the room less out of focus"
    if not set(_drawn(old, "keep")) <= set(_drawn(new, "keep")):
        return "the picture before shows the room within stages.mattes.keep"
    if not set(_drawn(new, "room")) <= set(_drawn(old, "room")):
        return "the picture before may show what stages.mattes.room hides"
    if min(old.edge.choke, 0) < min(new.edge.choke, 0):
        return "the picture before shows a wider rim of the room (edge.choke)"
    if _PEOPLE.index(old.clean.keep) > _PEOPLE.index(new.clean.keep):
        return "the picture before may show people whom clean.keep leaves out"
    if new.stages.select != old.stages.select:
        return "the picture before may show what stages.select leaves out"
    return None


def _shows_room(settings: Settings) -> bool:
    scheme = background_scheme(settings.background.uri)
    return scheme is not None and not scheme.hides_room


def _drawn(settings: Settings, kind: Literal["room", "keep"]) -> tuple[object, ...]:
    """The polygons of a kind that are in use."""
    mattes = settings.stages.mattes
    return tuple(parse_polygons(getattr(mattes, kind))) if mattes.enabled else ()
