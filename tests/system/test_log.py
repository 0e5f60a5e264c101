"""Logging: text for a terminal, JSON for machines, and the requested level."""

from __future__ import annotations

import errno
import io
import json
import re

import pytest
import structlog

from appliance.system import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_lines_with_the_date():
    stream = io.StringIO()
    log.configure("info", "auto", stream)
    structlog.get_logger("x").info("source opened", uri="demo://", fps=30)
    day, hour, rest = stream.getvalue().split(" ", 2)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)
    assert re.fullmatch(r"\d{2}:\d{2}:\d{2}", hour)
    assert "\x1b" not in rest
    assert rest.split() == ["[info", "]", "source", "opened", "fps=30", "uri=demo://"]


def test_json_where_it_is_asked_for():
    stream = io.StringIO()
    log.configure("info", "json", stream)
    structlog.get_logger("x").info("source opened", uri="demo://", fps=30)
    line = json.loads(stream.getvalue())
    assert line["event"] == "source opened"
    assert (line["uri"], line["fps"], line["level"]) == ("demo://", 30, "info")
    assert line["timestamp"].endswith("Z")


def test_words_on_a_terminal():
    stream = Terminal()
    log.configure("info", "auto", stream)
    structlog.get_logger("x").info("source opened", uri="demo://")
    assert "source opened" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


@pytest.mark.parametrize(("format", "stream"), [("json", Terminal()), ("plain", io.StringIO())])
def test_the_format_can_be_forced(format, stream):
    log.configure("info", format, stream)
    structlog.get_logger("x").warning("output failed")
    assert stream.getvalue().startswith("{") == (format == "json")
    assert "\x1b" not in stream.getvalue()


def test_lines_go_to_the_stderr_of_the_moment(capsys):
    log.configure("info", "json")
    logger = structlog.get_logger("x")
    logger.info("first")
    assert '"first"' in capsys.readouterr().err
    logger.info("second")
    assert '"second"' in capsys.readouterr().err


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [FullDisk(), closed(), None], ids=["full", "closed", "none"])
def test_a_line_that_cannot_be_written_ends_nothing(stream, monkeypatch):
    monkeypatch.setattr("sys.stderr", stream)
    log.configure("info", "auto")
    structlog.get_logger("x").info("lost")


def test_the_level():
    stream = io.StringIO()
    log.configure("warning", "json", stream)
    logger = structlog.get_logger("x")
    logger.info("unseen")
    logger.warning("seen")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["seen"]


def test_a_traceback_is_one_json_line():
    stream = io.StringIO()
    log.configure("info", "json", stream)
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError:
        structlog.get_logger("x").exception("failed")
    [line] = stream.getvalue().splitlines()
    assert "ZeroDivisionError: oh" in json.loads(line)["exception"]
