"""A picture at an address, such as a weather camera's: shown all the time, read now and then."""

from __future__ import annotations

import threading

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.frame import Format, Frame
from appliance.media.image import decode_picture
from appliance.sources import shown
from appliance.sources.web.fed import Fetching
from appliance.sources.web.fetch import Answer, Web
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

MOST_BYTES = 64 << 20
EVERY_S = 10.0
"""Seconds between two readings, where the settings leave it open."""
# After so many readings in a row that failed, what is shown is too old to be believed.
_MOST_FAILURES = 3
_END_S = 0.3


class WebPictureSource:
    """The newest picture at a steady rate; a thread reads the next."""

    live = paced = True

    def __init__(self, settings: SourceSettings, name: str, web: Web, answer: Answer) -> None:
        """``answer``: that of the first GET."""
        self.settings, self.name, self._web = settings, name, web
        self._answer: Answer | None = answer
        self._every_s = EVERY_S if settings.picture_s == "auto" else settings.picture_s
        self._fetching = Fetching()
        self._format: Format | None = None
        self._newest: Frame | None = None
        self._shown: Frame | None = None
        self._failure: SourceError | None = None
        self._tag: dict[str, str] = {}
        self._longest = 0
        self._count = 0
        self._thread: threading.Thread | None = None

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        answer, self._answer = self._answer, None
        self.close()
        self._fetching, self._failure, self._count = Fetching(), None, 0
        self._longest = shown.longest_of(self.settings, want)
        data = self._body(self._fetching.reads(answer or self._web.get()))
        rgb = decode_picture(data, self._longest, self.name)
        self._format = want or shown.format_of(rgb, self.settings, self.name)
        self._newest, self._shown = shown.shown(rgb, self._format), None
        self._thread = threading.Thread(
            target=self._keep_reading,
            args=(self._fetching, self._format),
            name="source-web",
            daemon=True,
        )
        self._thread.start()
        return self._format

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``; the feeder holds each until it is due."""
        if self._failure is not None:
            raise self._failure
        newest = self._newest
        if newest is None or self._format is None:
            raise SourceError(f"{self.name}: it is not open")
        cut = newest is not self._shown
        self._shown = newest
        frame = shown.at(newest, self._count, self._format, cut=cut)
        self._count += 1
        return frame

    def close(self) -> None:
        """See ``Source.close``."""
        self._fetching.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_END_S)
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        self._newest = self._shown = self._format = None

    def _body(self, answer: Answer) -> bytes:
        """A picture's bytes; notes what tells whether it is another next time."""
        try:
            data = answer.all(MOST_BYTES, max(self.settings.timeout_s, self._every_s))
        except SourceError as error:
            raise SourceError(f"{self.name}: {error}") from None
        tags = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
        self._tag = {ask: answer.headers[tag] for ask, tag in tags if tag in answer.headers}
        return data

    def _keep_reading(self, fetching: Fetching, format: Format) -> None:
        failures, before = 0, b""
        while not fetching.stopped.wait(self._every_s):
            try:
                answer = fetching.reads(self._web.get(headers=self._tag))
                if answer.status == 304:
                    answer.close()
                    data = before
                else:
                    data = self._body(answer)
                if data != before:
                    rgb = decode_picture(data, self._longest, self.name)
                    self._newest, before = shown.shown(rgb, format), data
                failures = 0
            except (MatteboxError, InputError) as error:
                failures += 1
                if fetching.stopped.is_set():
                    return
                reason = redact(str(error))
                if failures == _MOST_FAILURES:
                    self._failure = SourceError(
                        f"{self.name}: {failures} times in a row it could not be read ({reason})"
                    )
                    return
                log.warning("the picture could not be read again", source=self.name, reason=reason)
            except Exception as error:  # handed to the reader, who raises it
                self._failure = SourceError(f"{self.name}: {error}")
                raise
