"""The voice of the settings."""

from __future__ import annotations

import importlib.util
import sys

import structlog

from appliance.config.settings.voice import VoiceSettings
from appliance.errors import MissingDependency, VoiceError
from appliance.voices.base import Voice
from appliance.voices.by_script import ByScript
from appliance.voices.espeak import EspeakVoice
from appliance.voices.espeak_child import INSTALL as ESPEAK
from appliance.voices.espeak_child import EspeakChild
from appliance.voices.hibari import HibariVoice
from appliance.voices.hibari_engine import INSTALL as HIBARI
from appliance.voices.remote import HttpVoice
from appliance.voices.silent import NoVoice

log = structlog.get_logger(__name__)


def make_voice(settings: VoiceSettings) -> Voice:
    """Load the voice; takes up to a second. Whoever has it closes it.

    Raises MissingDependency, with the command that installs it, when it is not installed;
    InputError when it does not speak the language; VoiceError when it cannot be loaded.
    """
    language = "en" if settings.language == "auto" else settings.language
    if settings.name == "none":
        return NoVoice()
    if settings.name == "http":
        return HttpVoice(
            settings.url,
            settings.token.reveal() if settings.token else "",
            language="" if settings.language == "auto" else language,
            speed=settings.speed,
            timeout_s=settings.timeout_s,
        )
    if settings.name == "hibari":
        return HibariVoice(settings.speed)
    if settings.name == "espeak":
        return EspeakVoice(language, settings.speed, settings.timeout_s)
    return _auto(settings, language)


def _auto(settings: VoiceSettings, language: str) -> Voice:
    english = language.lower().split("-")[0] == "en"
    hibari: HibariVoice | None = None
    missing = ""
    if english:
        try:
            hibari = HibariVoice(settings.speed)
        except MissingDependency as error:
            missing = str(error)
    try:
        espeak = EspeakVoice(language, settings.speed, settings.timeout_s)
    except MissingDependency as error:
        if hibari is not None:
            log.info("the voice speaks English only", because=str(error))
            return hibari
        both = f"{missing}; or {error}" if missing else str(error)
        raise MissingDependency(
            f"no voice is installed: {both}; or name a server in voice.url with voice.name: http"
        ) from error
    if hibari is None:
        if missing:
            log.info("espeak speaks English, too", because=missing)
        return espeak
    return ByScript(hibari, espeak)


def missing_voices() -> list[tuple[str, str, str]]:
    """What of the voices is not installed: its name, its purpose, the command that installs it.

    Starts espeak-ng's process for a moment, since only that knows whether it works.
    """
    found = []
    if importlib.util.find_spec("hibari") is None:
        found.append(("hibari-tts", "English", HIBARI))
    if importlib.util.find_spec("pocketsphinx") is None:
        purpose = "words of recordings"
        wheels = sys.version_info[:2] in ((3, 11), (3, 13))  # as in pyproject.toml
        found.append(("pocketsphinx", purpose, HIBARI if wheels else "pip install pocketsphinx"))
    try:
        EspeakChild().close()
    except (MissingDependency, VoiceError):
        found.append(("espeak-ng", "other languages", ESPEAK))
    return found
