"""sd_notify: the protocol over real sockets, and when the reporter says what."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.daemon.counts import Counts
from appliance.service.systemd import EXTEND_S, Notifier, Reporter, sentence
from tests.listener import Listener

STARTING = Counts(0, 0, 0, 0, 0, "starting")


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    """A manager at each kind of address."""
    abstract = f"@mattebox-test-{os.getpid()}"
    heard = Listener(str(tmp_path / "notify") if request.param == "path" else abstract)
    yield heard
    heard.close()


def test_every_message_of_the_protocol(listener: Listener) -> None:
    notifier = Notifier(listener.address)
    calls: list[tuple[Callable[[], bool], dict[str, str]]] = [
        (lambda: notifier.ready("live"), {"READY": "1", "STATUS": "live"}),
        (lambda: notifier.status("two\nlines\r\nREADY=1"), {"STATUS": "two lines READY=1"}),
        (notifier.watchdog, {"WATCHDOG": "1"}),
        (lambda: notifier.extend(1.5), {"EXTEND_TIMEOUT_USEC": "1500000"}),
        (notifier.stopping, {"STOPPING": "1", "STATUS": "stopping"}),
    ]
    for call, expected in calls:
        assert call()
        assert listener.receive(1) == expected
    assert notifier.reloading()
    message = listener.receive(1)
    assert message is not None
    assert message["RELOADING"] == "1"
    assert int(message["MONOTONIC_USEC"]) > 0
    notifier.close()


def test_the_environment_is_read_once_and_not_handed_on() -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "10000000", "HOME": "/"}
    notifier = Notifier.from_environment(environment)
    assert notifier.active
    assert notifier.watchdog_s == 10
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize("interval", ["", "0", "-1", "soon", "٣"])
def test_without_a_usable_interval_there_is_no_watchdog(interval: str) -> None:
    found = Notifier.from_environment({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": interval})
    assert found.watchdog_s is None


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    values = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    assert Notifier.from_environment(values).watchdog_s is None


@pytest.mark.parametrize("address", ["", "vsock:2:9999", "relative"])
def test_without_a_usable_socket_nothing_is_sent(address: str) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    assert not notifier.active
    assert not notifier.ready("live")


def test_a_manager_that_is_gone_or_does_not_read_stops_nothing(tmp_path: Path) -> None:
    gone = Notifier(str(tmp_path / "nobody"))
    assert not gone.watchdog()
    gone.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        notifier = Notifier(str(tmp_path / "deaf"))
        assert not all(notifier.status("x" * 1000) for _ in range(5000))
        deaf.recv(4096)
        assert notifier.status("again")
        notifier.close()


class Clocked:
    """A reporter over a fake clock, and what it sent."""

    def __init__(self, listener: Listener) -> None:
        self.now, self.left, self.out = 100.0, 0, 0
        self.listener = listener
        self.notifier = Notifier(listener.address, watchdog_s=4.0)
        self.reporter = Reporter(self.notifier, lambda: self.now)

    def pass_(
        self, seconds: float, fps: int = 0, placeholder: str | None = None, clients: int = 0
    ) -> list[dict[str, str]]:
        """Let time pass in quarters of a second with so many frames each second."""
        said = []
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            self.left += fps // 4 + (1 if fps % 4 else 0)
            if placeholder is None:
                self.out = self.left
            counts = Counts(self.left, self.out, 0, 0, clients, placeholder)
            self.reporter.show(counts, self.left)
            while (message := self.listener.receive(0)) is not None:
                said.append(message)
        return said


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    """The reporter."""
    listener = Listener(str(tmp_path / "notify"))
    made = Clocked(listener)
    yield made
    made.notifier.close()
    listener.close()


def test_not_ready_while_only_the_placeholder_goes_out(clocked: Clocked) -> None:
    said = clocked.pass_(30, fps=8, placeholder="no camera")
    assert not any("READY" in message or "WATCHDOG" in message for message in said)
    extended = [m for m in said if "EXTEND_TIMEOUT_USEC" in m]
    assert 6 <= len(extended) <= 7
    assert extended[0]["EXTEND_TIMEOUT_USEC"] == str(round(EXTEND_S * 1e6))
    words = [m["STATUS"] for m in said if "STATUS" in m]
    assert words == ["placeholder: no camera; 0 clients"]


def test_ready_once_with_the_first_composite(clocked: Clocked) -> None:
    clocked.pass_(3, fps=8, placeholder="starting")
    said = clocked.pass_(1, fps=32)
    assert said[0] == {"READY": "1", "STATUS": "live, 0 clients"}
    later = clocked.pass_(20, fps=32) + clocked.pass_(5, fps=8, placeholder="x")
    assert not any("READY" in message for message in later + clocked.pass_(5, fps=32))


def test_the_watchdog_is_fed_four_times_a_limit_by_either_kind_of_frame(clocked: Clocked) -> None:
    clocked.pass_(1, fps=32)
    for placeholder in (None, "the network does not answer"):
        said = clocked.pass_(12, fps=32, placeholder=placeholder)
        assert 11 <= sum("WATCHDOG" in m for m in said) <= 13


def test_the_watchdog_starves_when_nothing_leaves(clocked: Clocked) -> None:
    clocked.pass_(5, fps=32)
    said = clocked.pass_(12)
    assert not any("WATCHDOG" in m or "EXTEND_TIMEOUT_USEC" in m for m in said)
    words = [m["STATUS"] for m in said if "STATUS" in m]
    assert words[-1].startswith("nothing leaves, not even the placeholder, for 1")
    assert any("WATCHDOG" in m for m in clocked.pass_(2, fps=32))


def test_a_start_in_which_nothing_leaves_is_not_extended(clocked: Clocked) -> None:
    clocked.pass_(1, fps=8, placeholder="starting")
    assert not any("EXTEND_TIMEOUT_USEC" in m for m in clocked.pass_(40, placeholder="starting"))


def test_status_comes_at_once_with_news_and_seldom_without(clocked: Clocked) -> None:
    said = [m["STATUS"] for m in clocked.pass_(21, fps=32) if "STATUS" in m]
    assert len(said) <= 7
    assert said[-1] == "live at 32.0 fps, 0 clients"
    [first, *_] = [m["STATUS"] for m in clocked.pass_(0.25, fps=32, clients=2) if "STATUS" in m]
    assert first.endswith(", 2 clients")
    [first, *_] = [m["STATUS"] for m in clocked.pass_(0.25, fps=8, placeholder="retrying: gone")]
    assert first == "placeholder: retrying: gone; 0 clients"


def test_a_refused_configuration_is_said_until_it_is_mended(clocked: Clocked) -> None:
    clocked.pass_(6, fps=32)
    wrong = "config.yaml:3:5: steady.strength: found 2"
    counts = Counts(1000, 1000, 0, 0, 0, None)
    for refused in (wrong, None):
        clocked.now += 0.25
        clocked.reporter.show(counts, clocked.left, refused)
        said = clocked.listener.receive(0)
        assert said is not None
        assert said["STATUS"].endswith(f"; configuration not applied: {wrong}") == bool(refused)


def test_a_reload_is_announced_and_its_end_too(clocked: Clocked) -> None:
    clocked.pass_(1, fps=32)
    over = False
    clocked.reporter.reload(lambda: over)
    said = clocked.listener.receive(0)
    assert said is not None
    assert said["RELOADING"] == "1"
    # However long it takes, the watchdog is fed meanwhile.
    meanwhile = clocked.pass_(10, fps=32)
    assert sum("WATCHDOG" in message for message in meanwhile) >= 9
    assert not any("READY" in message for message in meanwhile)
    over = True
    assert {"READY": "1"} in clocked.pass_(0.5, fps=32)
    assert not any("READY" in message for message in clocked.pass_(2, fps=32))


def test_a_reload_before_the_first_composite_makes_nothing_ready(clocked: Clocked) -> None:
    clocked.pass_(1, fps=8, placeholder="starting")
    clocked.reporter.reload(lambda: True)
    said = clocked.pass_(2, fps=8, placeholder="starting")
    assert not any("RELOADING" in message or "READY" in message for message in said)


def test_without_a_manager_nothing_is_done() -> None:
    Reporter(Notifier(None)).show(STARTING, 0)


def test_sentences() -> None:
    assert sentence(STARTING, None) == "placeholder: starting; 0 clients"
    assert sentence(Counts(9, 9, 0, 0, 1, None), 29.97) == "live at 30.0 fps, 1 client"
