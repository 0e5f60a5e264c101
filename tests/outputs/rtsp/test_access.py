"""Who may read an RTSP output: passwords, certificates, limits, and changes to them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from appliance.config.secrets import NONE, Secret
from appliance.config.settings import RtspSettings
from appliance.outputs.rtsp import server as rtsp_server
from appliance.outputs.rtsp import tls
from appliance.outputs.rtsp.access import wrong_passwords
from appliance.outputs.rtsp.output import RtspOutput
from appliance.system.guesses import BURST, PER_S
from tests.certificates import self_signed
from tests.outputs.conftest import (
    FORMAT,
    RtspByHand,
    Serve,
    StartFeed,
    ffmpeg_frames,
    picture,
    psnr,
    wait_until,
)

USER, WORD = "mattebox", "correct horse"
LOGIN = (USER, WORD)
PASSWORD = Secret(WORD)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("pair"))


def with_login(uri: str, login: str) -> str:
    return uri.replace("://", f"://{login}@") if login else uri


def probe(uri: str) -> subprocess.CompletedProcess[str]:
    """ffprobe's result for it."""
    command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries"]
    return subprocess.run(
        [*command, "stream=codec_name", "-of", "csv=p=0", uri],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def port_of(output: RtspOutput) -> int:
    return int(output.uri.split(":")[2].split("/")[0])


@pytest.mark.parametrize(
    ("login", "path", "answer"),
    [
        ("mattebox:correct%20horse", "/live", "h264"),
        ("mattebox:correct%20hors", "/live", "401 Unauthorized"),
        ("matteboy:correct%20horse", "/live", "401 Unauthorized"),
        ("", "/live", "401 Unauthorized"),
        # A stranger does not even learn which paths exist.
        ("", "/other", "401 Unauthorized"),
        ("mattebox:correct%20horse", "/other", "404 Not Found"),
    ],
)
def test_ffprobe_with_and_without_the_password(
    serve: Serve, feed: StartFeed, login: str, path: str, answer: str
) -> None:
    output = serve(password=PASSWORD)
    feed(output)
    uri = with_login(output.uri, login).replace("/live", path)
    done = probe(uri)
    assert answer in (done.stdout if answer == "h264" else done.stderr)
    assert (done.returncode == 0) == (answer == "h264")


@pytest.mark.parametrize("path", ["/", "/other", "/live/more", "/live/stream=0", "/.nowhere"])
def test_every_path_looks_alike_to_a_stranger(serve: Serve, path: str) -> None:
    output = serve(password=PASSWORD)
    base = output.uri.removesuffix("/live")
    with RtspByHand(output.uri) as stranger:
        for asked in (base + path, output.uri):
            code, answer = stranger.ask("DESCRIBE", asked)
            assert code == 401
            assert 'WWW-Authenticate: Digest realm="Mattebox", nonce="' in answer
            assert "Basic" not in answer
    with RtspByHand(output.uri, login=LOGIN) as reader:
        assert reader.ask("DESCRIBE", base + path)[0] == 404


@pytest.mark.parametrize("path", ["/", "/other", "/live", "/live/stream=0", "/live/stream=0/x"])
def test_no_stream_is_set_up_for_a_stranger(serve: Serve, path: str) -> None:
    output = serve(password=PASSWORD)
    with RtspByHand(output.uri) as stranger:
        transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
        uri = output.uri.replace("/live", path)
        assert stranger.ask("SETUP", uri, transport)[0] in (401, 404)
        assert output._medias == ()


def test_a_session_is_not_had_without_the_password(serve: Serve, feed: StartFeed) -> None:
    output = serve(password=PASSWORD)
    feed(output)
    with RtspByHand(output.uri) as stranger:
        for method in ("PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "ANNOUNCE", "RECORD"):
            code, answer = stranger.ask(method, output.uri, "Session: 0123456789abcdef")
            assert code >= 400, (method, answer)
        assert output.clients() == 0
    with RtspByHand(output.uri, login=LOGIN) as reader:
        reader.play()
        assert reader.socket.recv(1) == b"$"


def test_an_old_proof_is_worth_nothing_elsewhere(serve: Serve, feed: StartFeed) -> None:
    """A digest overheard on one connection does not work on another."""
    output = serve(password=PASSWORD)
    feed(output)
    with RtspByHand(output.uri, login=LOGIN) as reader:
        assert reader.ask("DESCRIBE", output.uri)[0] == 200
        overheard = reader._proof("DESCRIBE", output.uri)
        with RtspByHand(output.uri) as thief:
            assert thief.ask("DESCRIBE", output.uri, *overheard)[0] == 401


def test_another_password_sends_readers_away_and_other_settings_do_not(
    serve: Serve, feed: StartFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = serve()
    feed(output)
    open_to_all = RtspSettings()
    locked = open_to_all.model_copy(update={"password": PASSWORD})
    with RtspByHand(output.uri) as first, RtspByHand(output.uri, login=LOGIN) as second:
        first.play()
        output.use_rtsp(locked)
        while first.socket.recv(65536):
            continue  # it came in without a password
        assert probe(output.uri).returncode != 0
        wait_until(lambda: output.clients() == 0)
        second.close()
    with RtspByHand(output.uri, login=LOGIN) as reader:
        reader.play()
        monkeypatch.setenv("THE_SAME", WORD)
        for update in (
            {"max_clients": 7, "idle_timeout_s": 3.0, "unread_timeout_s": 5.0},
            {"session_timeout_s": 60, "insecure": True},
            {"password": Secret("${env:THE_SAME}")},
            {"password": NONE},
        ):
            output.use_rtsp(locked.model_copy(update=update))
            assert reader.socket.recv(1)
        assert output.clients() == 1
        # Nobody needs a password any more.
        with RtspByHand(output.uri) as anybody:
            assert anybody.ask("DESCRIBE", output.uri)[0] == 200
        other = locked.model_copy(update={"password": Secret("another word")})
        output.use_rtsp(other)
        while reader.socket.recv(65536):
            continue
    assert probe(with_login(output.uri, "mattebox:another%20word")).returncode == 0
    assert probe(with_login(output.uri, "mattebox:correct%20horse")).returncode != 0


def test_rtsps_is_read_by_ffmpeg_and_trusted_by_whoever_knows_the_certificate(
    serve: Serve, feed: StartFeed, pair: tuple[Path, Path]
) -> None:
    pem, key = str(pair[0]), str(pair[1])
    output = serve(
        uri="rtsps://127.0.0.1:0/live", certificate=pem, key=key, password=PASSWORD
    )  # fmt: skip
    feed(output)
    assert output.uri.startswith("rtsps://127.0.0.1:")
    uri = with_login(output.uri, "mattebox:correct%20horse")
    assert psnr(picture(), ffmpeg_frames(uri, FORMAT, 5, "tcp")[-1]) > 35
    assert "401" in probe(output.uri).stderr
    with RtspByHand(output.uri, login=LOGIN, trusted=pair[0]) as reader:
        reader.play()
        assert reader.socket.recv(1) == b"$"
    with (
        socket.create_connection(("127.0.0.1", port_of(output)), 5) as plain,
        pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


def test_what_is_no_tls_gets_nothing_and_disturbs_nobody(
    serve: Serve, feed: StartFeed, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_S", 0.5)
    output = serve(
        uri="rtsps://127.0.0.1:0/live", certificate=str(pair[0]), key=str(pair[1])
    )  # fmt: skip
    feed(output)
    address = ("127.0.0.1", port_of(output))
    with (
        socket.create_connection(address, 10) as silent,
        socket.create_connection(address, 10) as half,
        RtspByHand(output.uri, trusted=pair[0]) as reader,
    ):
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a truncated ClientHello
        reader.play()
        for request in (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", os.urandom(5000)):
            with socket.create_connection(address, 10) as plain:
                plain.sendall(request)
                try:
                    while answer := plain.recv(65536):
                        assert b"RTSP/1.0" not in answer
                except ConnectionResetError:
                    continue
        assert silent.recv(1) == b""
        assert half.recv(1) in (b"", b"\x15")
        assert reader.socket.recv(1) == b"$"


def fingerprint(output: RtspOutput) -> str:
    """The fingerprint of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port_of(output)), 5) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()


def test_a_renewed_certificate_is_taken_up_and_a_broken_one_is_not(
    serve: Serve, feed: StartFeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtsp_server, "CERTIFICATE_LOOK_S", 0.05)
    pem, key = self_signed(tmp_path)
    output = serve(uri="rtsps://127.0.0.1:0/live", certificate=str(pem), key=str(key))
    feed(output)
    first = fingerprint(output)
    with RtspByHand(output.uri, trusted=pem) as reader:
        reader.play()
        fresh, its_key = self_signed(tmp_path, "fresh")
        # As in practice: the certificate first, so that for a moment the key does not match.
        fresh.replace(pem)
        assert fingerprint(output) == first
        its_key.replace(key)
        wait_until(lambda: fingerprint(output) != first)
        second = fingerprint(output)
        pem.write_text("no certificate")
        server = output._server
        assert server is not None
        wait_until(lambda: server._certificate[0] is not None and server._certificate[0][2] == 14)
        assert fingerprint(output) == second
        assert reader.socket.recv(1)  # throughout


def test_one_port_is_either_encrypted_or_not(serve: Serve, pair: tuple[Path, Path]) -> None:
    output = serve()
    pem, key = str(pair[0]), str(pair[1])
    other = RtspOutput(
        output.uri.replace("rtsp:", "rtsps:").replace("live", "other"),
        rtsp=RtspSettings(certificate=pem, key=key),
    )
    with pytest.raises(OSError, match="rtsp:// is served there"):
        other.open(FORMAT)


def test_more_connections_than_allowed_are_closed_at_once(serve: Serve, feed: StartFeed) -> None:
    output = serve(max_clients=3)
    feed(output)
    readers = [RtspByHand(output.uri) for _ in range(3)]
    try:
        for reader in readers:
            reader.play()
        for _ in range(5):
            with RtspByHand(output.uri) as surplus:
                try:
                    assert surplus.socket.recv(1) == b""
                except ConnectionResetError:
                    continue
        assert output.clients() == 3
        assert all(reader.socket.recv(1) for reader in readers)
        readers.pop().close()
        wait_until(lambda: output.clients() == 2)
        readers.append(RtspByHand(output.uri))
        readers[-1].play()
    finally:
        for reader in readers:
            reader.close()


def test_without_a_descriptor_left_it_waits_for_one(
    serve: Serve, feed: StartFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = serve()
    feed(output)
    asked = []
    monkeypatch.setattr(rtsp_server, "_descriptors_left", lambda: bool(asked.append(1)))
    with RtspByHand(output.uri) as patient:
        wait_until(lambda: len(asked) >= 3)  # once per tick, not as fast as possible
        monkeypatch.undo()
        patient.play()
        assert patient.socket.recv(1) == b"$"


@pytest.fixture(autouse=True)
def _all_tries_left() -> None:
    wrong_passwords.forget()


def test_wrong_passwords_are_told_once_a_minute(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    output = serve(password=PASSWORD)
    for number in range(4):
        with RtspByHand(output.uri, login=(USER, f"wrong-word-{number}")) as stranger:
            assert stranger.ask("DESCRIBE", output.uri)[0] == 401
    lines = [line for line in "".join(capsys.readouterr()).splitlines() if "wrong user" in line]
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]
    assert "wrong-word" not in lines[0]


def test_guessing_on_many_connections_ends_after_a_few_tries(
    serve: Serve, feed: StartFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(wrong_passwords, "_clock", lambda: now[0])
    output = serve(password=PASSWORD)
    feed(output)
    with RtspByHand(output.uri, login=LOGIN) as reader:
        reader.play()
        for number in range(BURST):
            with RtspByHand(output.uri, login=(USER, f"wrong-word-{number}")) as stranger:
                assert stranger.ask("DESCRIBE", output.uri)[0] == 401
        with RtspByHand(output.uri, login=LOGIN) as lucky:
            # Even the right one is not looked at: who guesses does not learn that it is right.
            assert lucky.ask("DESCRIBE", output.uri)[0] == 401
        # Who reads already has a session, and goes on.
        assert reader.socket.recv(1) == b"$"
        now[0] = 1 / PER_S
        with RtspByHand(output.uri, login=LOGIN) as patient:
            assert patient.ask("DESCRIBE", output.uri)[0] == 200


def test_a_line_that_never_ends_is_broken_off(serve: Serve, feed: StartFeed) -> None:
    """Closed in the middle of a line, the library used to spin, logging a line each time."""
    output = serve(idle_timeout_s=0.3)
    feed(output)
    server = output._server
    assert server is not None
    with socket.create_connection(("127.0.0.1", port_of(output)), 10) as endless:
        endless.settimeout(1)
        with contextlib.suppress(OSError):  # nobody reads it any more
            while endless.send(b"x" * 65536):
                continue
        wait_until(lambda: server.clients.count() == 0)
    used = time.process_time()
    assert psnr(picture(), ffmpeg_frames(output.uri, FORMAT, 3, "tcp")[-1]) > 35
    assert time.process_time() - used < 5


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_reader_that_is_sent_away_gets_no_more(
    serve: Serve, feed: StartFeed, transport: str
) -> None:
    output = serve()
    feed(output)
    with subprocess.Popen(
        [
            "ffmpeg", "-nostdin", "-v", "quiet", "-rtsp_transport", transport, "-i", output.uri,
            "-c", "copy", "-f", "null", "-",
        ]
    ) as reader:  # fmt: skip
        try:
            wait_until(lambda: output.clients() == 1)
            output.use_rtsp(RtspSettings().model_copy(update={"password": PASSWORD}))
            wait_until(lambda: output.clients() == 0 and not output._medias)
        finally:
            reader.kill()
