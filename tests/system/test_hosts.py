"""Which hosts are this machine itself: what needs no password, no token, and may be asked for."""

from __future__ import annotations

import pytest

from appliance.system.hosts import is_loopback


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::1%lo", "::ffff:127.0.0.1"],
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "box.local"]
)
def test_others_can_reach_it(host: str) -> None:
    assert not is_loopback(host)
