"""What every request passes first: who may come in, how much they may send, how long it takes."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.config.document import MAX_BYTES
from appliance.config.settings.http import HttpSettings
from appliance.http.connection import ABORT, LET_IN
from appliance.http.site import Site
from appliance.system.guesses import Guesses
from appliance.system.hosts import is_loopback

BODY_S = 30.0
"""Time for a request's body, once its headers are here; each piece that comes buys more."""

BODY_RATE = 100_000
"""Bytes that buy one second: a picture over a slow wireless network is not an attack."""

SEND_S = 10.0
"""Time for one piece of an answer: a client that accepts nothing for this long is cut off."""

SMALL_BODY = 65_536
"""Maximum bytes of a body that is not a file."""

# What a browser may do with our answers: load nothing from other sites, give nothing to them.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}

WRONG_TOKEN_S = 0.5
"""How long the answer to a wrong token is delayed: guessing takes patience."""

wrong_tokens = Guesses("http")

VOICE_BODY = 1 << 40
"""As for ``SMALL_BODY``, of a voice that arrives while it is spoken: it ends when it stops."""

_RECORDINGS = "/api/recordings/"
_SESSIONS = "/api/sessions/"
_SAFE = frozenset({"GET", "HEAD"})

log = structlog.get_logger(__name__)


class Guard:
    """Wraps the application; see the functions below for what it requires of a request."""

    def __init__(self, app: ASGIApp, site: Site, settings: HttpSettings) -> None:
        self._app, self._site, self._settings = app, site, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        answer = _Answer(scope, send)
        body = _Body(receive, self._most_bytes(scope["path"]))
        try:
            refusal = self._refusal(Request(scope))
            if refusal is None:
                _let_in(scope)
            else:
                if refusal.status_code == 401 and "authorization" in Headers(scope=scope):
                    await asyncio.sleep(WRONG_TOKEN_S)
                await refusal(scope, receive, answer.send)
                return
            await self._app(scope, body.receive, answer.send)
        except _Cut as cut:
            if answer.begun or cut.response is None:
                answer.abort()
            else:
                await cut.response(scope, receive, answer.send)
        except asyncio.CancelledError:
            answer.abort()
            raise
        except ClientDisconnect:
            # It disconnected before the whole request was here: there is nobody to tell.
            answer.abort()
        except Exception:
            # Logged once per failing request, with its traceback; the caller learns only that it
            # is our fault.
            log.exception("HTTP: a mistake in the program", path=scope["path"])
            if answer.begun:
                answer.abort()
            else:
                await _problem(500, "a mistake in the program; the log says where")(
                    scope, receive, answer.send
                )

    def _most_bytes(self, path: str) -> int:
        if path.startswith("/api/backgrounds/"):
            return max(SMALL_BODY, self._settings.upload_mb * 10**6)
        if path.startswith(_SESSIONS) and path.endswith("/speak"):
            return max(SMALL_BODY, self._settings.upload_mb * 10**6)
        if path.startswith(_SESSIONS) and path.endswith("/voice"):
            return VOICE_BODY
        if path == "/api/config" or path.startswith("/api/config/"):
            return MAX_BYTES
        return SMALL_BODY

    def _refusal(self, request: Request) -> JSONResponse | None:
        headers, method = request.headers, request.method
        host = headers.get("host", "")
        if self._settings.on_loopback and not _is_this_machine(host):
            # DNS rebinding: another site whose name was made to point here sends that name.
            return _problem(
                421, f"the host {host[:100]!r} is not served here; ask for http://localhost"
            )
        if not _same_site(headers, method):
            return _problem(403, "requests from other sites are not taken")
        origin = headers.get("origin")
        if origin is not None and method not in _SAFE and origin.partition("://")[2] != host:
            return _problem(403, "requests from other sites are not taken")
        if not (
            _is_page(request.url.path) or self._has_ticket(request) or self._knows_token(request)
        ):
            response = _problem(
                401, "a token is needed: send the header Authorization: Bearer TOKEN (http.token)"
            )
            response.headers["WWW-Authenticate"] = 'Bearer realm="mattebox"'
            return response
        length = headers.get("content-length", "0")
        if (
            length.isascii()
            and length.isdigit()
            and int(length[:20]) > self._most_bytes(request.url.path)
        ):
            return _problem(413, _too_large(self._most_bytes(request.url.path)))
        return None

    def _has_ticket(self, request: Request) -> bool:
        """Whether somebody who knew the token let this one request in: a browser's download."""
        word, path = request.query_params.get("ticket", ""), request.url.path
        if not word or request.method != "GET" or not path.startswith(_RECORDINGS):
            return False
        wanted = str(request.scope["path"])[len(_RECORDINGS) :]
        return self._site.recordings.take(word) == wanted

    def _knows_token(self, request: Request) -> bool:
        token, headers = self._settings.token, request.headers
        if not token:
            # Without a token, settings are refused for any address that others can reach.
            return self._settings.on_loopback
        if "authorization" not in headers:
            return False
        address = request.client.host if request.client is not None else ""
        if not wrong_tokens.take(address):
            wrong_tokens.wrong(address)
            return False
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = not token.problem and token.matches(given.strip()) and scheme.lower() == "bearer"
        if right:
            wrong_tokens.right(address)
        else:
            wrong_tokens.wrong(address)
        return right


def _let_in(scope: Scope) -> None:
    """Tell the connection that its request is answered to the end; the page's files need no haste.

    Without a token everybody who reaches the port is let in.
    """
    say = scope.get("extensions", {}).get(LET_IN)
    if say is not None and not _is_page(scope["path"]):
        say()


def _is_page(path: str) -> bool:
    """Whether it is the page or the API's manual: nothing private; pages ask for a token."""
    return path in ("/", "/avatar", "/docs") or path.startswith("/page/")


def _is_this_machine(host: str) -> bool:
    """Whether a Host header, with or without a port, can only mean this machine."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _same_site(headers: Headers, method: str) -> bool:
    """False if the browser says that another site's page sent it; links to here are fine."""
    site = headers.get("sec-fetch-site", "none")
    link = method in _SAFE and headers.get("sec-fetch-mode") == "navigate"
    return site in ("none", "same-origin") or link


def _problem(status: int, words: str) -> JSONResponse:
    return JSONResponse({"error": words}, status)


def _too_large(most: int) -> str:
    return f"the request is too large; at most {most} bytes are taken here"


class _Cut(Exception):
    """The request cannot go on; ``response`` says why, if an answer is still possible."""

    def __init__(self, response: JSONResponse | None) -> None:
        super().__init__("the request was cut off")
        self.response = response


class _Body:
    """``receive`` with a limit on bytes, and a deadline for the complete body."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left, self._most = receive, most, most
        # What is spoken now comes as slowly as it is spoken; each piece has its own deadline.
        self._live = most == VOICE_BODY
        self._deadline = time.monotonic() + BODY_S
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        if self._live:
            # Only the sender's own time counts: it was made to wait while enough was unheard.
            self._deadline = time.monotonic() + BODY_S
        try:
            message = await asyncio.wait_for(
                self._receive(), max(0.0, self._deadline - time.monotonic())
            )
        except asyncio.TimeoutError:
            words = f"the request's body did not come within {BODY_S:g} s"
            raise _Cut(_problem(HTTPStatus.REQUEST_TIMEOUT, words)) from None
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._left -= size
            self._deadline += size / BODY_RATE
            self._complete = not message.get("more_body", False)
            if self._left < 0:
                raise _Cut(_problem(413, _too_large(self._most)))
        return message


class _Answer:
    """``send`` with our headers, and a deadline for a client that does not read."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._cut = scope.get("extensions", {}).get(ABORT)
        self.begun = False

    def abort(self) -> None:
        """Close the connection without waiting for the client to read the rest."""
        if self._cut is not None:
            self._cut()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        try:
            await asyncio.wait_for(self._send(message), SEND_S)
        except asyncio.TimeoutError:
            raise _Cut(None) from None
