"""HTTP as the settings want it: on, off, or at another place, while the picture goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from appliance.config.load import LoadedConfig
from appliance.config.settings.http import HttpSettings
from appliance.daemon.changes import Reloader
from appliance.daemon.daemon import Daemon

if TYPE_CHECKING:
    from appliance.http.server import HttpServer

_RETRY_S = 5.0

log = structlog.get_logger(__name__)


class HttpService:
    """At most one ``HttpServer``. ``follow`` now and then, then ``stop``."""

    def __init__(
        self, daemon: Daemon, reloader: Reloader, load: Callable[..., LoadedConfig]
    ) -> None:
        """``load`` reads the configuration again, of another path where one is given."""
        self._daemon, self._reloader, self._load = daemon, reloader, load
        self.server: HttpServer | None = None
        self._ending: HttpServer | None = None
        self._not_before = 0.0
        self._said: str | None = None

    def follow(self, settings: HttpSettings) -> None:
        """See to it that there is a server for these settings, or none; never waits, or raises.

        One for other settings is asked to end; the new one comes once that has let go of the port.
        What goes wrong is said once, and tried again now and then.
        """
        if time.monotonic() < self._not_before:
            return
        try:
            self._follow(settings)
        except Exception as error:
            self._not_before = time.monotonic() + _RETRY_S
            reason = f"{type(error).__name__}: {error}"
            if reason != self._said:
                log.error("no HTTP; the picture goes on", reason=reason, exc_info=True)
            self._said = reason

    def _follow(self, settings: HttpSettings) -> None:
        server = self.server
        if server is not None and server.settings != settings:
            server.ask_to_stop()
            self._ending, self.server = server, None
        if self._ending is not None and self._ending.alive:
            return
        self._ending = None
        if self.server is None and settings.enabled:
            # Imported when there is something to serve.
            from appliance.http.server import HttpServer
            from appliance.http.site import Site

            site = Site(self._daemon, self._reloader, self._load, settings)
            server = HttpServer(site, settings)
            server.start()
            self.server = server

    def ask_to_stop(self) -> None:
        """Have it end soon."""
        if self.server is not None:
            self.server.ask_to_stop()

    def stop(self, timeout: float = 2.0) -> bool:
        """End; False when it has not within ``timeout`` seconds: it is left behind."""
        server, self.server = self.server or self._ending, None
        if server is None or server.stop(timeout):
            return True
        log.error("HTTP hangs; left behind", after_s=timeout)
        return False
