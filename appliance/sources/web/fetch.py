"""Fetches over HTTP within bounds: of time, of size, and of where a server may send us.

Only http and https, whatever a redirect or a playlist names; from https never to http; never closer
to this machine than the configured server is (``reach``). User and password go to that server only.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from appliance.errors import SourceError
from appliance.sources.web.reach import Reach, reach_of
from appliance.system.deadline import Late, within
from appliance.system.redact import redact

_MOST_REDIRECTS = 5
_CHUNK = 1 << 16
_CLOSE_S = 1.0
# What stands in an address as it is, because it has a meaning there, or is quoted already.
_AS_IT_IS = "%/:=&?~#+!$,;'@()*[]"
_ADVICE = {
    401: "it wants a user and a password, or others: http://user:password@host/path",
    403: "it refuses this user, or this address",
    404: "there is nothing at this path: check the address",
    410: "there is nothing at this path any more: check the address",
    429: "it is asked too often",
    503: "it is overloaded, or its camera is off",
}


class NotFollowedError(SourceError):
    """A server refers to where it must not lead; asking again would change nothing."""


class Answer:
    """What a server answers: its headers have come, its body is read bit by bit.

    Attributes:
        url: where it came from, after redirects; without user and password.
        kind: the media type in lower case, without parameters; "" if there is none.
        headers: all of them.
        length: of the body in bytes, by the server's word; None if it does not say.
    """

    def __init__(
        self, url: str, response: http.client.HTTPResponse, tap: socket.socket, timeout_s: float
    ) -> None:
        self.url, self.headers = url, response.headers
        self.status = response.status
        self.kind = response.headers.get_content_type().lower() if "content-type" in (
            response.headers
        ) else ""  # fmt: skip
        length = response.headers.get("content-length", "")
        self.length = int(length) if length.isascii() and length.isdigit() else None
        self._response, self._tap, self._timeout_s = response, tap, timeout_s
        self._ahead, self._came = b"", 0
        self._reading, self._closed = threading.Lock(), False

    def read(self, most: int = _CHUNK) -> bytes:
        """The next bytes, at least one, at most ``most``; b"" at the end. Raises SourceError."""
        if self._ahead:
            data, self._ahead = self._ahead[:most], self._ahead[most:]
            return data
        try:
            with self._reading:
                data = b"" if self._closed else self._response.read1(most)
            self._came += len(data)
            return data
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SourceError(_in_words(error, self._timeout_s)) from error

    def peek(self, count: int) -> bytes:
        """The first ``count`` bytes, or all there are; they are read again. Raises SourceError."""
        found = self._ahead
        deadline = time.monotonic() + self._timeout_s
        self._ahead = b""
        while len(found) < count:
            more = self.read(count - len(found))
            found += more
            if not more:
                break
            if time.monotonic() > deadline:
                raise SourceError(f"it sends less than {count} bytes in {self._timeout_s:g} s")
        self._ahead = found
        return found

    def all(self, most: int, seconds: float) -> bytes:
        """The rest of the body; then it is closed. Raises SourceError: too large, or too slow."""
        try:
            return self._all(most, seconds)
        finally:
            self.close()

    def _all(self, most: int, seconds: float) -> bytes:
        too_large = f"it sends more than {most} bytes, which is the most that is taken"
        if self.length is not None and self.length > most:
            raise SourceError(too_large)
        deadline = time.monotonic() + seconds
        parts, count = [], 0
        while data := self.read():
            parts.append(data)
            count += len(data)
            if count > most:
                raise SourceError(too_large)
            if time.monotonic() > deadline:
                raise SourceError(f"it is too slow: only {count} bytes in {seconds:g} s")
        if self.length is not None and self._came < self.length:
            raise SourceError(f"it broke off after {self._came} of {self.length} bytes")
        return b"".join(parts)

    def close(self) -> None:
        """Let go, from any thread; whoever reads then gets an error or the end."""
        with contextlib.suppress(OSError):
            # Not the TLS layer's own, which is not to be touched while another thread reads.
            socket.socket.shutdown(self._tap, socket.SHUT_RDWR)
        # Whoever reads returns now.
        if self._reading.acquire(timeout=_CLOSE_S):
            try:
                self._closed = True
                self._response.close()
                self._tap.close()
            finally:
                self._reading.release()


class Web:
    """Fetches from one server, and from where it refers to."""

    def __init__(self, address: str, timeout_s: float) -> None:
        """``address``: http:// or https://, its secrets filled in."""
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        self.url = _quoted(urlunsplit(parts._replace(netloc=host, fragment="")))
        self._timeout_s = timeout_s
        self._home = _origin(self.url)
        self._reach: Reach | None = None
        self._login: _Login | None = None
        if parts.username is not None:
            self._login = _Login(unquote(parts.username), unquote(parts.password or ""))
        self._tls: ssl.SSLContext | None = None

    def get(self, url: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET, with status 200, 206 or 304; of the configured address by default.

        ``url`` may be whatever a server names. Raises SourceError within ``timeout_s``.
        """
        try:
            return within(
                self._timeout_s, lambda: self._get(url or self.url, headers or {}),
                name="source-web", undo=_close,
            )  # fmt: skip
        except Late:
            raise SourceError(f"the server does not answer within {self._timeout_s:g} s") from None

    def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        asked_in = False
        for _ in range(_MOST_REDIRECTS + 2):
            url = self._checked(url)
            at_home = _origin(url) == self._home
            sent = {"User-Agent": "mattebox", "Accept": "*/*", "Accept-Encoding": "identity"}
            sent |= headers
            if at_home and self._login is not None and self._login.header:
                sent["Authorization"] = self._login.header
            answer = self._ask(url, sent)
            if answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers:
                answer.close()
                url = urljoin(url, answer.headers["location"])
                continue
            if answer.status == 401 and at_home and self._login is not None and not asked_in:
                answer.close()
                asked_in = True
                self._login.challenged(answer.headers.get_all("www-authenticate") or [], url)
                continue
            if answer.status not in (200, 206, 304):
                answer.close()
                say = _ADVICE.get(answer.status, "expected 200")
                raise SourceError(f"the server answers {answer.status}: {say}")
            return answer
        raise SourceError(f"the server redirects more than {_MOST_REDIRECTS} times")

    def _checked(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise NotFollowedError(
                f"the server refers to {redact(url)[:200]!r}, no address"
            ) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise NotFollowedError(
                f"the server refers to {redact(url)[:200]!r}; only http and https are followed"
            )
        if self._home[0] == "https" and parts.scheme == "http":
            raise NotFollowedError(
                f"the server refers from https to {redact(url)[:200]!r}, which is not followed"
            )
        host = parts.netloc.rpartition("@")[2]
        return _quoted(urlunsplit(parts._replace(netloc=host, fragment="")))

    def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        host, port = str(parts.hostname), _origin(url)[2]
        try:
            tap = plain = self._connect(host, port)
            try:
                if parts.scheme == "https":
                    self._tls = self._tls or ssl.create_default_context()
                    tap = self._tls.wrap_socket(plain, server_hostname=host)
                connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
                if parts.scheme == "https":
                    connection.default_port = 443  # so that Host has no port where none is needed
                connection.sock = tap
                path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
                connection.request("GET", path, headers=dict(headers))
                return Answer(url, connection.getresponse(), tap, self._timeout_s)
            except BaseException:
                tap.close()
                raise
        except (OSError, ValueError, http.client.HTTPException) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(_in_words(error, self._timeout_s)) from error

    def _connect(self, host: str, port: int) -> socket.socket:
        """A connection, to an address no closer than the first one was. Raises OSError."""
        last: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            reach = reach_of(str(address[0]))
            if self._reach is not None and reach > self._reach:
                last = NotFollowedError(
                    f"the server refers to {host} ({address[0]}), which is closer to this machine "
                    "than itself; that is not followed"
                )
                continue
            tap = socket.socket(family, kind, protocol)
            try:
                tap.settimeout(self._timeout_s)
                tap.connect(address)
            except OSError as error:
                tap.close()
                last = error
                continue
            if self._reach is None:
                self._reach = reach
            return tap
        raise last or OSError(f"no address for {host}")


class _Login:
    """User and password, by Basic or Digest as the server asks (RFC 7617, RFC 7616)."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self.header = ""
        self._known = urllib.request.HTTPPasswordMgr()
        self._digest = urllib.request.AbstractDigestAuthHandler(self._known)

    def challenged(self, challenges: list[str], url: str) -> None:
        """Have ``header`` answer a challenge."""
        for challenge in sorted(challenges, key=lambda text: text.lower().startswith("basic")):
            name, _, rest = challenge.partition(" ")
            if name.lower() == "digest":
                parts = urllib.request.parse_http_list(rest)
                fields = urllib.request.parse_keqv_list([part for part in parts if "=" in part])
                realm = fields.get("realm", "")
                self._known.add_password(realm, url, self._user, self._password)
                with contextlib.suppress(ValueError):  # an algorithm that it does not know
                    found = self._digest.get_authorization(urllib.request.Request(url), fields)
                    if found:
                        self.header = f"Digest {found}"
                        return
            elif name.lower() == "basic":
                both = f"{self._user}:{self._password}".encode()
                self.header = f"Basic {base64.b64encode(both).decode()}"
                return


def _close(answer: Answer) -> None:
    answer.close()


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, str(parts.hostname), port


def _quoted(url: str) -> str:
    return quote(url, safe=_AS_IT_IS)


def _in_words(error: Exception, timeout_s: float) -> str:
    """What went wrong with a connection, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted here ({error.verify_message}); install that of its "
            "authority (/usr/local/share/ca-certificates, update-ca-certificates)"
        )
    if isinstance(error, ssl.SSLError):
        return f"no TLS with the server ({error.reason or error}); is it http:// rather?"
    if isinstance(error, socket.gaierror):
        return f"no such host ({error.strerror}): check the name, or write its address"
    if isinstance(error, TimeoutError):
        return f"the server does not answer within {timeout_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "nothing answers there: check address and port, and that the server runs"
    if isinstance(error, http.client.HTTPException):
        return f"it does not answer as a web server ({type(error).__name__}); check the port"
    return f"the connection failed ({error})"
