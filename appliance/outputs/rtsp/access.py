"""Who may read: the password of an RTSP server, and what it answers to strangers.

gst-rtsp-server does digest by itself. Here it is told what to ask for, and to answer
a DESCRIBE without the password with 401, whether or not there is such a path.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from appliance.config.settings import RtspSettings
from appliance.outputs.rtsp.library import GstRtsp, GstRtspServer

log = structlog.get_logger(__name__)

REALM = "Mattebox"
# Where requests for paths that are not served go. Nobody may read there.
NOWHERE = "/.nowhere"
_ROLE = "reader"
_ACCESS, _CONSTRUCT = "media.factory.access", "media.factory.construct"
_SAID_EVERY_S = 60.0
_MOST_ADDRESSES = 256


def auth(rtsp: RtspSettings) -> Any:
    """What decides for new connections. Raises InputError for a password that cannot be had."""
    result = Auth()
    result.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    result.set_realm(REALM)
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", _ROLE)
    if rtsp.password:
        result.add_digest(rtsp.user, rtsp.password.reveal(), token)
    else:
        result.set_default_token(token)
    return result


def permit(factory: Any, *, readers: bool = True) -> None:
    """Let those who know the password read from ``factory``, or nobody at all."""
    permissions = GstRtspServer.RTSPPermissions.new()
    for permission in (_ACCESS, _CONSTRUCT):
        permissions.add_permission_for_role(_ROLE, permission, readers)
    factory.set_permissions(permissions)


class Auth(GstRtspServer.RTSPAuth):
    """The library's, which also tells of wrong passwords."""

    __gtype_name__ = "MatteboxAuth"

    def do_generate_authenticate_header(self, context: Any) -> None:
        """Called for each 401: the first of each reader brings the challenge, a second is news."""
        GstRtspServer.RTSPAuth.do_generate_authenticate_header(self, context)
        try:
            _, answer = context.request.get_header(GstRtsp.RTSPHeaderField.AUTHORIZATION, 0)
        except UnicodeDecodeError:
            answer = ""
        if answer is not None:
            wrong_passwords.add(context.conn.get_ip())


class Paths(GstRtspServer.RTSPMountPoints):
    """Leads what is not served to ``NOWHERE``; by itself /live/any/thing would be /live."""

    __gtype_name__ = "MatteboxPaths"

    def __init__(self, known: Callable[[str], bool]) -> None:
        """``known`` says of a path without a slash at its end whether it is served."""
        super().__init__()
        self._known = known
        nowhere = GstRtspServer.RTSPMediaFactory.new()
        permit(nowhere, readers=False)
        self.add_factory(NOWHERE, nowhere)

    def do_make_path(self, url: Any) -> str:
        """The path under which a DESCRIBE finds what is served."""
        try:
            path: str = url.abspath or ""
        except UnicodeDecodeError:
            return NOWHERE
        return path if self._known(path.rstrip("/")) else NOWHERE


class WrongPasswords:
    """Tells of wrong passwords: one line a minute for each address, with how many there were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._since: dict[str, int] = {}

    def add(self, address: str) -> None:
        """One more from ``address``."""
        now = self._clock()
        with self._lock:
            count = self._since.pop(address, 0) + 1
            if now - self._told.get(address, -_SAID_EVERY_S) < _SAID_EVERY_S:
                self._since[address] = count
                return
            self._told.pop(address, None)
            self._told[address] = now
            while len(self._told) > _MOST_ADDRESSES:
                oldest = next(iter(self._told))
                del self._told[oldest]
                self._since.pop(oldest, None)
        log.warning("rtsp: wrong user or password", address=address, times=count)


wrong_passwords = WrongPasswords()
