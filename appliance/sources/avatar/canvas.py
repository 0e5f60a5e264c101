"""Canvases that an avatar's pictures are laid on: few, made once, used again and again."""

from __future__ import annotations

import threading

import cv2
import numpy as np

from appliance.avatars.clip import ClipFrame
from appliance.errors import SourceError
from appliance.faces.base import Patch
from appliance.faces.paste import paste_patch
from appliance.media.frame import U8, Colour, Format, Frame, Rect, blank
from appliance.sources.avatar.recolour import Recolour

# In flight at once: one in the mailbox, one being composited, one held for the frame between; and
# what fades or repeats.
_MOST = 12


class _Canvas:
    """Planes, and which part of them holds somebody."""

    def __init__(self, format: Format) -> None:
        self.frame = blank(format.width, format.height, format.colour)
        self.alpha: U8 = np.zeros((format.height, format.width), np.uint8)
        self.used = Rect(0, 0, 0, 0)

    def clear(self, rect: Rect) -> None:
        """Have nobody outside ``rect``."""
        old, self.used = self.used, rect
        if not rect.contains(old):
            self.alpha[old.y : old.bottom, old.x : old.right] = 0


class _Lease:
    """Gives its canvas back when nobody holds it any more."""

    def __init__(self, pool: AvatarCanvases, canvas: _Canvas) -> None:
        self._pool, self._canvas = pool, canvas

    def __del__(self) -> None:
        self._pool.give_back(self._canvas)


class AvatarCanvases:
    """Canvases of one format for the pictures of avatars of another."""

    def __init__(self, format: Format, avatar: Format) -> None:
        """``format``: of the canvas. ``avatar``: of the pictures, which are fitted into it."""
        self._format = format
        same = format.colour == avatar.colour
        self._own = avatar.colour
        self._recolour = None if same else Recolour(avatar.colour, format.colour)
        self._free: list[_Canvas] = []
        self._made = 0
        # Taken again by its holder: the collector may give a canvas back in that very thread.
        self._lock = threading.RLock()
        by = min(format.width / avatar.width, format.height / avatar.height)
        self._by = by
        self._left = (format.width - round(avatar.width * by)) // 4 * 2
        self._top = (format.height - round(avatar.height * by)) // 4 * 2

    def draw(self, picture: ClipFrame, patch: Patch | None, feather: float) -> Frame:
        """A frame with the picture on it, and its alpha; all else of it means nothing.

        ``feather``: the ramp of the patch, as a part of its width. Raises
        SourceError when every canvas is in use.
        """
        canvas = self._take()
        rect = self._place(picture.rect)
        canvas.clear(rect)
        frame = canvas.frame
        y = frame.y[rect.y : rect.bottom, rect.x : rect.right]
        uv = frame.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
        alpha = canvas.alpha[rect.y : rect.bottom, rect.x : rect.right]
        if rect == picture.rect:
            np.copyto(y, picture.y)
            np.copyto(uv, picture.uv)
            np.copyto(alpha, picture.alpha)
            if patch is not None:
                _paste(Frame(frame.y, frame.uv, self._own), patch, feather)
        else:
            # Patches are in the avatar's own pixels.
            if patch is not None:
                picture = _patched(picture, patch, self._own, feather)
            _resize(picture.y, y)
            _resize(picture.uv, uv)
            _resize(picture.alpha, alpha)
        if self._recolour is not None:
            self._recolour(y, uv)
        return Frame(
            frame.y, frame.uv, self._format.colour, alpha=canvas.alpha,
            owner=_Lease(self, canvas),
        )  # fmt: skip

    def give_back(self, canvas: _Canvas) -> None:
        """A canvas is free again."""
        with self._lock:
            self._free.append(canvas)

    def _take(self) -> _Canvas:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._made >= _MOST:
                raise SourceError(f"all {_MOST} canvases of the avatar are in use")
            self._made += 1
            return _Canvas(self._format)

    def _place(self, rect: Rect) -> Rect:
        if self._by == 1 and not self._left and not self._top:
            return rect
        x = self._left + round(rect.x * self._by / 2) * 2
        y = self._top + round(rect.y * self._by / 2) * 2
        whole = self._format.rect
        width = min(max(2, round(rect.width * self._by / 2) * 2), whole.width - x)
        height = min(max(2, round(rect.height * self._by / 2) * 2), whole.height - y)
        return Rect(x, y, width, height)


def _resize(plane: U8, out: U8) -> None:
    cv2.resize(plane, (out.shape[1], out.shape[0]), dst=out, interpolation=cv2.INTER_AREA)


def _paste(frame: Frame, patch: Patch, feather: float) -> None:
    paste_patch(frame, patch, feather * patch.rect.width)


def _patched(picture: ClipFrame, patch: Patch, colour: Colour, feather: float) -> ClipFrame:
    own = Frame(picture.y.copy(), picture.uv.copy(), colour)
    at = Rect(
        patch.rect.x - picture.rect.x, patch.rect.y - picture.rect.y, patch.rect.width,
        patch.rect.height,
    )  # fmt: skip
    _paste(own, Patch(at, patch.y, patch.uv, patch.mask), feather)
    return ClipFrame(own.y, own.uv, picture.alpha, picture.rect)
