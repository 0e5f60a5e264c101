"""``voice``: what may stand there."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from appliance.config.load import attempt
from appliance.config.settings import VoiceSettings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://x/"}, "expected none, http"),
        ({"url": "http://"}, "expected none, http"),
        ({"url": "http://x:99999/"}, "expected none, http"),
        ({"url": "http://x/a b"}, "expected none, http"),
        ({"url": "http://me:secret@x/"}, "voice.token"),
        ({"language": "Deutsch!"}, "a language tag"),
        ({"language": "x" * 40}, "a language tag"),
        ({"name": "http"}, "none is set, but the voice is http"),
        ({"speed": 3.0}, "less than or equal to 2"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given, said):
    with pytest.raises(ValidationError, match=said):
        VoiceSettings(**given)


def test_what_may_be():
    found = VoiceSettings(name="http", url="https://host:8443/speak?voice=1", language="pt_BR")
    assert found.language == "pt-BR"


def test_a_mistake_has_its_line(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("voice:\n  name: http\n")
    [mistake] = attempt(file).mistakes
    assert (mistake.origin.line, mistake.key) == (2, "voice.url")
    assert "its server" in mistake.message
