"""Whether anybody who reads over TCP can take more."""

from __future__ import annotations

import select


class Readers:
    """The connections of one stream's readers, looked at before each frame."""

    def __init__(self) -> None:
        self._udp = False
        self._poll: select.poll | None = None

    def set(self, sockets: list[int | None]) -> None:
        """File descriptors of the readers over TCP, None for each reader over UDP."""
        connected = [descriptor for descriptor in sockets if descriptor is not None]
        poll = select.poll()
        for descriptor in connected:
            poll.register(descriptor, select.POLLOUT)
        self._poll = poll if connected else None
        self._udp = len(connected) < len(sockets)

    def tcp_behind(self) -> bool:
        """True while every TCP reader's connection is full; False when there is none."""
        poll = self._poll
        # A closed descriptor reports POLLNVAL, thus counts as ready until ``set`` drops it.
        return poll is not None and not poll.poll(0)

    def all_behind(self) -> bool:
        """True while nobody can take more; a reader over UDP always can."""
        return not self._udp and self.tcp_behind()
