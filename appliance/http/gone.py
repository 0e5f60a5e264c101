"""Whether whoever asked is still there, for answers that go on and on."""

from __future__ import annotations

import asyncio

from starlette.types import Receive


def until_gone(receive: Receive) -> asyncio.Future[None]:
    """Done once the client has gone, or sends what it must not; to be cancelled in the end."""
    gone = asyncio.ensure_future(_gone(receive))
    # What went wrong with a body that nobody wants is nobody's concern; asyncio would log it.
    gone.add_done_callback(lambda done: done.cancelled() or done.exception())
    return gone


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
