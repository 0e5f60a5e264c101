"""SRT sources against ffmpeg: as caller and listener, encrypted, gone and back; and addresses."""

from __future__ import annotations

import socket
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from appliance.config import srt_address
from appliance.config.settings import SourceSettings
from appliance.config.uris import source_scheme
from appliance.errors import SourceError
from appliance.media.frame import Frame
from appliance.media.mailbox import Mailbox
from appliance.sources.base import HasSound
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source
from tests.sources.pictures import read_some, rgb, source_for
from tests.sources.senders import sending, until

PASSPHRASE = "a passphrase = of/our own"
# ffmpeg knows no %20 there.
TO_FFMPEG = PASSPHRASE.replace(" ", "+")
QUOTED = "a%20passphrase%20=%20of/our%20own"


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_called_with_a_passphrase_and_sound(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "srt").write_text(PASSPHRASE)
    to = f"srt://127.0.0.1:{port}?mode=listener&passphrase={TO_FFMPEG}&pbkeylen=32"
    with sending("-f", "mpegts", to, picture="smptebars=size=160x120:rate=30"):
        wrong = source_for(f"srt://127.0.0.1:{port}?passphrase=another-one")
        with pytest.raises(SourceError, match="passphrase is not that of the other end"):
            wrong.open(None)
        source = source_for(f"srt://127.0.0.1:{port}?passphrase=${{credential:srt}}")
        assert isinstance(source, HasSound)
        try:
            format = source.open(None)
            assert (format.width, format.height, format.fps) == (160, 120, (30, 1))
            frames = read_some(source, 20)
            sound = source.sounds()
        finally:
            source.close()
    assert all(b.pts > a.pts for a, b in pairwise(frames))
    assert rgb(frames[-1])[20:60, 28:40].mean((0, 1)) == pytest.approx([180, 180, 16], abs=16)
    assert sound[0].restart
    assert abs(sound[0].pts - frames[0].pts) < 100_000_000
    assert max(abs(block.samples).max() for block in sound) > 1000
    assert PASSPHRASE not in "".join(capfd.readouterr())


def test_listening_while_the_sender_goes_and_comes_back(port: int) -> None:
    settings = SourceSettings(
        uri=f"srt://127.0.0.1:{port}?mode=listener", timeout_s=2, retry_first_s=0.1,
        retry_most_s=0.2, latency_ms=20,
    )  # fmt: skip
    mailbox: Mailbox[Frame] = Mailbox()
    feeder = SourceFeeder(make_source(settings), settings, mailbox=mailbox)
    to = ("-f", "mpegts", f"srt://127.0.0.1:{port}?mode=caller&latency=20000")
    try:
        assert feeder.start(timeout=0.1) is None  # nobody calls yet
        with sending(*to):
            until(lambda: feeder.frames > 3)
        until(lambda: feeder.state.state != "live")
        before = feeder.frames
        with sending(*to):
            until(lambda: feeder.frames > before + 3)
        assert feeder.reconnects >= 1
    finally:
        assert feeder.stop()


def test_nobody_there(port: int) -> None:
    source = source_for(f"srt://127.0.0.1:{port}", timeout_s=1)
    with pytest.raises(SourceError, match=r"no picture within 1 s|nothing answers"):
        source.open(None)
    source.close()


def test_what_is_no_mpeg_ts(port: int) -> None:
    to = ("-f", "matroska", f"srt://127.0.0.1:{port}?mode=listener")
    with sending(*to, tone=False):
        source = source_for(f"srt://127.0.0.1:{port}", timeout_s=1.5)
        with pytest.raises(SourceError, match=r"MPEG-TS"):
            source.open(None)
        source.close()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("srt://host", "needs a port"),
        ("srt://:0", "needs a port"),
        ("srt://host:70000", "number from 1 to 65535"),
        ("srt://host:9000/live", "streamid"),
        ("srt://me:secret@host:9000", "knows no user"),
        ("srt://host:9000?mode=rendezvous", "caller or listener"),
        ("srt://:9000?mode=caller", "host to call"),
        ("srt://host:9000?passphrase=", "0 characters long; SRT takes 10 to 79"),
        ("srt://host:9000?passphrase=ninechars", "9 characters long; SRT takes 10 to 79"),
        (f"srt://host:9000?passphrase={'x' * 80}", "80 characters long"),
        ("srt://host:9000?passphrase=${credential}", "reference is written"),
        ("srt://host:9000?passphrase=${env:SHORT_ONE}", "6 characters long"),
        ("srt://host:9000?passphrase=one&other-half", "& is written %26"),
        ("srt://host:9000?pbkeylen=8", "16, 24, 32"),
        ("srt://host:9000?latency=1s", "milliseconds"),
        ("srt://host:9000?latency=1&latency=2", "twice"),
        (f"srt://host:9000?streamid={'x' * 513}", "512 bytes"),
    ],
)
def test_addresses_that_cannot_be(uri: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT_ONE", "sixsix")
    with pytest.raises(ValueError, match=words) as caught, capture_logs():
        srt_address.check(uri)
    for secret in ("secret", "ninechars", "sixsix", "other-half", "x" * 80):
        assert secret not in str(caught.value)


def test_the_parts_of_an_address() -> None:
    found = srt_address.parse(
        f"srt://[::1]:9000?passphrase={QUOTED}&pbkeylen=16&streamid=#!::r=a,m=request&latency=300"
    )
    assert found == srt_address.SrtAddress(
        "::1", 9000, False, 300, PASSPHRASE, 16, "#!::r=a,m=request"
    )
    assert srt_address.parse("srt://h:1?passphrase=ten+letters").passphrase == "ten+letters"
    assert srt_address.parse("srt://:9000").listens
    assert srt_address.parse("srt://0.0.0.0:9000?mode=listener").listens


def test_one_port_is_one_device() -> None:
    scheme = source_scheme("srt://:9000")
    assert scheme is not None
    assert scheme.device("srt://:9000?latency=5") == scheme.device(
        "srt://0.0.0.0:9000?mode=listener"
    )
    assert scheme.device("srt://a:9000") != scheme.device("srt://:9000")


def test_ndi_is_said_not_to_be_had() -> None:
    with pytest.raises(ValidationError, match=r"NDI is not available.*licence.*srt://host:port"):
        SourceSettings(uri="ndi://studio/camera 1")
