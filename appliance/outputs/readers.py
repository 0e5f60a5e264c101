"""Whether anybody who reads over TCP can take more."""

from __future__ import annotations

import select


class Readers:
    """The sockets of one stream's readers, looked at before each frame.

    ``behind`` is what ``all_behind`` last returned.
    """

    def __init__(self) -> None:
        self.behind = False
        self._poll: select.poll | None = None
        self._count = 0

    def set(self, sockets: list[int | None]) -> None:
        """File descriptors of the readers over TCP, None for each reader over UDP."""
        poll = select.poll()
        for descriptor in sockets:
            if descriptor is not None:
                poll.register(descriptor, select.POLLOUT)
        # A reader over UDP takes whatever comes.
        self._poll = poll if sockets and None not in sockets else None

    def all_behind(self) -> bool:
        """True while every reader's connection is full; False when there is no reader."""
        poll = self._poll
        # A closed descriptor reports POLLNVAL, thus counts as ready until ``set`` drops it.
        self.behind = poll is not None and not poll.poll(0)
        return self.behind
