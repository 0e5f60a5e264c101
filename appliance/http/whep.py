"""WHEP: an offer comes in, the answer goes out, and the rest goes by WebRTC beside HTTP.

As draft-ietf-wish-whep has it, without what it leaves open to a server: candidates that come later
(PATCH), and pages of other sites (CORS).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from appliance.daemon.sessions.errors import NoSuchSession
from appliance.errors import InputError, MissingDependency
from appliance.http.offload import Busy
from appliance.http.site import Site
from appliance.outputs.whep.offer import NoPlace, NotPlayable, OfferError
from appliance.outputs.whep.output import WhepOutput
from appliance.system.redact import redact

SDP = "application/sdp"
_ASIDE_S = 20.0
_AGAIN_S = "5"

T = TypeVar("T")


async def whep_join(request: Request) -> ASGIApp:
    """A new viewer of the box's own programme."""
    return await _join(request, "/whep", lambda site: site.daemon.whep)


async def whep_leave(request: Request) -> ASGIApp:
    """A viewer of it goes."""
    return await _leave(request, request.path_params["id"], lambda site: site.daemon.whep)


async def whep_join_session(request: Request) -> ASGIApp:
    """A new viewer of a session."""
    session = request.path_params["id"]
    return await _join(
        request, f"/whep/{session}", lambda site: site.daemon.sessions.get(session).whep
    )


async def whep_leave_session(request: Request) -> ASGIApp:
    """A viewer of a session goes."""
    session, viewer = request.path_params["id"], request.path_params["viewer"]
    return await _leave(request, viewer, lambda site: site.daemon.sessions.get(session).whep)


async def _join(request: Request, place: str, programme: Callable[[Site], WhepOutput]) -> ASGIApp:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != SDP:
        raise HTTPException(415, f"found {given[:50] or 'no Content-Type'}; expected {SDP}")
    site: Site = request.app.state.site
    data = await request.body()
    identity, answer = await _aside(site, lambda: programme(site).join(data))
    return Response(answer, 201, {"Location": f"{place}/{identity}"}, SDP)


async def _leave(
    request: Request, identity: str, programme: Callable[[Site], WhepOutput]
) -> ASGIApp:
    site: Site = request.app.state.site
    if not await _aside(site, lambda: programme(site).leave(identity)):
        raise HTTPException(404, "there is no such viewer; it may have been let go already")
    return PlainTextResponse("")


async def whep_options(request: Request) -> ASGIApp:
    """What may be posted."""
    return PlainTextResponse("", headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})


async def whep_options_session(request: Request) -> ASGIApp:
    """What may be posted to watch a session."""
    return await whep_options(request)


async def _aside(site: Site, work: Callable[[], T]) -> T:
    """Do ``work`` in a thread, and turn what may go wrong into an HTTP error with a message."""
    again = {"Retry-After": _AGAIN_S}
    try:
        return await site.aside.do(work, _ASIDE_S)
    except NoSuchSession as error:
        raise HTTPException(404, str(error)) from error
    except OfferError as error:
        raise HTTPException(400, redact(str(error))) from error
    except NotPlayable as error:
        raise HTTPException(406, redact(str(error))) from error
    except Busy as error:
        words = "too much is being done at once; try again in a second"
        raise HTTPException(503, words, again) from error
    except (NoPlace, MissingDependency, InputError) as error:
        raise HTTPException(503, redact(str(error)), again) from error
    except (asyncio.TimeoutError, TimeoutError) as error:
        raise HTTPException(504, str(error) or f"not done within {_ASIDE_S:g} s") from error
