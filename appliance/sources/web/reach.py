"""How far a server may send us: never closer to this machine than it is itself.

What it names (a redirect, a playlist's entries) is fetched in its name from where this machine
stands, so a camera at the other end of the world must not have us ask a neighbour's router. The
order is that of Private Network Access (https://wicg.github.io/private-network-access/).
"""

from __future__ import annotations

import ipaddress

Reach = int
"""0 the internet, 1 a local network, 2 the link itself (and its metadata servers), 3 this machine.
"""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def reach_of(address: str) -> Reach:
    """How close an IP address, IPv4 or IPv6 as ``getaddrinfo`` writes it, is to this machine."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        # IPv4 in other clothes.
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        found = inner or found
    if found.is_loopback or found.is_unspecified:
        return 3
    if found.is_link_local or found.is_multicast:
        return 2
    return 0 if found.is_global else 1
