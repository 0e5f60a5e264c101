"""Entries for journald: a field for each value, over a real socket."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from appliance.system import journal, log


def fields(entry: bytes) -> dict[str, str]:
    """What journald reads from an entry."""
    found = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(entry[:8], "little")
            value, entry = entry[8 : 8 + size], entry[9 + size :]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The journal's end, and this process's stderr taken for a stream to it."""
    address = str(tmp_path / "socket")
    made: list[journal.Entries] = []

    class Entries(journal.Entries):
        def __init__(self) -> None:
            super().__init__(address)
            made.append(self)

    monkeypatch.setattr(journal, "Entries", Entries)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, open(tmp_path / "x", "w") as to:
        heard.bind(address)
        heard.settimeout(5)
        status = os.fstat(to.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        log.configure("info", "auto", to)
        yield heard
    for entries in made:
        entries.close()


def test_each_value_is_a_field(journald: socket.socket) -> None:
    structlog.get_logger("x").warning("output broke", uri="rtsp://a=b", retry_s=0.5)
    assert fields(journald.recv(65536)) == {
        "MESSAGE": "output broke uri=rtsp://a=b retry_s=0.5",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "mattebox",
        "MATTEBOX_EVENT": "output broke",
        "MATTEBOX_URI": "rtsp://a=b",
        "MATTEBOX_RETRY_S": "0.5",
    }


def test_lines_and_fields_cannot_be_smuggled_in(journald: socket.socket) -> None:
    structlog.get_logger("x").info("found", reason="one\nPRIORITY=0\n", **{"a b=\n": "c"})
    found = fields(journald.recv(65536))
    assert found["PRIORITY"] == "6"
    assert found["MATTEBOX_REASON"] == "one\nPRIORITY=0\n"
    assert found["MATTEBOX_A_B__"] == "c"


def test_an_exception_comes_with_where_it_happened(journald: socket.socket) -> None:
    try:
        raise ValueError("it broke")
    except ValueError:
        structlog.get_logger("x").exception("the thread died")
    found = fields(journald.recv(65536))
    assert found["PRIORITY"] == "3"
    assert found["MESSAGE"].startswith("the thread died\nTraceback")
    assert found["MESSAGE"].endswith("ValueError: it broke")


def test_without_the_journal_the_words_go_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = journal.Entries(str(tmp_path / "nobody"))
    entries.msg("output broke", b"MESSAGE=output broke\n")
    entries.close()
    assert capsys.readouterr().err == "output broke\n"


@pytest.mark.parametrize("named", ["", "1:2", "nonsense"])
def test_another_stream_is_not_the_journal(named: str, tmp_path: Path) -> None:
    with open(tmp_path / "x", "w") as stream:
        assert not journal.listens(stream, {"JOURNAL_STREAM": named})
    assert not journal.listens(stream, {"JOURNAL_STREAM": "1:2"})
    assert not journal.listens(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
    assert not journal.listens(None, {"JOURNAL_STREAM": "1:2"})
