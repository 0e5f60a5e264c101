"""Hosts in addresses: which of them are this machine itself."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether ``host`` (a name or an IP address) is only ever this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False  # a name may be anything
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
