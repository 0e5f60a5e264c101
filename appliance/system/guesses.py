"""How often one address may be wrong about a secret, and what the log says of it."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog

BURST = 20
PER_S = 0.5
"""Wrong secrets that an address may give at once, and then each second."""

_SAID_EVERY_S = 60.0
_MOST_ADDRESSES = 1024

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Address:
    left: float
    at: float
    wrong: int = 0
    said: float | None = None


class Guesses:
    """Counts wrong secrets by network: an IPv4 address, or the 64 bits that an IPv6 host is given.

    Whoever checks a secret takes a try first, and gives it back if the secret was right: so many
    connections at once get no more tries than one. Without a try left even the right secret is not
    looked at; another address is not concerned. Safe to use from every thread.
    """

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``what`` is how the log line begins: "rtsp"."""
        self._what, self._clock = what, clock
        self._lock = threading.Lock()
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def take(self, address: str) -> bool:
        """Take a try; False when there is none left."""
        now = self._clock()
        with self._lock:
            entry = self._entry(network(address), now)
            entry.left = min(BURST, entry.left + (now - entry.at) * PER_S)
            entry.at = now
            if entry.left < 1:
                return False
            entry.left -= 1
            return True

    def right(self, address: str) -> None:
        """Give back the try that was taken."""
        now = self._clock()
        with self._lock:
            entry = self._entry(network(address), now)
            entry.left = min(BURST, entry.left + 1)

    def wrong(self, address: str) -> None:
        """Count a wrong secret, looked at or not; logs one line a minute for each network."""
        now, name = self._clock(), network(address)
        with self._lock:
            entry = self._entry(name, now)
            entry.wrong += 1
            if entry.said is not None and now - entry.said < _SAID_EVERY_S:
                return
            entry.said, times, entry.wrong = now, entry.wrong, 0
        log.warning(f"{self._what}: wrong user or password", address=name, times=times)

    def forget(self) -> None:
        """Let everybody try again."""
        with self._lock:
            self._addresses.clear()

    def _entry(self, name: str, now: float) -> _Address:
        entry = self._addresses.pop(name, None) or _Address(BURST, now)
        self._addresses[name] = entry
        while len(self._addresses) > _MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        return entry


def network(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, as a host chooses the rest itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.is_loopback:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
