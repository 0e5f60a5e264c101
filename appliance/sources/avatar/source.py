"""avatar://NAME: pulls the clock of a playout in real time, or as fast as it goes."""

from __future__ import annotations

import time

import structlog

from appliance.avatars.avatar import Avatar, find_avatar, load_avatar
from appliance.avatars.clip import samples_until
from appliance.config.settings import FaceSettings, SourceSettings, VoiceSettings
from appliance.errors import MatteboxError, SourceError
from appliance.faces.base import FaceDriver
from appliance.faces.make import make_face
from appliance.media.audio import AudioBlock, time_of
from appliance.media.frame import Format, Frame
from appliance.playout.playout import Playout
from appliance.sources.avatar.canvas import AvatarCanvases
from appliance.voices.base import Voice
from appliance.voices.make import make_voice

log = structlog.get_logger(__name__)

# A voice says itself what held it up, if it is given the time.
_VOICE_MARGIN_S = 2.0
# Ticks whose sound is kept for whoever fetches it: nobody does where source.sound is none.
_MOST_SOUNDS = 100
# This late, the schedule starts again: slower, never in a burst. As the feeder's clock has it.
_SLACK_NS = 250_000_000


class AvatarSource:
    """A playout as a source: each ``read`` is one tick, made at the moment that it is due.

    A tick is not made ahead, so that what is asked meanwhile is in the very next one.

    Attributes:
        playout: what plays, while it is open.
    """

    def __init__(self, settings: SourceSettings, name: str) -> None:
        self.settings = settings
        self.live = self.paced = settings.pace != "fast"
        self._name = name
        self.playout: Playout | None = None
        self._format: Format | None = None
        self._pool: AvatarCanvases | None = None
        self._sounds: list[AudioBlock] = []
        self._origin: int | None = None
        self._voice, self._face = VoiceSettings(), FaceSettings()

    @property
    def has_sound(self) -> bool:
        """See ``HasSound``: always, be it silence."""
        return True

    @property
    def more_sound(self) -> bool:
        """See ``HasSound``."""
        return self.playout is not None

    def use_voice(self, voice: VoiceSettings) -> None:
        """See ``Speaks``."""
        same, self._voice = voice == self._voice, voice
        playout = self.playout
        if playout is not None and not same:
            playout.use_voice(*_voice_of(voice))

    def use_face(self, face: FaceSettings) -> None:
        """See ``Speaks``."""
        same, self._face = face.driver == self._face.driver, face
        playout = self.playout
        if playout is not None and not same:
            playout.use_face(_face_of(face, playout.avatar))

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``. Raises AvatarError for an avatar that cannot be played."""
        self.close()
        avatar = load_avatar(find_avatar(self._name))
        own = avatar.format
        speaks, looks = self._voice, self._face
        voice, why = _voice_of(speaks)
        playout = Playout(
            avatar, voice, no_voice=why, voice_timeout_s=speaks.timeout_s + _VOICE_MARGIN_S
        )
        # Its rate is its own: the canvas takes as many of its frames as it has room for.
        format = own if want is None else Format(want.width, want.height, own.fps, want.colour)
        playout.use_face(_face_of(looks, avatar))
        self._pool = AvatarCanvases(format, own)
        self.playout = playout
        # What was wanted while these were made was told to nobody.
        if self._voice != speaks:
            playout.use_voice(*_voice_of(self._voice))
        if self._face.driver != looks.driver:
            playout.use_face(_face_of(self._face, avatar))
        self._format, self._origin = format, None
        log.info(
            "an avatar is ready", avatar=avatar.name, clips=len(avatar.clips),
            seams=len(avatar.manifest.seams), format=str(own),
        )  # fmt: skip
        return format if want is None else want

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        playout, pool = self.playout, self._pool
        if playout is None or pool is None:
            raise SourceError(f"avatar://{self._name}: it is not open")
        fps = playout.format.fps
        number = playout.counts.ticks
        pts = number * 1_000_000_000 * fps[1] // fps[0]
        if self.paced and not self._due(pts, timeout):
            return None
        tick = playout.tick()
        first = samples_until(tick.number, fps)
        self._sounds.append(AudioBlock(tick.samples, time_of(first), restart=tick.number == 0))
        del self._sounds[:-_MOST_SOUNDS]
        frame = pool.draw(tick.picture, tick.patch, self._face.feather)
        return Frame(
            frame.y, frame.uv, frame.colour, pts=pts, captured=time.monotonic_ns(),
            serial=tick.number, discontinuity=tick.number == 0, owner=frame.owner,
            duration=1_000_000_000 * fps[1] // fps[0], alpha=frame.alpha, caption=tick.caption,
        )  # fmt: skip

    def sounds(self) -> list[AudioBlock]:
        """See ``HasSound``."""
        found, self._sounds = self._sounds, []
        return found

    def close(self) -> None:
        """See ``Source.close``."""
        playout, self.playout, self._format = self.playout, None, None
        self._sounds = []
        if playout is not None:
            playout.close()

    def _due(self, pts: int, timeout: float) -> bool:
        """Wait until a tick is due; False if that is not within ``timeout`` seconds."""
        now = time.monotonic_ns()
        if self._origin is None or now - self._origin - pts > _SLACK_NS:
            self._origin = now - pts
        left = self._origin + pts - now
        if left > timeout * 1e9:
            time.sleep(timeout)
            return False
        if left > 0:
            time.sleep(left / 1e9)
        return True


def _voice_of(settings: VoiceSettings) -> tuple[Voice | None, str]:
    """The voice of the settings; or None, and why there is none: actions are played without."""
    try:
        return make_voice(settings), ""
    except MatteboxError as error:
        log.warning("the avatar has no voice", why=str(error))
        return None, str(error)


def _face_of(settings: FaceSettings, avatar: Avatar) -> FaceDriver | None:
    """The face driver of the settings, or None: the avatar speaks with its face as it is."""
    try:
        return make_face(settings, avatar)
    except MatteboxError as error:
        log.warning("the avatar has no face driver", why=str(error))
        return None
