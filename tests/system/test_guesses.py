"""Tries for a secret, by network."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from appliance.system.guesses import BURST, PER_S, Guesses, network


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_the_network_of_an_address(address: str, name: str) -> None:
    assert network(address) == name


def test_a_few_at_once_then_one_now_and_then() -> None:
    now = [0.0]
    guesses = Guesses("test", lambda: now[0])
    assert sum(guesses.take("10.0.0.7") for _ in range(1000)) == BURST
    assert guesses.take("10.0.0.8")
    now[0] = 10.0
    assert sum(guesses.take("10.0.0.7") for _ in range(1000)) == int(10 * PER_S)
    now[0] = 1e6
    assert sum(guesses.take("10.0.0.7") for _ in range(1000)) == BURST


def test_the_hosts_of_one_ipv6_network_share_their_tries() -> None:
    guesses = Guesses("test", lambda: 0.0)
    assert sum(guesses.take(f"2001:db8::{host:x}") for host in range(1000)) == BURST


def test_who_is_right_is_never_held_up() -> None:
    guesses = Guesses("test", lambda: 0.0)
    for _ in range(1000):
        assert guesses.take("10.0.0.7")
        guesses.right("10.0.0.7")


def test_one_line_a_minute_and_only_so_many_addresses() -> None:
    now = [0.0]
    guesses = Guesses("test", lambda: now[0])
    with capture_logs() as logs:
        for _ in range(500):
            guesses.wrong("10.0.0.7")
        now[0] = 61.0
        guesses.wrong("10.0.0.7")
    assert [line["times"] for line in logs] == [1, 500]
    with capture_logs():
        for number in range(5000):
            guesses.wrong(f"10.{number >> 8}.{number & 255}.1")
    assert len(guesses._addresses) == 1024
