"""Secrets: found where the configuration says, and never shown anywhere."""

from __future__ import annotations

import copy
import io
import json
import pickle
import sys
import threading

import pytest
import structlog
from pydantic import BaseModel

from appliance.config import secrets
from appliance.config.secrets import NONE, Secret
from appliance.config.settings import Settings
from appliance.errors import InputError
from appliance.service import systemd
from appliance.system import journal, log
from appliance.system.redact import guard_tracebacks, hide, redact, remember

WORD = "correct horse/battery@staple"


@pytest.fixture
def credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path


class Section(BaseModel):
    password: Secret = NONE


def test_a_secret_is_found_in_the_environment_and_among_the_credentials(monkeypatch, credentials):
    monkeypatch.setenv("RTSP_PASSWORD", WORD)
    (credentials / "rtsp").write_text(f"{WORD}\n")
    for written in ("${env:RTSP_PASSWORD}", "${credential:rtsp}"):
        secret = Secret(written)
        assert secret.reveal() == WORD
        assert secret.matches(WORD)
        assert not secret.matches(WORD + "\n")
        assert str(secret) == written
        assert secret
        assert secret.is_reference
    assert Secret("${env:RTSP_PASSWORD}") != Secret("${credential:rtsp}")


def test_none_is_no_secret_and_matches_nothing():
    assert not NONE
    assert NONE.reveal() == ""
    assert not NONE.matches("")
    assert not NONE.matches("none")


def test_nothing_that_python_does_with_a_secret_shows_it():
    section = Section(password=Secret(WORD))
    shown = [
        str(section.password), repr(section.password), f"{section.password}", repr(section),
        repr(section.model_dump()), section.model_dump_json(), repr(vars(section)),
    ]  # fmt: skip
    assert WORD not in "".join(shown)
    with pytest.raises(TypeError, match="not to be stored"):
        pickle.dumps(section.password)
    assert copy.deepcopy(section.password) is section.password


def test_a_reload_sees_a_secret_that_changed(credentials):
    (credentials / "rtsp").write_text(WORD)
    first, same = Secret("${credential:rtsp}"), Secret("${credential:rtsp}")
    assert first == same
    assert hash(first) == hash(same)
    (credentials / "rtsp").write_text(WORD + "!")
    assert first != Secret("${credential:rtsp}")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("${env:NOT_SET_HERE}", "the variable NOT_SET_HERE is not set; set it, for the service in "
         "/etc/default/mattebox"),
        ("${credential:missing}", "missing cannot be read (No such file or directory); give the "
         "service LoadCredential=missing:/etc/credstore/mattebox.missing"),
        ("${credential:empty}", "the credential empty is empty; write the secret into its file"),
        ("${credential:short}", "is 3 characters long; expected at least 8"),
        ("${credential:lines}", "holds a line break"),
        ("${credential:long}", "is longer than 4096 bytes"),
        ("${credential:binary}", "is not UTF-8 text"),
        ("${credential:folder}", "cannot be read (Is a directory)"),
    ],
)  # fmt: skip
def test_a_secret_that_cannot_be_had_says_why(credentials, written, said):
    for name, data in {
        "empty": b"\n", "short": b"abc", "lines": b"first line\nsecond", "long": b"x" * 5000,
        "binary": b"\xff\xfe\xfdabcdefgh",
    }.items():  # fmt: skip
        (credentials / name).write_bytes(data)
    (credentials / "folder").mkdir()
    secret = Secret(written)
    assert secret
    assert said in secret.problem
    assert not secrets.credentials_elsewhere(secret.problem)
    with pytest.raises(InputError) as caught:
        secret.reveal()
    assert str(caught.value).startswith(f"{written}: ")
    assert "first line" not in str(caught.value)


def test_outside_the_service_there_are_no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    problem = Secret("${credential:rtsp}").problem
    assert "LoadCredential=rtsp:/etc/credstore/mattebox.rtsp" in problem
    assert secrets.credentials_elsewhere(problem)


@pytest.mark.parametrize(
    "text",
    ["short", "${env:}", "${file:/etc/x}", "a${env:X}", "${credential:../x}", "two\nlines!!"],
)
def test_what_can_be_no_secret_is_refused_without_showing_it(text):
    with pytest.raises(ValueError, match=r"expected|written") as caught:
        Secret(text)
    assert text not in str(caught.value)


def test_an_address_is_filled_in_quoted(monkeypatch, credentials):
    monkeypatch.setenv("CAMERA_USER", "admin")
    (credentials / "camera").write_text("p@s:s/1 ")
    address = "rtsp://${env:CAMERA_USER}:${credential:camera}@10.0.0.5:554/main"
    assert redact(address) == address
    assert secrets.references(address) == ["${env:CAMERA_USER}", "${credential:camera}"]
    assert secrets.fill(address) == "rtsp://admin:p%40s%3As%2F1%20@10.0.0.5:554/main"
    assert "p@s" not in hide("p@s:s/1 ")
    with pytest.raises(InputError, match=r"\$\{env:GONE\}: the variable GONE is not set"):
        secrets.fill("rtsp://x:${env:GONE}@h/")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:my pass@host/x", "rtsp://u:***@host/x"),
        ("rtsp://u:p@ss@host/x", "rtsp://u:***@host/x"),
        ("rtsp://u:1234@host", "rtsp://u:***@host"),
        ("rtsp://u:a/b@host", "rtsp://u:***@host"),
        ("rtsp://${env:U}:secret@host", "rtsp://${env:U}:***@host"),
        ("rtsp://u:${env:P}@host", "rtsp://u:${env:P}@host"),
        ("rtsp://camera:554/stream@main", "rtsp://camera:554/stream@main"),
        ("rtsp://[::1]:8554/live", "rtsp://[::1]:8554/live"),
    ],
)
def test_passwords_of_addresses_are_struck_out_by_their_place(text, shown):
    assert redact(text) == shown


def test_what_is_known_is_struck_out_wherever_it_stands():
    remember("0penSesame&more")
    text = "refused: 0penSesame&more, or 0penSesame%26more"
    assert redact(text) == "refused: ***, or ***"


@pytest.mark.parametrize("format", ["plain", "json"])
def test_no_log_line_shows_a_secret(format):
    Secret(WORD)
    stream = io.StringIO()
    log.configure("info", format, stream)
    logger = structlog.get_logger("x")
    try:
        raise OSError(f"cannot log in with {WORD} at rtsp://me:pa55@cam/1")
    except OSError as error:
        logger.exception(
            f"failed: {WORD}", why=str(error), error=error, both=[WORD, "rtsp://a:b@c"]
        )
    text = stream.getvalue()
    assert WORD not in text
    assert "pa55" not in text
    assert "a:b@c" not in text
    assert "Traceback" in text
    if format == "json":
        assert json.loads(text)["both"] == ["***", "rtsp://a:***@c"]


def test_no_entry_of_the_journal_shows_a_secret(monkeypatch):
    Secret(WORD)
    sent = []
    monkeypatch.setattr(journal, "listens", lambda *_: True)
    monkeypatch.setattr(journal.Entries, "msg", lambda self, message, entry: sent.append(entry))
    monkeypatch.setattr(journal.Entries, "info", journal.Entries.msg)
    log.configure("info", "auto", io.StringIO())
    structlog.get_logger("x").info("opened", uri=f"rtsp://u:{WORD}@h/x", port=8554)
    assert WORD.encode() not in sent[0]
    assert b"MATTEBOX_URI=rtsp://u:***@h/x" in sent[0]


def test_the_status_line_shows_no_secret():
    Secret(WORD)
    assert systemd.status(f"waiting: {WORD}") == "STATUS=waiting: ***"


def test_tracebacks_of_threads_and_of_the_process_show_no_secret(monkeypatch, capsys):
    Secret(WORD)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    guard_tracebacks()

    def fail() -> None:
        raise ValueError(f"not {WORD}")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join(5)
    try:
        fail()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert shown.count("ValueError: not ***") == 2
    assert WORD not in shown


def test_the_names_of_secrets_are_known():
    """The YAML reader goes by these names, since it knows no settings."""
    kinds = {
        key: field.annotation
        for section in Settings.model_fields
        for key, field in getattr(type(getattr(Settings(), section)), "model_fields", {}).items()
    }
    assert {key for key, kind in kinds.items() if kind is Secret} <= secrets.KEYS
    assert {key for key, kind in kinds.items() if kind is not Secret}.isdisjoint(secrets.KEYS)


@pytest.mark.parametrize("piece", ["://a:", "://${a:", "://a b:c ", "://h:1/", "://a:1"])
def test_half_addresses_in_their_thousands_are_looked_at_once(piece):
    """Looking for the end of each as far as the end took minutes here, with every thread held."""
    text = piece * 15_000
    assert redact(text) == text
    assert redact(f"{text} rtsp://u:geheim@h/") == f"{text} rtsp://u:***@h/"
