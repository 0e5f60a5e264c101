"""The endpoints of avatars: sessions, what they say and do, and what happens in them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from appliance.daemon.sessions.errors import NoSuchSession, SessionLimit
from appliance.errors import InputError, VoiceError
from appliance.http.event_stream import EventStream
from appliance.http.handling import as_json, aside, body_of, choice, site_of
from appliance.http.session_schemas import (
    InterruptedAnswer,
    PlayBody,
    SessionBody,
    SpeakBody,
)
from appliance.http.sessions import (
    NoAvatar,
    begin,
    end,
    playout_of,
    session,
    sessions,
    turn_answer,
)
from appliance.http.site import Site
from appliance.http.voice_upload import receive_voice
from appliance.playout.playout import Interrupt, Playout, ScriptError, TurnRefused
from appliance.playout.turn import TurnState
from appliance.system.redact import redact

WAV_TYPES = ("audio/wav",)
PCM_TYPES = ("audio/pcm", "audio/L16")
_WAV = frozenset((*WAV_TYPES, "audio/x-wav", "audio/wave", "audio/vnd.wave"))
_AGAIN = {"Retry-After": "5"}
# Texts, and recordings of ten seconds, are taken side by side.
_SMALL = 1_000_000

T = TypeVar("T")


async def list_sessions(request: Request) -> ASGIApp:
    """All sessions."""
    site = site_of(request)
    return as_json(await _asked(site, lambda: sessions(site)))


async def begin_session(request: Request) -> ASGIApp:
    """A session begins."""
    site, wanted = site_of(request), await body_of(request, SessionBody)
    return as_json(await _asked(site, lambda: begin(site, wanted)), 201)


async def show_session(request: Request) -> ASGIApp:
    """One session."""
    site, identity = site_of(request), request.path_params["id"]
    return as_json(await _asked(site, lambda: session(site, identity)))


async def end_session(request: Request) -> ASGIApp:
    """A session ends."""
    site, identity = site_of(request), request.path_params["id"]
    return as_json(await _asked(site, lambda: end(site, identity)))


async def speak(request: Request) -> ASGIApp:
    """A text, or recorded speech, is said."""
    site, playout = await _playout(request, use=True)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*_WAV, "application/json"):
        found, known = kind or "no Content-Type", "application/json or audio/wav"
        raise HTTPException(415, f"found {found[:60]}; expected {known}")
    with _one_recording(request, site):
        if kind in _WAV:
            interrupt, text = _interrupt(request), request.query_params.get("text", "")
            data: bytes | None = await request.body()
        else:
            wanted = await body_of(request, SpeakBody)
            interrupt, text = wanted.interrupt, wanted.text
            data = None if wanted.wav is None else _decoded(wanted.wav)

        def say() -> TurnState:
            if data is None:
                return playout.speak(text, interrupt)
            if not site.recordings_read.acquire(blocking=False):
                raise HTTPException(503, "the words of other recordings are looked for", _AGAIN)
            try:
                return playout.recite(data, text, interrupt)
            finally:
                site.recordings_read.release()

        return as_json(turn_answer(await _asked(site, say)), 201)


async def voice(request: Request) -> ASGIApp:
    """Speech that arrives while it is spoken."""
    site, playout = await _playout(request, use=True)
    interrupt = _interrupt(request)
    turn = await receive_voice(request, playout, interrupt, site.ending)
    return as_json(turn_answer(turn), 201)


async def play(request: Request) -> ASGIApp:
    """An action is played."""
    site, playout = await _playout(request, use=True)
    wanted = await body_of(request, PlayBody)
    turn = await _asked(site, lambda: playout.play(wanted.action, wanted.interrupt))
    return as_json(turn_answer(turn), 201)


async def interrupt(request: Request) -> ASGIApp:
    """Silence."""
    site, playout = await _playout(request, use=True)
    return as_json(InterruptedAnswer(ended=await _asked(site, playout.interrupt)))


async def events(request: Request) -> ASGIApp:
    """What happens, as it is played."""
    site, playout = await _playout(request)
    given = request.headers.get("last-event-id") or request.query_params.get("after")
    if given is not None and not (given.isascii() and given.isdigit() and len(given) < 19):
        raise HTTPException(422, f"after: found {given[:50]!r}; expected the number of an event")
    after = playout.events.last if given is None else int(given)
    if not site.event_places.acquire(blocking=False):
        raise HTTPException(503, "too many read events already; close one of them", _AGAIN)
    return EventStream(playout.events, after, site.event_places, site.ending)


async def captions(request: Request) -> ASGIApp:
    """What has been said so far, as WebVTT."""
    _, playout = await _playout(request)
    return PlainTextResponse(playout.track.webvtt(), media_type="text/vtt")


def _interrupt(request: Request) -> Interrupt:
    return "replace" if choice(request, "interrupt", ("queue", "replace")) == "replace" else "queue"


@contextmanager
def _one_recording(request: Request, site: Site) -> Iterator[None]:
    """One large body at a time: it is held in memory while it arrives."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= _SMALL:
        yield
        return
    if not site.uploading.acquire(blocking=False):
        raise HTTPException(503, "another upload is being made; try again when it is done", _AGAIN)
    try:
        yield
    finally:
        site.uploading.release()


async def _playout(request: Request, *, use: bool = False) -> tuple[Site, Playout]:
    """What plays; ``use``: the session is not idle then, which it is for those who only read."""
    site, identity = site_of(request), request.path_params["id"]
    return site, await _asked(site, lambda: playout_of(site, identity, use=use))


async def _asked(site: Site, work: Callable[[], T]) -> T:
    """Do ``work`` in a thread; what may go wrong with sessions becomes an HTTP error."""

    def tried() -> T:
        try:
            return work()
        except NoSuchSession as error:
            raise HTTPException(404, redact(str(error))) from error
        except NoAvatar as error:
            raise HTTPException(409, redact(str(error))) from error
        except (SessionLimit, TurnRefused) as error:
            raise HTTPException(503, redact(str(error)), _AGAIN) from error
        except (ScriptError, InputError, VoiceError) as error:
            raise HTTPException(422, redact(str(error))) from error

    return await aside(site, tried)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise HTTPException(422, f"wav: this is not base64: {error}") from error
