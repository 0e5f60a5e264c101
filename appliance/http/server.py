"""The HTTP server's thread: listens, tries again when it cannot, stops within its deadline.

Whatever goes wrong in here, the picture goes on; it is said in the log, once.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading

import structlog
import uvicorn

from appliance.config.settings.http import HttpSettings
from appliance.http import connection
from appliance.http.connection import MOST_HEADER_BYTES, protocol
from appliance.http.routes import make_app
from appliance.http.site import Site

RETRY_S = 5.0
_BACKLOG = 64
# What a request that is being answered gets at the end.
_GRACE_S = 1

log = structlog.get_logger(__name__)


class HttpServer:
    """Serves one ``Site``. ``start``, then ``stop``.

    Attributes:
        url: where it listens (``http://127.0.0.1:8080``); None while it does not.
        error: why it does not; None while it does.
    """

    def __init__(self, site: Site, settings: HttpSettings, *, retry_s: float = RETRY_S) -> None:
        self.url: str | None = None
        self.error: str | None = None
        self.settings = settings
        self._site, self._retry_s = site, retry_s
        self._stop = threading.Event()
        self.changed = threading.Event()
        """Set when it first listens, and when it first cannot."""
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Have it end soon; ``stop`` waits for that."""
        self._stop.set()
        self._site.close()
        server = self._server
        if server is not None:
            server.should_exit = True

    def stop(self, timeout: float = 2.5) -> bool:
        """End; False when it has not within ``timeout`` seconds: its thread is left behind."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    # Inside the thread.

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                listener = _listen(self.settings.address, self.settings.port)
                try:
                    self._serve(listener)
                finally:
                    listener.close()
            except OSError as error:
                self._say(_in_words(error, self.settings))
            except Exception as error:  # noqa: BLE001
                # Not ours to end the picture for; a mistake in the program is worth its traceback.
                self._say(f"{type(error).__name__}: {error}", exc_info=True)
            finally:
                self.url = None
            self._stop.wait(self._retry_s)

    def _say(self, reason: str, *, exc_info: bool = False) -> None:
        if reason != self.error:
            log.warning(
                "no HTTP: tried again until it works; the picture goes on",
                reason=reason, retry_every_s=self._retry_s, exc_info=exc_info,
            )  # fmt: skip
        self.error = reason
        self.changed.set()

    def _serve(self, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        self._server = server = uvicorn.Server(
            uvicorn.Config(
                make_app(self._site, self.settings),
                loop="asyncio",
                http=protocol(self.settings.connections, connection.HEADERS_S),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                # It would log a line for each piece of garbage that somebody sends.
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=_GRACE_S,
                h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            )
        )
        if self._stop.is_set():
            return
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.error = None
        log.info("page, figures and control", url=self.url)
        self.changed.set()
        asyncio.run(server.serve(sockets=[listener]))


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # :: is every address, those of IPv4 too, where the system can do that.
    both = address == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(
        (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
    )


def _in_words(error: OSError, settings: HttpSettings) -> str:
    where = f"{settings.address} port {settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program; end that, or set another http.port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{settings.address} is no address of this machine; set http.address (ip addr)"
    if error.errno == errno.EACCES:
        return f"{where} may not be used by this user; set http.port to 1024 or above"
    return f"{where}: {error.strerror or error}"
