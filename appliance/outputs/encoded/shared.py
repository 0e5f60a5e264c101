"""The encoders that run now, each shared by all who ask for the same; none without a taker."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

import structlog

from appliance.errors import OutputError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame
from appliance.outputs import encoders
from appliance.outputs.encoded.audio import AudioEncoder, AudioKey, Codec
from appliance.outputs.encoded.packet import Deliver
from appliance.outputs.encoded.video import VideoEncoder, VideoKey

log = structlog.get_logger(__name__)

# A hardware encoder that failed while running is not tried again for so long.
DISTRUST_S = 600.0
FINISH_S = 1.0
# Where nobody has ever brought sound, nobody is waited for.
UNHEARD_NS = 100_000_000


class Encoders:
    """Hands out running encoders, and stops those that nobody takes from any more."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _video: ClassVar[dict[VideoKey, VideoEncoder]] = {}
    _audio: ClassVar[dict[AudioKey, AudioEncoder]] = {}
    _failed: ClassVar[dict[str, float]] = {}

    @classmethod
    def running(cls) -> list[tuple[str, int]]:
        """Name and number of takers of each encoder that runs now."""
        # Without the lock, which is held while an encoder starts: the status must not wait for it.
        video = [(key.encoder.name, encoder.users) for key, encoder in list(cls._video.items())]
        audio = [(key.codec, encoder.users) for key, encoder in list(cls._audio.items())]
        return [*video, *audio]

    @classmethod
    def video(cls) -> list[VideoEncoder]:
        """Those of pictures that run now."""
        return list(cls._video.values())

    @classmethod
    def choose(cls, wanted: encoders.Wanted, format: Format) -> encoders.Encoder:
        """The encoder for a stream: one that works here, and has not failed of late.

        Raises InputError and MissingDependency as ``encoders.choose`` and ``startable`` do.
        """
        chosen = encoders.choose(wanted.encoder)
        if time.monotonic() - cls._failed.get(chosen.name, float("-inf")) < DISTRUST_S:
            return encoders.choose(encoders.SOFTWARE)
        return encoders.startable(chosen, format, wanted.rate(format))

    @classmethod
    def take_video(cls, key: VideoKey, deliver: Deliver) -> VideoEncoder:
        """Have ``deliver`` called with each packet. Raises MissingDependency or OutputError."""
        with cls._lock:
            encoder = cls._video.get(key)
            if encoder is None or encoder.error is not None:
                # Those who take from one that has failed find out when they push.
                encoder = cls._video[key] = VideoEncoder(key)
            encoder.users += 1
        encoder.add(deliver)
        return encoder

    @classmethod
    def leave_video(cls, encoder: VideoEncoder, deliver: Deliver, *, finish: bool) -> None:
        """Take no more packets; with ``finish``, after those of the frames that were pushed.

        Raises OutputError when they do not come. The last to leave stops the encoder.
        """
        with cls._lock:
            encoder.users -= 1
            last = encoder.users == 0
            if last and cls._video.get(encoder.key) is encoder:
                del cls._video[encoder.key]
        try:
            if last:
                encoder.stop(finish=finish)
            elif finish:
                encoder.drain()
        finally:
            encoder.remove(deliver)

    @classmethod
    def take_audio(cls, key: AudioKey, deliver: Deliver) -> AudioEncoder:
        """Have ``deliver`` called with each packet of sound. Raises MissingDependency."""
        with cls._lock:
            encoder = cls._audio.get(key)
            if encoder is None or encoder.error is not None:
                encoder = cls._audio[key] = AudioEncoder(key)
            encoder.users += 1
        encoder.add(deliver)
        return encoder

    @classmethod
    def leave_audio(cls, encoder: AudioEncoder, deliver: Deliver, *, finish: bool) -> None:
        """Take no more packets of sound. The last to leave stops the encoder."""
        with cls._lock:
            encoder.users -= 1
            last = encoder.users == 0
            if last and cls._audio.get(encoder.key) is encoder:
                del cls._audio[encoder.key]
        if last:
            if finish and encoder.error is None:
                encoder.finish(FINISH_S)
            encoder.stop()
        encoder.remove(deliver)

    @classmethod
    def distrust(cls, encoder: VideoEncoder) -> None:
        """Remember that an encoder failed while running."""
        failed = encoder.key.encoder
        if failed.hardware and failed.name not in cls._failed:
            log.warning("encoder replaced", failed=failed.name, using=encoders.SOFTWARE)
        if failed.hardware:
            cls._failed[failed.name] = time.monotonic()


class EncodedStream:
    """What one output takes: packets of the picture, and of the sound if it has any.

    Attributes:
        format: of the frames that are encoded.
    """

    def __init__(
        self,
        format: Format,
        wanted: encoders.Wanted,
        codec: Codec | None,
        deliver: Deliver,
        *,
        lossless: bool = False,
    ) -> None:
        """Begin to take. ``deliver`` is called in the encoders' threads.

        Raises InputError, MissingDependency or OutputError.
        """
        self.format, self.codec = format, codec
        self._deliver, self._lossless = deliver, lossless
        self._dropped = 0
        self._heard = False
        self._closed = False
        self._left = False
        self._video = Encoders.take_video(self._key(wanted), self._deliver)
        self._before = self._video.dropped
        self._audio: AudioEncoder | None = None
        if codec is not None:
            try:
                self._audio = Encoders.take_audio(AudioKey(codec, wanted.programme), self._deliver)
            except BaseException:
                Encoders.leave_video(self._video, self._deliver, finish=False)
                raise

    def _key(self, wanted: encoders.Wanted) -> VideoKey:
        encoder = Encoders.choose(wanted, self.format)
        rate = wanted.rate(self.format)
        return VideoKey(self.format, encoder, rate, wanted.what, wanted.programme, self._lossless)

    @property
    def dropped(self) -> int:
        """Frames that the encoder was too slow for since this stream takes from it."""
        return self._dropped + self._video.dropped - self._before

    @property
    def encoder(self) -> VideoEncoder:
        """The one that the packets come from."""
        return self._video

    def push(self, frame: Frame, patience_ns: int) -> None:
        """Have a frame encoded; silence for what sound has not come within ``patience_ns`` of it.

        Raises OutputError when an encoder has failed.
        """
        try:
            self._video.push(frame)
        except OutputError:
            if self._video.error is not None:
                Encoders.distrust(self._video)
            raise
        if self._audio is not None:
            self._audio.fill(frame.pts, patience_ns if self._heard else UNHEARD_NS)
            if self._audio.error is not None:
                raise OutputError(f"encoder {self._audio.key.codec}: {self._audio.error}")

    def hear(self, sound: AudioBlock) -> None:
        """Have a block of sound encoded."""
        if self._audio is not None:
            self._heard = True
            self._audio.push(sound)

    def force_key_frame(self) -> None:
        """Make the next frame a key frame."""
        self._video.force_key_frame()

    def change(self, wanted: encoders.Wanted) -> None:
        """Take the picture from another encoder, which begins with a key frame.

        Raises InputError, MissingDependency or OutputError; then no more pictures come.
        """
        before = self._video
        key = self._key(wanted)
        if key == before.key:
            return
        self._dropped = self.dropped
        # First the old one, whose last packets would come between those of the new one.
        self._left = True
        Encoders.leave_video(before, self._deliver, finish=False)
        self._video = Encoders.take_video(key, self._deliver)
        self._left = False
        self._before = self._video.dropped

    def close(self, *, finish: bool = False) -> None:
        """Take no more; with ``finish``, after the packets of what was pushed. Once is enough.

        Raises OutputError when those do not come.
        """
        if self._closed:
            return
        self._closed = True
        try:
            # Once: it would be stopped under others who take from it.
            if not self._left:
                Encoders.leave_video(self._video, self._deliver, finish=finish)
        finally:
            if self._audio is not None:
                Encoders.leave_audio(self._audio, self._deliver, finish=finish)
