"""Voices that take a moment to load, once for all tests; each skips where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.errors import MissingDependency
from appliance.voices.espeak import EspeakVoice
from appliance.voices.hibari import HibariVoice


@pytest.fixture(scope="session")
def hibari() -> HibariVoice:
    try:
        return HibariVoice()
    except MissingDependency as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def _espeak() -> Iterator[EspeakVoice | str]:
    try:
        voice = EspeakVoice()
    except MissingDependency as error:
        yield str(error)
    else:
        yield voice
        voice.close()


@pytest.fixture
def espeak(_espeak: EspeakVoice | str) -> EspeakVoice:
    if isinstance(_espeak, str):
        pytest.skip(_espeak)
    return _espeak
