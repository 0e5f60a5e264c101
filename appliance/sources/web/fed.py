"""A source whose bytes are fetched here and handed to GStreamer.

    appsrc ! decodebin … (``GstSource``)

GStreamer's own HTTP elements are not used: they follow a server to wherever it points, local files
included, and have no bounds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import MatteboxError, SourceError
from appliance.media.gst import Gst, error_text
from appliance.sources.elements import chain, make
from appliance.sources.gstreamer import GstSource
from appliance.sources.web.fetch import Answer, Web
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

_END_S = 0.3


class Fetching:
    """What is fetched for one opening; ``stop`` ends it, from any thread, whatever it waits for."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._answer: Answer | None = None
        self._lock = threading.Lock()

    def reads(self, answer: Answer) -> Answer:
        """Note what is being read now; closes what was. Raises SourceError once stopped."""
        with self._lock:
            before, self._answer = self._answer, answer
            late = self.stopped.is_set()
        if before is not None and before is not answer:
            before.close()
        if late:
            answer.close()
            raise SourceError("stopped")
        return answer

    def stop(self) -> None:
        """End it."""
        self.stopped.set()
        with self._lock:
            answer = self._answer
        if answer is not None:
            answer.close()


class FedSource(GstSource):
    """Subclasses say how the appsrc is made and what goes into it."""

    def __init__(self, settings: SourceSettings, name: str, web: Web, answer: Answer) -> None:
        """``answer``: that of the first GET, whose headers have been looked at."""
        super().__init__(settings, name)
        self.web = web
        self._answer: Answer | None = answer
        self.fetching = Fetching()

    def first_answer(self) -> Answer:
        """The answer to the first GET; asked for again when it has been used."""
        answer, self._answer = self._answer, None
        return self.fetching.reads(answer or self.web.get())

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        self.fetching = Fetching()
        chain(pipeline, [self.feeder(), self.decoder])

    def feeder(self) -> Gst.Element:
        """The appsrc, and whatever feeds it started."""
        raise NotImplementedError

    def in_thread(self, feed: Callable[[Fetching], None]) -> None:
        """Have a thread feed; what it raises is what the source fails with."""
        fetching = self.fetching

        def all_of_it() -> None:
            try:
                feed(fetching)
            except Exception as error:  # noqa: BLE001  handed to the reader, who raises it
                self.fails(fetching, error)
            finally:
                fetching.stop()

        self._thread = threading.Thread(target=all_of_it, name="source-web", daemon=True)
        self._thread.start()

    _thread: threading.Thread | None = None

    def fails(self, fetching: Fetching, error: Exception) -> None:
        """Have the reader raise it, unless the source was closed since."""
        if fetching.stopped.is_set() or fetching is not self.fetching:
            return
        if isinstance(error, MatteboxError):
            error = SourceError(f"{self.name}: {redact(str(error))}")
        self._failure = self._failure or error

    def close(self) -> None:
        """See ``Source.close``."""
        self.fetching.stop()
        super().close()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_S)
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()

    def failed(self, message: Gst.Message) -> MatteboxError:
        """See ``GstSource.failed``: next time the server may send something else."""
        return SourceError(
            f"{self.name}: what it sends cannot be played ({redact(error_text(message))})"
            f"{self._missing}"
        )

    def _no_video(self) -> MatteboxError:
        return SourceError(f"{self.name}: it has no video{self._missing}; expected pictures")


def appsrc(**properties: Any) -> Gst.Element:
    """One that says nothing by itself."""
    return make("appsrc", emit_signals=False, **properties)


def push(source: Gst.Element, data: bytes, pts: int | None = None) -> bool:
    """Hand bytes on; False once nobody takes any more."""
    buffer = Gst.Buffer.new_wrapped(data)
    if pts is not None:
        buffer.pts = pts
    return bool(source.emit("push-buffer", buffer) == Gst.FlowReturn.OK)
