"""The address of a host, found out with a deadline, and said in words when there is none.

Nothing connects just to try: some receivers take one connection only.
"""

from __future__ import annotations

import socket
import threading

from appliance.errors import OutputError

LOOK_UP_S = 5.0


class Unreachable(OutputError):
    """Why nothing can be sent at all, in an operator's words."""


def address_of(host: str, port: int, *, datagrams: bool = False) -> str:
    """The first address of a host. Raises Unreachable when it has none, or none within 5 s."""
    kind = socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM
    found: list[str] = []
    why = f"no answer within {LOOK_UP_S:g} s"

    def look() -> None:
        nonlocal why
        try:
            found.extend(str(item[4][0]) for item in socket.getaddrinfo(host, port, type=kind))
        except OSError as error:
            why = error.strerror or str(error)

    # The resolver has no deadline of its own that could be set.
    thread = threading.Thread(target=look, name=f"look up {host}", daemon=True)
    thread.start()
    thread.join(LOOK_UP_S)
    if not found:
        raise Unreachable(f"the name {host} cannot be looked up ({why}): check it, and the network")
    return found[0]
