"""The API's operations: the one table from which routes and OpenAPI are both made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib import resources

from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.config.settings.http import HttpSettings
from appliance.http import api, whep
from appliance.http.guard import Guard
from appliance.http.metrics import registry
from appliance.http.openapi import Operation, Parameter, document
from appliance.http.schemas import (
    BackgroundsAnswer,
    ChangeBody,
    ChangedAnswer,
    HealthAnswer,
    PlateAnswer,
    PlateBody,
    ReadyAnswer,
    ResetBody,
    ScenesAnswer,
    SoundAnswer,
    SoundBody,
    StagesAnswer,
    StagesBody,
    StatusAnswer,
    SwitchBody,
    SwitchedAnswer,
    UploadedAnswer,
)
from appliance.http.site import Site

_NAME = Parameter(
    "name", "one of the names that /api/backgrounds lists", {"type": "string", "minLength": 1}, True
)
_SCENE = Parameter(
    "name", "one of the names that /api/scenes lists, or none", {"type": "string", "minLength": 1},
    True,
)  # fmt: skip
_NEW = Parameter("name", "what it shall be called", {"type": "string", "minLength": 1}, True)
_VIEWER = Parameter(
    "viewer", "the last part of the Location that the offer was answered with",
    {"type": "string", "minLength": 1}, True,
)  # fmt: skip
_SHOW = Parameter(
    "show", "what to show; of both, the composite is on the left",
    {"enum": list(api.SHOWS), "default": api.SHOWS[0]},
)  # fmt: skip
_SNAPSHOT = Parameter(
    "show", "what to show; of both, the composite is on the left; plate: the learnt room, which "
    "is refused (403) unless stages.plate.show is true",
    {"enum": list(api.SNAPSHOTS), "default": api.SNAPSHOTS[0]},
)  # fmt: skip
_FORMAT = Parameter("format", "the file's format", {"enum": ["png", "jpeg"], "default": "png"})

OPERATIONS = (
    Operation("GET", "/api/status", api.status, "How the appliance is.", {200: StatusAnswer}),
    Operation(
        "PATCH", "/api/picture", api.change_picture,
        "Change background, fit, blur, the person's edge, who is shown.",
        {200: ChangedAnswer}, (408, 409, 415, 422, 503, 504), ChangeBody,
    ),
    Operation(
        "GET", "/api/stages", api.list_stages, "The optional stages, and what they are set to.",
        {200: StagesAnswer},
    ),
    Operation(
        "PATCH", "/api/stages", api.change_stages, "Switch optional stages, and set them.",
        {200: StagesAnswer}, (408, 409, 415, 422, 503, 504), StagesBody,
    ),
    Operation("GET", "/api/sound", api.sound, "How the sound is doing.", {200: SoundAnswer}),
    Operation(
        "PATCH", "/api/sound", api.change_sound, "Set volume, mute and delay of the sound.",
        {200: SoundAnswer}, (408, 409, 415, 422, 503, 504), SoundBody,
    ),
    Operation(
        "GET", "/api/scenes", api.list_scenes, "The scenes, and which of them is on.",
        {200: ScenesAnswer},
    ),
    Operation(
        "POST", "/api/scenes/{name}", api.switch_scene,
        "Switch to a scene on the next frame, or fade into it.",
        {200: SwitchedAnswer}, (404, 408, 409, 415, 422, 503, 504), SwitchBody, (_SCENE,),
    ),
    Operation("GET", "/api/plate", api.plate, "The learnt room.", {200: PlateAnswer}),
    Operation(
        "POST", "/api/plate", api.wish_of_plate, "Learn the empty room now, or forget it.",
        {200: PlateAnswer}, (408, 409, 415, 422, 503, 504), PlateBody,
    ),
    Operation(
        "POST", "/api/reset", api.reset_all, "Back to the file; the matte starts over.",
        {200: ChangedAnswer}, (408, 409, 415, 422, 503, 504), ResetBody,
    ),
    Operation(
        "GET", "/api/snapshot", api.snapshot, "One frame that goes out, at full size.",
        {200: "image/*"}, (409, 422, 503, 504), parameters=(_SNAPSHOT, _FORMAT),
    ),
    Operation(
        "GET", "/api/preview", api.preview, "What goes out, live, as one JPEG after another.",
        {200: "multipart/x-mixed-replace"}, (422, 503), parameters=(_SHOW,),
    ),
    Operation(
        "POST", "/whep", whep.whep_join, "Watch what goes out, by WebRTC: an offer (WHEP).",
        {201: whep.SDP}, (400, 406, 408, 415, 503, 504), (whep.SDP,),
    ),
    Operation(
        "OPTIONS", "/whep", whep.whep_options, "What an offer is to be sent as.",
        {200: "text/plain"},
    ),
    Operation(
        "DELETE", "/whep/{viewer}", whep.whep_leave, "Stop watching.", {200: "text/plain"},
        (404, 504), parameters=(_VIEWER,),
    ),
    Operation(
        "GET", "/api/backgrounds", api.list_backgrounds, "What the folder of backgrounds holds.",
        {200: BackgroundsAnswer}, (409, 503, 504),
    ),
    Operation(
        "PUT", "/api/backgrounds/{name}", api.upload_background, "Add a picture to the folder.",
        {201: UploadedAnswer}, (404, 408, 409, 415, 503, 504), api.IMAGE_TYPES, (_NEW,),
    ),
    Operation(
        "DELETE", "/api/backgrounds/{name}", api.delete_background, "Delete a background.",
        {200: BackgroundsAnswer}, (404, 409, 503, 504), parameters=(_NAME,),
    ),
    Operation(
        "GET", "/api/backgrounds/{name}/thumbnail", api.background_thumbnail,
        "A small picture of a background.",
        {200: "image/jpeg"}, (404, 409, 503, 504), parameters=(_NAME,),
    ),
    Operation(
        "GET", "/metrics", api.metrics, "Figures for Prometheus.", {200: "text/plain"}, (503, 504)
    ),
    Operation(
        "GET", "/healthz", api.healthz, "Alive? And is the configuration file in use?",
        {200: HealthAnswer, 503: HealthAnswer},
    ),
    Operation(
        "GET", "/readyz", api.readyz, "Do fresh composites go out?",
        {200: ReadyAnswer, 503: ReadyAnswer},
    ),
    Operation(
        "GET", "/openapi.json", api.openapi, "This document.", {200: "application/json"}
    ),
)  # fmt: skip

_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page/stages.js": ("stages.js", "text/javascript; charset=utf-8"),
    "/page/scenes.js": ("scenes.js", "text/javascript; charset=utf-8"),
    "/page/mattes.js": ("mattes.js", "text/javascript; charset=utf-8"),
    "/page/mattebox.svg": ("mattebox.svg", "image/svg+xml"),
}


def make_app(site: Site, settings: HttpSettings) -> ASGIApp:
    """The application of one server."""
    routes = [
        Route(operation.path, _Endpoint(operation.handler), methods=[operation.method])
        for operation in OPERATIONS
    ]
    for path, (name, kind) in _PAGE.items():
        # Read once: they are a few small files.
        data = resources.files(__package__).joinpath("page", name).read_bytes()
        routes.append(Route(path, _Endpoint(partial(_page, data, kind)), methods=["GET"]))
    return Guard(_App(routes, site), site, settings)


class _App:
    """The routes, and what their handlers need. The guard reports errors in a handler."""

    def __init__(self, routes: list[Route], site: Site) -> None:
        self._router = Router(routes, redirect_slashes=False)
        self.state = State(
            {"site": site, "registry": registry(site), "document": document(OPERATIONS)}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        scope["app"] = self
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            await _problem(Request(scope), error)(scope, receive, send)


class _Endpoint:
    """A handler as an ASGI application, so that its answer may be one too."""

    def __init__(self, handler: Callable[[Request], Awaitable[ASGIApp]]) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        answer = await self._handler(Request(scope, receive, send))
        await answer(scope, receive, send)


async def _page(data: bytes, kind: str, _: Request) -> ASGIApp:
    return Response(data, headers={"Content-Type": kind, "Cache-Control": "no-cache"})


def _problem(request: Request, error: HTTPException) -> JSONResponse:
    words = error.detail
    if error.status_code == 404 and words == "Not Found":
        words = "there is nothing here; /openapi.json says what there is"
    if error.status_code == 405:
        words = f"{request.method} is not for this; /openapi.json says what is"
    return JSONResponse({"error": words}, error.status_code, error.headers)
