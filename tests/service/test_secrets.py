"""A whole run with secrets wherever they may stand, and none of them in what it shows."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from appliance.cli.main import main
from tests.listener import Listener, service

Mattebox = Callable[..., str]
SECRETS = {
    "of the camera": "c4mera/p@ss word",
    "of the stream": "stream-word-8-2",
    "of the page": "page-token-7-7",
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: Path, free_port: int) -> Path:
    """A configuration with references, a folder of credentials, a variable."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "camera").write_text(SECRETS["of the camera"] + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("STREAM_WORD", SECRETS["of the stream"])
    path = tmp_path / "config.yaml"
    data = {
        "source": {
            # Nothing listens there, so that the address gets into reasons.
            "uri": "rtsp://admin:${credential:camera}@127.0.0.1:1/main", "timeout_s": 1.0,
            "size": "64x36", "fps": 10,
        },
        "matting": {"model": str(network)},
        "canvas": {"size": "64x36", "fps": 10},
        "outputs": [{"uri": "rtsp://127.0.0.1:0/live"}],
        "rtsp": {"password": "${env:STREAM_WORD}"},
        "http": {"port": free_port, "token": SECRETS["of the page"]},
        "log": {"level": "debug", "format": "json"},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener(f"@mattebox-secrets-{os.getpid()}")
    yield listener
    listener.close()


def forms(secret: str) -> list[str]:
    """As it is, as an address quotes it, and what is left where a slash is taken for a path."""
    return [secret, quote(secret, safe=""), secret.split("/")[-1]]


def assert_hidden(text: str, what: str) -> None:
    for name, secret in SECRETS.items():
        for form in forms(secret):
            assert form not in text, f"the secret {name} is in {what}"


@pytest.fixture
def mattebox(capsys: pytest.CaptureFixture[str]) -> Mattebox:
    """Runs the command line here; gives what it says, to stdout and stderr."""

    def run(*arguments: str) -> str:
        main(arguments)
        return "".join(capsys.readouterr())

    return run


def fetch(port: int, path: str) -> str:
    """What the appliance's HTTP server says, well or ill."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        headers={"Authorization": f"Bearer {SECRETS['of the page']}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def test_check_prints_references_and_no_secret(config: Path, mattebox: Mattebox) -> None:
    printed = mattebox("check", "--config", str(config), "--print")
    assert "password: ${env:STREAM_WORD}" in printed
    assert "uri: rtsp://admin:${credential:camera}@127.0.0.1:1/main" in printed
    assert "token: '***'" in printed
    assert_hidden(printed, "check --print")
    assert_hidden(mattebox("check", "--config", str(config)), "check")


def test_check_in_a_shell_says_which_credential_it_has_not(
    config: Path, mattebox: Mattebox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    said = mattebox("check", "--config", str(config))
    assert said.startswith("OK: ")
    assert "not checked: source.uri: ${credential:camera}: there are no credentials here" in said
    said = mattebox("run", "--config", str(config), "--duration", "1")
    assert "source.uri: ${credential:camera}: there are no credentials here" in said
    assert "LoadCredential=camera:/etc/credstore/mattebox.camera" in said


def test_a_secret_in_a_flag_is_refused(config: Path, mattebox: Mattebox) -> None:
    said = mattebox("check", "--config", str(config), "--set", "rtsp.password=a-secret-in-a-flag")
    assert "--set rtsp.password: found a secret in a flag, which every user" in said
    assert "a-secret-in-a-flag" not in said


def test_a_run_shows_no_secret_in_log_status_arguments_and_figures(
    config: Path, listener: Listener, free_port: int
) -> None:
    log = ""
    with service(listener, "--config", str(config), "--output", "null://") as process:
        status = listener.until(lambda message: "nothing answers" in message.get("STATUS", ""))
        assert "rtsp://admin:${credential:camera}@127.0.0.1:1/main" in status["STATUS"]
        figures = [fetch(free_port, path) for path in ("/metrics", "/healthz", "/api/status")]
        assert "mattebox_" in figures[0]
        shown = Path(f"/proc/{process.pid}/cmdline").read_text()
        # A file that is wrong, with a secret in the wrong place, and then one that is right again.
        good = config.read_text()
        config.write_text(good.replace("size: 64x36", f"size: '{SECRETS['of the page']}'", 1))
        refused = listener.until(lambda message: "not applied" in message.get("STATUS", ""))
        assert "found" in refused["STATUS"]
        config.write_text(
            good.replace("admin:${credential:camera}", "admin:c4mera%2Fp%40ss%20word")
        )
        listener.until(lambda message: "admin:***@127.0.0.1" in message.get("STATUS", ""))
        figures += [fetch(free_port, path) for path in ("/metrics", "/healthz", "/api/status")]
        process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=20)[1]
    statuses = "\n".join(message.get("STATUS", "") for message in listener.messages)
    assert "rtsp" in log
    assert_hidden("\n".join(figures), "the figures")
    for text, what in ((log, "the log"), (statuses, "STATUS="), (shown, "the arguments")):
        assert_hidden(text, what)
