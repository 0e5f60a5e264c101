"""Addresses that are pushed to: what is taken, and how a mistake is told."""

from __future__ import annotations

import pytest

from appliance.config import push_address
from appliance.config.secrets import Secret
from appliance.config.settings import OutputSettings
from appliance.system.redact import redact

WORD = "a-key-nobody-may-see"


def test_srt_calls_or_listens() -> None:
    calls = push_address.srt("srt://box:9000?latency=200&streamid=publish:a%2Fb&pkt_size=1316")
    assert (calls.host, calls.port, calls.listens) == ("box", 9000, False)
    assert (calls.latency_ms, calls.streamid, calls.passphrase) == (200, "publish:a/b", "")
    for written in (
        "srt://:9000",
        "srt://127.0.0.1:9000?mode=listener",
        "srt://[::1]:9000?mode=listener",
    ):
        assert push_address.srt(written).listens


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("srt://box", "needs a port"),
        ("srt://box:0", "needs a port"),
        ("srt://box:many", "number from 1 to 65535"),
        ("srt://:9000?mode=caller", "needs a host to call"),
        ("srt://box:9000?mode=rendezvous", "expected caller or listener"),
        ("srt://box:9000?latency=200000", "microseconds"),
        ("srt://box:9000?latency=1&latency=2", "twice"),
        ("srt://box:9000?colour=red", "an option that is none of"),
        ("srt://box:9000?passphrase=short", "5 characters long; SRT takes 10 to 79"),
        (f"srt://box:9000?passphrase={'x' * 80}", "80 characters long"),
        (f"srt://box:9000?streamid={'x' * 513}", "longer than 512"),
        ("srt://box:9000/path", "found a path"),
        ("rtmp://box", "application's name is missing"),
        ("rtmp://box/live", "stream key is missing"),
        ("rtmp://box:99999/live/key", "number from 1 to 65535"),
        ("rtmp:///live/key", "host is missing"),
        ("rtmp://joe:pw@box/live/key", "a user or a password"),
        ("rtsp+push://box:8554", "needs a path"),
        ("rtsp+push://:8554/live", "rtsp://host:port/path"),
        ("srt://box:9000?passphrase=${nothing:x}", "reference is written"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_to_write(uri: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        OutputSettings(uri=uri)


def test_rtmp_has_its_key_in_the_address_or_beside_it() -> None:
    own = push_address.rtmp("rtmps://host/live2/abcd-efgh?backup=1")
    assert (own.scheme, own.port, own.app, own.key) == ("rtmps", 443, "live2", "abcd-efgh?backup=1")
    beside = push_address.rtmp("rtmp://host:1936/rtmp/app/", key=True)
    assert (beside.port, beside.app, beside.key) == (1936, "rtmp/app", "")
    OutputSettings(uri="rtmp://host/live2", stream_key=Secret(WORD))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"uri": "null://", "stream_key": WORD}, "only rtmp:// and rtmps:// outputs"),
        ({"uri": "rtmp://host/live", "passphrase": WORD}, "only srt:// outputs"),
        ({"uri": "srt://box:9000", "passphrase": "9-letters"}, "9 characters long"),
        ({"uri": f"srt://box:9000?passphrase={WORD}", "passphrase": WORD}, "take one of them out"),
        ({"uri": "srt://:9000"}, "but no passphrase"),
        ({"uri": "srt://0.0.0.0:9000?mode=listener"}, "but no passphrase"),
    ],
)
def test_secrets_fit_the_address(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        OutputSettings(**settings)  # type: ignore[arg-type]
    assert WORD not in redact(str(error.value))


def test_a_listener_for_this_machine_needs_no_passphrase() -> None:
    OutputSettings(uri="srt://127.0.0.1:9000?mode=listener")
    OutputSettings(uri="srt://:9000", passphrase=Secret(WORD))


@pytest.mark.parametrize(
    "text",
    [
        f"rtmp://host/live/{WORD}: refused",
        f"rtmps://host:443/live/{WORD}?x=1, and more",
        f'"rtmp://host/live/{WORD}"',
        f"srt://host:9?passphrase={WORD}&latency=20",
        f"rtsp+push://joe:{WORD}@host/live",
    ],
)
def test_keys_are_struck_out_and_nothing_else(text: str) -> None:
    shown = redact(text)
    assert WORD not in shown
    assert shown.replace("***", WORD) == text.replace(f"{WORD}?x=1", WORD)
    said = "rtmp://host/live/${env:KEY}: srt://host:9?passphrase=${credential:srt}"
    assert redact(said) == said
    assert redact(redact(text)) == redact(text)
