"""csi:// and v4l2:// by jetson-utils: pictures in memory that CPU and GPU share, without a copy.

Not tried on hardware yet: written from the library's sources (its Python bindings, gstCamera,
gstBufferManager), and tested against a stand-in that behaves as they do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.borrowed import Borrowed
from appliance.media.clock import NO_TIME
from appliance.media.frame import Colour, Format, Frame
from appliance.sources import jetson_image
from appliance.sources.caps_fixes import default_matrix
from appliance.system import jetson_utils
from appliance.system.deadline import Late, within

log = structlog.get_logger(__name__)

_CLOSE_WITHIN = 1.5
# A frame waits in a mailbox and is processed: for this many seconds the ring must not wrap round.
_HELD_S = 0.25
_FEWEST, _MOST = 6, 32
# An unknown format name is how the library is asked for its raw pictures.
_RAW = "unknown"


class JetsonSource:
    """One camera, NV12, at the size and rate asked for; refuses what cannot be read by pointer."""

    live = True
    paced = False

    def __init__(
        self,
        settings: SourceSettings,
        uri: str,
        usual: tuple[int, int],
        load: Callable[[], Any] = jetson_utils.load,
    ) -> None:
        """``usual`` is the size if none is set. Raises MissingDependency."""
        self.settings = settings
        self.name = uri
        self._usual = usual
        self._module = load()
        self._source: Any = None
        self._first: Any = None
        self._format = Format(2, 2)
        self._lent_ns = 0
        self._frames = 0

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``. Waits ``timeout_s`` for the first picture."""
        self.close()
        limit = self.settings.timeout_s
        try:
            self._source, self._first = within(
                limit, lambda: self._start(want), name=f"open {self.name}", undo=_drop
            )
        except Late:
            raise SourceError(
                f"{self.name}: jetson-utils gave nothing within {limit:g} s"
            ) from None
        try:
            self._format = self._format_of(self._first, want)
        except InputError:
            self.close()
            raise
        self._frames = 0
        period = int(1e9 / self._format.rate)
        # One picture is being written, and another may have come since this one was the newest.
        self._lent_ns = (_ring(self._format.rate) - 2) * period
        return self._format

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        if self._source is None:
            raise SourceError(f"{self.name}: it is not open")
        image, self._first = self._first, None
        if image is None:
            image = self._capture(self._source, timeout)
        if image is None:
            return None
        now = time.monotonic_ns()
        given = (image.width, image.height)
        if given != (self._format.width, self._format.height):
            raise SourceError(f"{self.name}: pictures have become {given[0]}x{given[1]}")
        y, uv, lent = jetson_image.planes(image)
        keeps = (self._source, image)
        owner = Borrowed(
            now + self._lent_ns, jetson_image.surface(image, self._format.colour, keeps), keeps
        )
        frame = Frame(
            y, uv, self._format.colour, image.timestamp or NO_TIME, now, self._frames,
            self._frames == 0, owner if lent else None,
        )  # fmt: skip
        self._frames += 1
        return frame

    def close(self) -> None:
        """See ``Source.close``. Frames already given keep their memory."""
        source, self._source, self._first = self._source, None, None
        if source is None:
            return
        try:
            within(_CLOSE_WITHIN, source.Close, name=f"close {self.name}")
        except Late:
            log.warning(
                "a source does not let go; left behind",
                source=self.name, waited_s=_CLOSE_WITHIN,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001  the library raises nothing more specific
            log.warning("a source did not close well", source=self.name, reason=_words(error))

    # Inside.

    def _start(self, want: Format | None) -> tuple[Any, Any]:
        """The library's source and its first picture; runs in a thread that may be abandoned."""
        try:
            source = self._module.videoSource(self.name, argv=self._arguments(want))
        except Exception as error:  # it raises nothing more specific
            raise SourceError(
                f"{self.name}: jetson-utils cannot open it ({_words(error)}); is the camera "
                "plugged in, and does nobody else use it?"
            ) from error
        try:
            # Not Open(): in some versions it kills the process when it fails. Capture opens, too.
            image = self._capture(source, self.settings.timeout_s)
            if image is None:
                raise SourceError(f"{self.name}: no picture within {self.settings.timeout_s:g} s")
            # Makes the process's CUDA context current in this thread, for the check that follows.
            self._module.cudaDeviceSynchronize()
            jetson_image.check(image, self.name)
        except MatteboxError:
            _drop((source, None))
            raise
        return source, image

    def _arguments(self, want: Format | None) -> list[str]:
        """What the library's own programs take on their command line."""
        asked = self.settings
        size = asked.size if asked.size != "auto" else None
        width, height = size or ((want.width, want.height) if want else self._usual)
        fps = asked.fps if asked.fps != "auto" else want.fps if want else (30, 1)
        rate = fps[0] / fps[1]
        return [
            "mattebox",
            f"--input-width={width}",
            f"--input-height={height}",
            # It truncates: 29.97 would become 29, which no camera has.
            f"--input-rate={round(rate)}",
            f"--num-buffers={_ring(rate)}",
            # For CSI cameras it swaps this and none, for those mounted upside down; so this means
            # no turn, as with GStreamer's source.
            *(["--input-flip=rotate-180"] if self.name.startswith("csi:") else []),
        ]

    def _capture(self, source: Any, timeout: float) -> Any:
        """The next picture, or None after ``timeout`` seconds."""
        try:
            return source.Capture(format=_RAW, timeout=max(1, round(timeout * 1000)))
        except Exception as error:  # it raises nothing more specific
            raise SourceError(f"{self.name}: jetson-utils: {_words(error)}") from error

    def _format_of(self, image: Any, want: Format | None) -> Format:
        # It does not tell the colour: assume what GStreamer's source does for untagged streams.
        colour = Colour(default_matrix(image.height))
        if want is not None:
            given = f"{image.width}x{image.height}, {colour.matrix.value}"
            asked = f"{want.width}x{want.height}, {want.colour.matrix.value}"
            if (image.width, image.height, colour) != (want.width, want.height, want.colour):
                raise InputError(f"{self.name}: jetson-utils gives {given}, the canvas is {asked}")
            return want
        rate = self._source.GetFrameRate()
        return Format(image.width, image.height, (max(1, round(rate)) if rate else 30, 1), colour)


def _ring(rate: float) -> int:
    """Pictures in the library's ring."""
    return min(_MOST, max(_FEWEST, math.ceil(_HELD_S * rate) + 2))


def _drop(opened: tuple[Any, Any]) -> None:
    """Close a source that nobody is waiting for any more."""
    try:
        opened[0].Close()
    except Exception as error:  # noqa: BLE001  the library raises nothing more specific
        log.warning("a source did not close well", reason=_words(error))


def _words(error: Exception) -> str:
    return " ".join(str(error).removeprefix("jetson.utils -- ").split()) or type(error).__name__
