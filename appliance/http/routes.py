"""The API's operations: the one table from which routes and OpenAPI are both made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib import resources
from pathlib import PurePath

from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.config.settings.http import HttpSettings
from appliance.http import api, control, session_api, whep
from appliance.http.control_schemas import (
    CheckedAnswer,
    DevicesAnswer,
    FileAnswer,
    LogAnswer,
    OutputBody,
    OutputsAnswer,
    RecordingAnswer,
    RecordingBody,
    RecordingsAnswer,
    SavedAnswer,
    SectionsAnswer,
    SectionsBody,
    SourceBody,
    TicketAnswer,
)
from appliance.http.guard import Guard
from appliance.http.metrics import registry
from appliance.http.openapi import Answer, Operation, Parameter, document
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
from appliance.http.session_schemas import (
    EventAnswer,
    InterruptedAnswer,
    PlayBody,
    SessionAnswer,
    SessionBody,
    SessionsAnswer,
    SpeakBody,
    TurnAnswer,
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
_VIEWER_WORDS = "the last part of the Location that the offer was answered with"
_VIEWER = Parameter("viewer", _VIEWER_WORDS, {"type": "string", "minLength": 1}, True)
_OWN_VIEWER = Parameter("id", _VIEWER_WORDS, {"type": "string", "minLength": 1}, True)
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

_ID = Parameter("id", "as /api/outputs lists it", {"type": "string", "minLength": 1}, True)
_KEEP = Parameter(
    "keep", "take it out of the configuration file, too", {"type": "boolean", "default": False}
)
_RECORDING = Parameter(
    "name", "one of the names that /api/recordings lists", {"type": "string", "minLength": 1}, True
)
_TICKET = Parameter("ticket", "instead of the token, once", {"type": "string"})
_AFTER = Parameter(
    "after", "only lines after this number", {"type": "integer", "minimum": 0, "default": 0}
)
_TEXT = Parameter("text", "what it shall say", {"type": "string", "minLength": 1, "maxLength": 400})
_IF_MATCH = Parameter(
    "If-Match", "the ETag that GET /api/config gave", {"type": "string"}, header=True
)

_SESSION = Parameter(
    "id", "as /api/sessions lists it; main is the box's own programme",
    {"type": "string", "minLength": 1}, True,
)  # fmt: skip
_INTERRUPT = Parameter(
    "interrupt", "for sound; queue: after what waits; replace: at once, in its place",
    {"enum": ["queue", "replace"], "default": "queue"},
)  # fmt: skip
_SAID = Parameter("text", "what is said in an audio/wav, if it is known", {"type": "string"})
_EVENT = Parameter(
    "after", "begin after this event, as the header Last-Event-ID says; without: with the next",
    {"type": "integer", "minimum": 0},
)  # fmt: skip
_TURN: dict[int, Answer] = {201: TurnAnswer}

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
        "DELETE", "/whep/{id}", whep.whep_leave, "Stop watching.", {200: "text/plain"},
        (404, 504), parameters=(_OWN_VIEWER,),
    ),
    Operation(
        "POST", "/whep/{id}", whep.whep_join_session,
        "Watch a session, by WebRTC: an offer (WHEP).",
        {201: whep.SDP}, (400, 404, 406, 408, 415, 503, 504), (whep.SDP,), (_SESSION,),
    ),
    Operation(
        "OPTIONS", "/whep/{id}", whep.whep_options_session, "What an offer is to be sent as.",
        {200: "text/plain"}, parameters=(_SESSION,),
    ),
    Operation(
        "DELETE", "/whep/{id}/{viewer}", whep.whep_leave_session, "Stop watching a session.",
        {200: "text/plain"}, (404, 504), parameters=(_SESSION, _VIEWER),
    ),
    Operation(
        "GET", "/api/sessions", session_api.list_sessions,
        "The sessions, main first, and the avatars that there are.", {200: SessionsAnswer},
        (503, 504),
    ),
    Operation(
        "POST", "/api/sessions", session_api.begin_session, "Begin a session.",
        {201: SessionAnswer}, (408, 409, 415, 422, 503, 504), SessionBody,
    ),
    Operation(
        "GET", "/api/sessions/{id}", session_api.show_session, "One session, and its turns.",
        {200: SessionAnswer}, (404, 503, 504), parameters=(_SESSION,),
    ),
    Operation(
        "DELETE", "/api/sessions/{id}", session_api.end_session, "End a session.",
        {200: SessionsAnswer}, (404, 409, 503, 504), parameters=(_SESSION,),
    ),
    Operation(
        "POST", "/api/sessions/{id}/speak", session_api.speak,
        "Have the avatar say a text, or recorded speech.", _TURN,
        (404, 408, 409, 415, 422, 503, 504), (SpeakBody, *session_api.WAV_TYPES),
        (_SESSION, _INTERRUPT, _SAID),
    ),
    Operation(
        "POST", "/api/sessions/{id}/voice", session_api.voice,
        "Have the avatar say what is being spoken: int16 samples of one channel, sent bit by bit; "
        "audio/pcm;rate=16000 is little-endian, audio/L16;rate=16000 big-endian.", _TURN,
        (404, 408, 409, 415, 422, 503, 504), session_api.PCM_TYPES, (_SESSION, _INTERRUPT),
    ),
    Operation(
        "POST", "/api/sessions/{id}/play", session_api.play, "Have the avatar play an action.",
        _TURN, (404, 408, 409, 415, 422, 503, 504), PlayBody, (_SESSION,),
    ),
    Operation(
        "POST", "/api/sessions/{id}/interrupt", session_api.interrupt,
        "End what is said and done, and all that waits.", {200: InterruptedAnswer},
        (404, 409, 503, 504), parameters=(_SESSION,),
    ),
    Operation(
        "GET", "/api/sessions/{id}/events", session_api.events,
        "What happens, as it is played: server-sent events, the data of each an Event.",
        {200: "text/event-stream"}, (404, 409, 422, 503, 504), parameters=(_SESSION, _EVENT),
        parts=(EventAnswer,),
    ),
    Operation(
        "GET", "/api/sessions/{id}/captions.vtt", session_api.captions,
        "What has been said so far, as WebVTT.", {200: "text/vtt"}, (404, 409, 503, 504),
        parameters=(_SESSION,),
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
        "GET", "/api/outputs", control.list_outputs, "The outputs, and what a new one can be.",
        {200: OutputsAnswer},
    ),
    Operation(
        "POST", "/api/outputs", control.add_output, "Add an output; the others go on.",
        {201: OutputsAnswer}, (408, 409, 415, 422, 503, 504), OutputBody,
    ),
    Operation(
        "DELETE", "/api/outputs/{id}", control.remove_output, "Remove an output; the others go on.",
        {200: OutputsAnswer}, (404, 409, 503, 504), parameters=(_ID, _KEEP),
    ),
    Operation(
        "GET", "/api/devices", control.devices,
        "What is plugged in, and the sources that may be chosen here.",
        {200: DevicesAnswer}, (503, 504),
    ),
    Operation(
        "PATCH", "/api/source", control.change_source, "Change to another source.",
        {200: DevicesAnswer}, (408, 409, 415, 422, 503, 504), SourceBody,
    ),
    Operation(
        "GET", "/api/recordings", control.list_recordings,
        "The recordings in the folder, and the one being made.",
        {200: RecordingsAnswer}, (409, 503, 504),
    ),
    Operation(
        "POST", "/api/recording", control.record, "Begin or end a recording.",
        {200: RecordingAnswer}, (408, 409, 415, 422, 503, 504), RecordingBody,
    ),
    Operation(
        "GET", "/api/recordings/{name}", control.fetch_recording, "Fetch a recording.",
        {200: "video/*"}, (404, 409, 503, 504), parameters=(_RECORDING, _TICKET),
    ),
    Operation(
        "POST", "/api/recordings/{name}/ticket", control.ticket,
        "An address to fetch a recording at, once, without the token.",
        {200: TicketAnswer}, (404, 409, 503, 504), parameters=(_RECORDING,),
    ),
    Operation(
        "GET", "/api/settings", control.list_sections, "Sections of the settings: sound, load.",
        {200: SectionsAnswer},
    ),
    Operation(
        "PATCH", "/api/settings", control.change_sections, "Set some of them.",
        {200: SectionsAnswer}, (408, 409, 415, 422, 503, 504), SectionsBody,
    ),
    Operation(
        "GET", "/api/log", control.log_lines, "The log's last lines, without secrets.",
        {200: LogAnswer}, (422,), parameters=(_AFTER,),
    ),
    Operation(
        "GET", "/api/config", control.show_file,
        "The configuration file, its secrets struck out; its version is the ETag.",
        {200: FileAnswer}, (409, 422, 503, 504),
    ),
    Operation(
        "PUT", "/api/config", control.save_file, "Save another text as the configuration file.",
        {200: SavedAnswer}, (408, 409, 412, 415, 422, 428, 503, 504), control.YAML_TYPES,
        (_IF_MATCH,),
    ),
    Operation(
        "POST", "/api/config/check", control.check_file,
        "What is wrong with a text, by line and column; nothing is changed.",
        {200: CheckedAnswer}, (408, 409, 415, 422, 503, 504), control.YAML_TYPES,
    ),
    Operation(
        "GET", "/api/qr", control.qr_code, "A text as a QR code.", {200: "image/svg+xml"}, (422,),
        parameters=(_TEXT,),
    ),
    Operation("GET", "/docs", control.docs, "The API, to be read.", {200: "text/html"}),
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

_PATHS = {"index.html": "/", "avatar.html": "/avatar"}
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def _page_files() -> Iterator[tuple[str, bytes, str]]:
    """Path, content and type of each file of the page; read once, as they are few and small."""
    for file in resources.files(__package__).joinpath("page").iterdir():
        suffix = PurePath(file.name).suffix
        kind = f"{_KINDS[suffix]}; charset=utf-8" if suffix in _KINDS else "image/svg+xml"
        if suffix in _KINDS or suffix == ".svg":
            path = _PATHS.get(file.name, f"/page/{file.name}")
            yield path, file.read_bytes(), kind


def make_app(site: Site, settings: HttpSettings) -> ASGIApp:
    """The application of one server."""
    routes = [
        Route(operation.path, _Endpoint(operation.handler), methods=[operation.method])
        for operation in OPERATIONS
    ]
    for path, data, kind in _page_files():
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
