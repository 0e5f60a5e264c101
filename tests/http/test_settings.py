"""The section ``http`` of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config.load import InvalidConfig, load, to_yaml
from appliance.config.settings.http import HttpSettings


def section(tmp_path: Path, text: str) -> HttpSettings:
    path = tmp_path / "config.yaml"
    path.write_text(f"http:\n{text}")
    return load(path).http


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_takes_no_token(tmp_path: Path, address: str) -> None:
    http = section(tmp_path, f"  address: '{address}'\n")
    assert http.on_loopback
    assert not http.token


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.20", "fe80::1"])
def test_any_other_address_takes_one(tmp_path: Path, address: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        section(tmp_path, f"  port: 80\n  address: '{address}'\n")
    [mistake] = caught.value.mistakes
    assert (mistake.key, mistake.origin.line) == ("http.token", 3)
    assert mistake.message.startswith("none is set, but address is ")
    http = section(tmp_path, f"  address: '{address}'\n  token: let-me-in-please\n")
    assert not http.on_loopback
    assert http.token.matches("let-me-in-please")
    off = section(tmp_path, f"  address: '{address}'\n  enabled: false\n")
    assert not off.enabled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  address: studio.local\n", "expected an address of this machine"),
        ("  address: 300.1.1.1\n", "expected an address of this machine"),
        ("  port: 70000\n", "a whole number from 0 to 65535"),
        ("  token: short\n", "expected at least 8"),
        ("  upload_mb: 1000\n", "from 0 to 100"),
        ("  viewers: -1\n", "from 0 to 32"),
        ("  adress: ::1\n", "did you mean address?"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        section(tmp_path, text)
    [mistake] = caught.value.mistakes
    assert words in mistake.message
    assert "short" not in mistake.message, "a secret is shown"


def test_the_token_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("http:\n  token: let-me-in-please\n")
    settings = load(path)
    assert "let-me-in-please" not in to_yaml(settings)
    assert "let-me-in-please" not in repr(settings)


def test_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert section(tmp_path, "  backgrounds: pictures\n").folder == tmp_path / "pictures"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/mattebox")
    assert HttpSettings().folder == Path("/var/lib/mattebox/backgrounds")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert HttpSettings().folder == Path("/data/mattebox/backgrounds")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert HttpSettings().folder == Path("/home/me/.local/share/mattebox/backgrounds")
