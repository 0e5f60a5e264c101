"""http:// and https://: looks at what the server sends, and has it played by what can."""

from __future__ import annotations

from appliance.config.secrets import fill
from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.frame import Format, Frame
from appliance.sources.base import Source
from appliance.sources.chosen_sound import SoundOfChosen
from appliance.sources.web.fetch import Answer, Web
from appliance.sources.web.kind import kind_of
from appliance.system.redact import redact


class WebSource(SoundOfChosen):
    """Whatever is at an address. What it is is found out anew at each opening."""

    live = True

    def __init__(self, settings: SourceSettings, uri: str) -> None:
        self.settings = settings
        self.name = redact(uri)
        self._uri = uri
        self.paced = False
        self._chosen: Source | None = None

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self.close()
        try:
            web = Web(fill(self._uri), self.settings.timeout_s)
            answer = web.get()
            try:
                self._chosen = self._made(web, answer)
            except BaseException:
                answer.close()
                raise
        except MatteboxError as error:
            # Also what a credential lacks: whatever it is may be right the next time.
            raise SourceError(f"{self.name}: {redact(str(error))}") from None
        self.paced = self._chosen.paced
        try:
            return self._chosen.open(want)
        except InputError as error:
            raise SourceError(str(error)) from error

    def _made(self, web: Web, answer: Answer) -> Source:
        kind = kind_of(answer)
        if kind == "mjpeg":
            from appliance.sources.web.mjpeg import MjpegSource

            return MjpegSource(self.settings, self.name, web, answer)
        if kind == "picture":
            from appliance.sources.web.picture import WebPictureSource

            return WebPictureSource(self.settings, self.name, web, answer)
        if kind == "hls":
            from appliance.sources.web.hls import HlsSource

            return HlsSource(self.settings, self.name, web, answer)
        from appliance.sources.web.video import WebVideoSource

        return WebVideoSource(self.settings, self.name, web, answer)

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        if self._chosen is None:
            raise SourceError(f"{self.name}: it is not open")
        try:
            return self._chosen.read(timeout)
        except InputError as error:
            raise SourceError(str(error)) from error

    def close(self) -> None:
        """See ``Source.close``."""
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            chosen.close()
