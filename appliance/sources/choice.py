"""What decodebin may plug in, and which of a container's streams it decodes."""

from __future__ import annotations

import struct
import threading
from typing import Any

from appliance.config.settings.types import MIN_SIDE
from appliance.errors import InputError
from appliance.media.gst import Gst, first_structure
from appliance.sources.allowed import KNOWN, is_pictures, is_played, may_take
from appliance.sources.conform import check_size
from appliance.sources.default_stream import stands_back

# GstAutoplugSelectResult, which has no introspection.
_TRY, _SKIP = 0, 2
_DROP = Gst.PadProbeReturn.DROP
_JPEG = Gst.Caps.from_string("image/jpeg")
# What cameras and phones put before the size: EXIF with a small picture, at most 64 kB, and more.
_JPEG_HEAD = 256 << 10


class StreamChoice:
    """Answers one decodebin's questions, in its streaming threads.

    Of a container's streams of pictures only one is decoded, the first that can be played and is
    marked as the default: each of the others would cost as much, for nothing. Sound and subtitles
    are left as they are.

    Attributes:
        refused: why there will be no picture, once that is known.
        none_marked: whether all that can be played stood back: open again with ``any_stream``.
    """

    def __init__(self, decoder: Gst.Element, name: str, *, any_stream: bool = False) -> None:
        """``name`` is what errors call the source; ``any_stream``: take the first, marked or not.

        The streams come one by one, so the first can only stand back for what may not come.
        """
        self.refused: InputError | None = None
        self.none_marked = False
        self._any_stream, self._stood_back = any_stream, False
        self._name = name
        self._chosen: Gst.Pad | None = None
        self._lock = threading.Lock()
        decoder.connect("autoplug-continue", self._goes_on)
        decoder.connect("autoplug-select", self._select)
        decoder.connect("no-more-pads", self._on_all_pads)
        self._left = ""

    def _goes_on(self, _decoder: Gst.Element, pad: Gst.Pad, caps: Gst.Caps) -> bool:
        """Whether a pad is gone on with, rather than left as it is; asked more than once."""
        stream = pad.get_target()
        factory = _factory_behind(stream)
        if factory is None or caps.is_any() or caps.is_empty():
            return True
        name = first_structure(caps).get_name()
        if factory.get_name() == "typefind":
            if not is_played(caps) and not name.startswith("audio/"):
                self._refuse(f"it is {name}")
            return is_played(caps)
        if not _is_demuxer(factory):
            return True
        if not is_pictures(caps):
            return False
        if not is_played(caps):
            self._left = self._left or name
            return False
        if not self._any_stream and stands_back(stream, factory):
            self._stood_back = True
            return False
        with self._lock:
            self._chosen = self._chosen or stream
            return bool(self._chosen == stream)

    def _select(self, _decoder: Gst.Element, pad: Gst.Pad, caps: Gst.Caps, factory: Any) -> int:
        """Whether this element may be plugged in behind a pad."""
        behind = _factory_behind(pad.get_target())
        nested = behind is not None and _is_demuxer(behind) and _is_demuxer(factory)
        if nested or not may_take(factory, caps):
            return _SKIP
        # Before anything is decoded: afterwards the memory is spent.
        decodes = "Decoder" in factory.get_metadata("klass")
        return _SKIP if decodes and not self._fits(*_declared(caps)) else _TRY

    def watch(self, decoder: Gst.Element) -> None:
        """Watch that a decoder that was just added makes no larger pictures than was said."""
        out, into = decoder.get_static_pad("src"), decoder.get_static_pad("sink")
        if out is not None:
            out.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._on_event)
        # decodebin itself, which calls itself a decoder, takes anything: parts of the file.
        takes = into.get_pad_template_caps() if into is not None else None
        if takes is not None and not takes.is_any() and takes.can_intersect(_JPEG):
            # It takes memory for what is in the picture's header, whatever becomes of its caps.
            into.add_probe(Gst.PadProbeType.BUFFER, self._on_jpeg)

    def _on_jpeg(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Drop a JPEG picture of the wrong size before it is decoded."""
        buffer = info.get_buffer()
        size = jpeg_size(buffer.extract_dup(0, min(buffer.get_size(), _JPEG_HEAD)))
        return Gst.PadProbeReturn.OK if size is None or self._fits(*size) else _DROP

    def _fits(self, width: int, height: int) -> bool:
        try:
            check_size(width, height, self._name)
        except InputError as error:
            self.refused = self.refused or error
            return False
        return True

    def _on_event(self, pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Stop a decoder whose pictures are not what their container said."""
        event = info.get_event()
        if event.type == Gst.EventType.CAPS and not self._fits(*_declared(event.parse_caps())):
            # Flushing: its negotiation fails, so that most decoders take no memory for it.
            pad.set_active(False)
            return _DROP
        return Gst.PadProbeReturn.OK

    def _on_all_pads(self, _decoder: Gst.Element) -> None:
        if self._chosen is None and self._stood_back:
            self.none_marked = True
        elif self._chosen is None and self._left:
            self._refuse(f"its pictures are {self._left}")

    def _refuse(self, what: str) -> None:
        self.refused = self.refused or InputError(
            f"{self._name}: {what}, which is not played; expected {KNOWN}: check "
            "it with ffprobe, convert it with ffmpeg"
        )


def jpeg_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG picture, from its first bytes; None if they do not hold them."""
    at = 2 if head.startswith(b"\xff\xd8") else len(head)
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        else:
            at += 2 + int(struct.unpack_from(">H", head, at + 2)[0])
    return None


def _declared(caps: Gst.Caps) -> tuple[int, int]:
    """Width and height by a stream's caps; where they say nothing, a size that is right."""
    structure = first_structure(caps)
    known_width, width = structure.get_int("width")
    known_height, height = structure.get_int("height")
    return (width, height) if known_width and known_height else (MIN_SIDE, MIN_SIDE)


def _factory_behind(pad: Gst.Pad | None) -> Any:
    """The factory of the element that a pad belongs to; None if it cannot be told."""
    element = pad.get_parent_element() if pad is not None else None
    return element.get_factory() if element is not None else None


def _is_demuxer(factory: Any) -> bool:
    return "Demuxer" in str(factory.get_metadata("klass")).split("/")
