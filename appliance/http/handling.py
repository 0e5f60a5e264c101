"""What every endpoint does: read a request, work off the loop, say in words what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from appliance.config.validate import broken
from appliance.errors import MatteboxError
from appliance.http.backgrounds import TooLarge
from appliance.http.change import NotDone
from appliance.http.offload import Busy
from appliance.http.site import Site
from appliance.system.redact import redact

_ASIDE_S = 20.0

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


def as_json(answer: BaseModel, status: int = 200) -> JSONResponse:
    """An answer."""
    return JSONResponse(answer.model_dump(mode="json"), status)


async def aside(site: Site, work: Callable[[], T]) -> T:
    """Do ``work`` in a thread, and turn what may go wrong into an HTTP error with a message."""
    try:
        return await site.aside.do(work, _ASIDE_S)
    except Busy as error:
        words = "too much is being done at once; try again in a second"
        raise HTTPException(503, words, {"Retry-After": "1"}) from error
    except (asyncio.TimeoutError, Late, TimeoutError) as error:
        words = str(error) or f"not done within {_ASIDE_S:g} s; it may still be: see /api/status"
        raise HTTPException(504, words) from error
    except NotDone as error:
        raise HTTPException(409, redact(str(error))) from error
    except TooLarge as error:
        raise HTTPException(413, redact(str(error))) from error
    except MatteboxError as error:
        raise HTTPException(409, redact(str(error))) from error


async def body_of(request: Request, kind: type[Model]) -> Model:
    """Parse the JSON body into its type.

    Its Content-Type must be JSON, which no form on another site's page can send.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        raise HTTPException(415, f"found {given or 'no Content-Type'}; expected application/json")
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(422, "; ".join(broken(error, kind, "the body")[:5])) from error


def choice(request: Request, name: str, among: tuple[str, ...]) -> str:
    """A choice in the query, by default the first; anything else is refused (422)."""
    value = request.query_params.get(name, among[0])
    if value not in among:
        raise HTTPException(422, f"{name}: found {value[:50]!r}; expected {' or '.join(among)}")
    return value
