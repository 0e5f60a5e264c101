"""Animated WebP and PNG, which GStreamer shows only the first picture of: decoded by Pillow."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PIL import Image

from appliance.errors import InputError, SourceError
from appliance.media.frame import Format, Frame
from appliance.media.image import flat_rgb, open_picture
from appliance.media.rgb import place, rgb_to_nv12

# What is decoded once is kept, up to so many bytes: a loop of two seconds at 1080p and 20 fps.
_KEPT_BYTES = 128 << 20
# Browsers take a duration of up to 10 ms for a mistake, and show the picture for 100.
_SHORTEST_MS, _USUAL_MS = 11, 100
# One that is shown for longer is given again: a source that is silent for long is taken for dead.
_AGAIN_MS = 1000


def is_animated(path: Path) -> bool:
    """Whether a file is a WebP or PNG of several pictures. Raises InputError."""
    opened = open_picture(path)
    if opened is None:
        return False
    with opened as picture:
        return picture.format in ("PNG", "WEBP") and getattr(picture, "n_frames", 1) > 1


class AnimationSource:
    """Plays the file for ever at its own speed, whatever count of loops it asks for."""

    live = paced = True

    def __init__(self, path: Path, fit: str) -> None:
        """``fit``: fill or fit, as ``place`` takes it."""
        self._path, self._fit = path, fit
        self._picture: Image.Image | None = None
        self._format: Format | None = None
        self._index = self._serial = self._pts = 0
        self._kept: dict[int, tuple[Frame, int]] = {}
        self._due: tuple[Frame, int] | None = None

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``; a canvas must be wanted. Raises InputError."""
        self.close()
        if want is None:
            raise ValueError("an animation is made for a canvas: expected its format")
        self._picture = open_picture(self._path)
        if self._picture is None:
            raise InputError(f"background {str(self._path)!r}: it is no picture any more")
        self._format = want
        self._index = self._serial = self._pts = 0
        self._kept, self._due = {}, None
        return want

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``; the feeder holds each until it is due."""
        frame, milliseconds = self._due or self._next()
        self._due = None
        shown = min(milliseconds, _AGAIN_MS)
        frame = replace(
            frame, pts=self._pts, duration=shown * 1_000_000, captured=time.monotonic_ns(),
            serial=self._serial, discontinuity=self._index == 0,
        )  # fmt: skip
        self._serial += 1
        self._pts += shown * 1_000_000
        if milliseconds > shown:
            self._due = frame, milliseconds - shown
        else:
            assert self._picture is not None
            self._index = (self._index + 1) % getattr(self._picture, "n_frames", 1)
        return frame

    def close(self) -> None:
        """See ``Source.close``."""
        picture, self._picture = self._picture, None
        if picture is not None:
            picture.close()
        self._kept = {}

    def _next(self) -> tuple[Frame, int]:
        """The picture at ``_index`` and how long it is shown, ms."""
        kept = self._kept.get(self._index)
        if kept is not None:
            return kept
        if self._picture is None or self._format is None:
            raise SourceError(f"background {str(self._path)!r}: it is not open")
        try:
            self._picture.seek(self._index)
            rgb = flat_rgb(self._picture, str(self._path))
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise SourceError(
                f"background {str(self._path)!r}: picture {self._index + 1} is damaged ({error})"
            ) from error
        said = round(float(self._picture.info.get("duration", _USUAL_MS)))
        frame = rgb_to_nv12(place(rgb, self._format, self._fit), self._format.colour)
        made = frame, said if said >= _SHORTEST_MS else _USUAL_MS
        if (len(self._kept) + 1) * (frame.y.nbytes + frame.uv.nbytes) <= _KEPT_BYTES:
            self._kept[self._index] = made
        return made
