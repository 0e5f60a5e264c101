"""From a frame's caption to what is laid over it: drawn once, in a thread of its own."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

import structlog

from appliance.captions.draw import CaptionDrawer
from appliance.captions.words import columns_of
from appliance.config.settings import Settings
from appliance.config.settings.stages.captions import CaptionsSettings
from appliance.errors import InputError, MissingDependency
from appliance.media.caption import Caption
from appliance.media.frame import Format
from appliance.pixels.cpu.overlay import Overlay, overlay_of

# Most captions are drawn in a few milliseconds. One that takes longer is shown from a later frame
# on; a file that is made as fast as possible waits for each.
_LIVE_WAIT_S, _FILE_WAIT_S = 0.015, 5.0
_MOST_KEPT = 16
# One of each kind of letters that takes a font of its own; so fontconfig has found them all.
_WARM_UP = "Aa 你好 こ 가 ع א ไ 🙂"
# How long a part is shown of a cue that has too many lines: as long as it takes to say.
_COLUMNS_A_SECOND, _SHORTEST_S = 14.0, 1.0

log = structlog.get_logger(__name__)


class _Wish(NamedTuple):
    text: str
    language: str
    settings: CaptionsSettings


class _Painted(NamedTuple):
    """Attributes: parts: texts, this one's first. ends_ns: when each but the last is over."""

    overlay: Overlay
    parts: tuple[str, ...]
    ends_ns: tuple[int, ...]


_Job = tuple[_Wish, Future[_Painted | None]]


class CaptionPainter:
    """Draws each cue once and remembers the last few. Never waits long: see ``overlay``."""

    def __init__(self, format: Format, settings: CaptionsSettings) -> None:
        """Begin to load the fonts; the first frames do not wait for them."""
        self._format = format
        # Its thread ends with this object.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="captions")
        self._pens: list[CaptionDrawer] = []
        self._kept: OrderedDict[_Wish, _Painted | None] = OrderedDict()
        self._shown: Caption | None = None
        self._since = 0
        self._waited: _Wish | None = None
        self._lacks = ""
        self._job: _Job | None = self._begin(_Wish(_WARM_UP, "", settings))

    def overlay(self, caption: Caption | None, pts: int, settings: Settings) -> Overlay | None:
        """What to lay over the frame of this time; None: nothing.

        Waits for a new one for 15 ms at most, and where the source is read as fast as possible for
        5 s. A cue of more lines than are shown at once comes in parts, each for as long as it takes
        to say. A cue that cannot be drawn is left out, with one warning.

        Raises MissingDependency where what draws is not installed; switch the stage off and on once
        it is.
        """
        if self._lacks:
            raise MissingDependency(self._lacks)
        if caption is not self._shown:
            self._shown, self._since = caption, pts
        if caption is None:
            return None
        wish = _Wish(caption.text, caption.language, settings.stages.captions)
        painted = self._painted(wish, settings)
        if painted is None:
            return None
        over = sum(end <= pts - self._since for end in painted.ends_ns)
        if over:
            painted = self._painted(wish._replace(text=painted.parts[over]), settings)
        return None if painted is None else painted.overlay

    def _painted(self, wish: _Wish, settings: Settings) -> _Painted | None:
        """The picture; None where there is none, or none yet."""
        until = 0.0
        while wish not in self._kept:
            if self._job is None:
                self._job = self._begin(wish)
            if wish != self._waited:
                # Once for each: on the frames after, it is there or not.
                fast = settings.source_in_use.pace == "fast"
                self._waited = wish
                until = time.monotonic() + (_FILE_WAIT_S if fast else _LIVE_WAIT_S)
            assert self._job is not None
            begun, job = self._job
            if not wait([job], max(0.0, until - time.monotonic())).done:
                return None
            self._job = None
            self._keep(begun, job)
        self._kept.move_to_end(wish)
        return self._kept[wish]

    def _keep(self, wish: _Wish, job: Future[_Painted | None]) -> None:
        painted = None
        try:
            painted = job.result()
        except MissingDependency as error:
            self._lacks = str(error)
            raise
        except InputError as error:
            # What warms up is nobody's caption.
            if wish.text != _WARM_UP:
                log.warning("a caption is left out", why=str(error))
        self._kept[wish] = painted
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def _begin(self, wish: _Wish) -> _Job:
        return wish, self._thread.submit(_paint, self._pens, wish, self._format)


def _paint(pens: list[CaptionDrawer], wish: _Wish, format: Format) -> _Painted | None:
    """Not a method: a job must not keep its painter alive. ``pens``: made in this thread, once."""
    if not pens:
        pens.append(CaptionDrawer())
    drawn = pens[0].draw(wish.text, wish.language, wish.settings, format.width, format.height)
    if drawn is None:
        return None
    ends, end = [], 0
    for part in drawn.parts[:-1]:
        end += int(max(_SHORTEST_S, sum(map(columns_of, part)) / _COLUMNS_A_SECOND) * 1e9)
        ends.append(end)
    overlay = overlay_of(drawn.bgra, drawn.x, drawn.y, format.colour)
    return _Painted(overlay, drawn.parts, tuple(ends))
