"""A library that is caught in an endless loop and complains in each round of it."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from appliance.errors import ThreadDied
from appliance.system.glib_log import Complaints
from tests.faults.box import configuration, ended_by
from tests.faults.stand_ins import wait_until

_gio = ctypes.CDLL("libgio-2.0.so.0")


def complain() -> None:
    """What it says is ``g_socket_get_fd: assertion 'G_IS_SOCKET (socket)' failed``."""
    _gio.g_socket_get_fd(None)


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    taken = Complaints()
    taken.take()
    yield taken
    taken.give_back()


def test_a_complaint_is_one_line_in_the_log(complaints: Complaints) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            complain()
    assert [line["event"] for line in lines] == ["a library complains"]
    assert lines[0]["says"] == "GLib-GIO: g_socket_get_fd: assertion 'G_IS_SOCKET (socket)' failed"
    complaints.check()


def test_a_loop_is_slowed_down_and_told(complaints: Complaints) -> None:
    rounds, stop = 0, threading.Event()

    def spin() -> None:
        nonlocal rounds
        while not stop.is_set():
            complain()
            rounds += 1

    thread = threading.Thread(target=spin, daemon=True)
    began = time.monotonic()
    thread.start()
    try:
        with pytest.raises(ThreadDied, match=r"endless loop of a library.*g_socket_get_fd"):
            wait_until(complaints.check)
        wait_until(lambda: time.monotonic() - began > 1.0)
        # By itself it makes a million of them in that time.
        assert rounds < 20_000
    finally:
        stop.set()
        thread.join(5)


def test_many_threads_that_each_complain_a_little_are_none(complaints: Complaints) -> None:
    threads = [threading.Thread(target=lambda: [complain() for _ in range(100)]) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    complaints.check()


def test_who_had_them_before_has_them_again(capfd: pytest.CaptureFixture[str]) -> None:
    taken = Complaints()
    taken.take()
    complain()
    assert "CRITICAL" not in capfd.readouterr().err
    taken.give_back()
    complain()
    assert "GLib-GIO-CRITICAL" in capfd.readouterr().err


DRIVER = """
import ctypes, signal, threading
gio = ctypes.CDLL("libgio-2.0.so.0")
def spin():
    while True:
        gio.g_socket_get_fd(None)
signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=spin, daemon=True).start())
"""


def test_the_program_ends_with_code_1_and_says_why_in_a_line(
    network: Path, room: Path, tmp_path: Path
) -> None:
    mattebox = ended_by(configuration(tmp_path, network, room), DRIVER)
    assert mattebox.says("a thread is caught in an endless loop of a library (GLib-GIO: g_socket")
    assert sum("g_socket_get_fd" in line for line in mattebox.log) <= 3
