"""The sound over HTTP: how it is doing, and what may be set of it.

Where it comes from is not set here: who may steer the picture may not thereby open a microphone.
"""

from __future__ import annotations

from appliance.config.settings import SoundSettings
from appliance.config.write_back import Value
from appliance.daemon.daemon import Daemon
from appliance.daemon.hearing import HearingState
from appliance.http.schemas import SoundAnswer, SoundBody
from appliance.media.audio import RATE
from appliance.system.redact import redact


def sound_keys() -> tuple[str, ...]:
    """Every setting of the sound, as a dotted key of the configuration."""
    return tuple(f"sound.{key}" for key in SoundSettings.model_fields)


def sound_values(wanted: SoundBody) -> dict[str, Value]:
    """What a request is to change, as dotted key -> value."""
    given = wanted.model_dump(exclude={"keep"}, exclude_none=True)
    return {f"sound.{key}": value for key, value in given.items()}


def sound_answer(daemon: Daemon) -> SoundAnswer:
    """How the sound is doing, and what it is set to."""
    now, ring, bus = daemon.hearing.state, daemon.line, daemon.sound
    return SoundAnswer(
        uri=redact(now.uri), state=now.state, words=redact(_words(now, daemon)),
        reopened=now.reopened, level_db=bus.meter.level_db, peak_db=bus.meter.peak_db,
        missing_s=ring.missing / RATE, late_s=ring.late / RATE, cuts=ring.cut,
        clipped=bus.clipped, **daemon.settings.sound.model_dump(),
    )  # fmt: skip


def _words(now: HearingState, daemon: Daemon) -> str:
    settings = daemon.settings.sound
    if now.state == "none":
        return f"Silence: {now.reason}."
    if now.state in ("waiting", "opening"):
        return f"Silence: the microphone gives no sound: {now.reason or 'it is being opened'}."
    if settings.mute:
        return "Silence: the sound is muted."
    if settings.with_placeholder == "mute" and daemon.programme.trouble is not None:
        return "Silence, as long as the placeholder is out."
    return "The source's own sound." if now.uri == "source" else "The microphone's sound."
