"""A video file over HTTP, or a stream without end (MPEG-TS, FLV)."""

from __future__ import annotations

from typing import Any

from appliance.config.settings import SourceSettings
from appliance.errors import SourceError
from appliance.media.frame import Frame
from appliance.media.gst import Gst
from appliance.sources.gstreamer import GstSource
from appliance.sources.web.fed import Fetching, appsrc, push
from appliance.sources.web.fetch import Answer, Web
from appliance.sources.web.rounds import PacedFedSource

_TS, _TS_PACKET = 0x47, 188
_WITHOUT_END = ("video/mp2t", "video/x-flv")


class WebVideoSource(PacedFedSource):
    """Bytes are asked for as they are needed, also from the middle where the server can."""

    def __init__(self, settings: SourceSettings, name: str, web: Web, answer: Answer) -> None:
        super().__init__(settings, name, web, answer)
        head = answer.peek(2 * _TS_PACKET)
        ts = len(head) > _TS_PACKET and head[0] == head[_TS_PACKET] == _TS
        stream = ts or head.startswith(b"FLV") or answer.kind in _WITHOUT_END
        # Nobody says where it ends: a camera, whose pictures come when they are made.
        self.paced = not (stream and answer.length is None)
        if not self.paced:
            self.buffers = 2

    @property
    def live_drop(self) -> bool:
        """See ``GstSource.live_drop``."""
        return not self.paced

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        return super().read(timeout) if self.paced else GstSource.read(self, timeout)

    def feeder(self) -> Gst.Element:
        """See ``FedSource.feeder``."""
        answer = self.first_answer()
        seekable = answer.length is not None and "bytes" in answer.headers.get("accept-ranges", "")
        source = appsrc(format="bytes", stream_type="seekable" if seekable else "stream")
        source.set_property("emit-signals", True)
        if answer.length is not None:
            source.set_property("size", answer.length)
        body = _Body(self.web, self.fetching, answer, resumes=seekable)
        source.connect("need-data", self._on_need, body)
        source.connect("seek-data", self._on_seek, body)
        return source

    # Both are called by the appsrc's streaming thread, one at a time.

    def _on_need(self, source: Gst.Element, _count: int, body: _Body) -> None:
        try:
            data = body.read()
        except Exception as error:  # noqa: BLE001  handed to the reader, who raises it
            self.fails(body.fetching, error)
            data = b""
        if data:
            push(source, data)
        else:
            source.emit("end-of-stream")

    def _on_seek(self, _source: Gst.Element, offset: int, body: _Body) -> bool:
        try:
            body.seek(offset)
        except Exception as error:  # noqa: BLE001  handed to the reader, who raises it
            self.fails(body.fetching, error)
            return False
        return True


class _Body:
    """A file's bytes, from wherever they are wanted."""

    def __init__(self, web: Web, fetching: Fetching, answer: Answer, *, resumes: bool) -> None:
        self.fetching = fetching
        self._web, self._answer, self._resumes = web, answer, resumes
        self._length, self._at, self._resumed = answer.length, 0, -1

    def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises SourceError where it breaks off."""
        data = self._more()
        if not data and self._length is not None and self._at < self._length:
            if not self._resumes or self._resumed == self._at:
                raise SourceError(f"it broke off after {self._at} of {self._length} bytes")
            self._resumed = self._at
            self._from(self._at)
            data = self._more()
        self._at += len(data)
        return data

    def _more(self) -> bytes:
        try:
            return self._answer.read()
        except SourceError:
            if not self._resumes or self._resumed == self._at or self.fetching.stopped.is_set():
                raise
            return b""

    def seek(self, offset: int) -> None:
        """Go on from there."""
        if offset != self._at:
            self._from(offset)

    def _from(self, offset: int) -> None:
        headers: dict[str, Any] = {"Range": f"bytes={offset}-"}
        if self._length is not None and offset >= self._length:
            self._at = offset
            return
        answer = self.fetching.reads(self._web.get(headers=headers))
        if answer.status != 206:
            answer.close()
            raise SourceError("the server does not send the part that was asked for (Range)")
        self._answer, self._at = answer, offset
