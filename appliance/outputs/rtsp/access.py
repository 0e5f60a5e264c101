"""Who may read: the password of an RTSP server, and how it answers strangers.

gst-rtsp-server does digest authentication itself. Here it is told what to ask for, and to answer
a DESCRIBE without the password with 401 whether or not the path exists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.config.settings import RtspSettings
from appliance.outputs.rtsp.held import held
from appliance.outputs.rtsp.library import GstRtsp, GstRtspServer
from appliance.system.guesses import Guesses

REALM = "Mattebox"
# Where requests for unserved paths go. Nobody may read there.
NOWHERE = "/.nowhere"
_ROLE = "reader"
_ACCESS, _CONSTRUCT = "media.factory.access", "media.factory.construct"

wrong_passwords = Guesses("rtsp")


def auth(rtsp: RtspSettings) -> Any:
    """The authenticator for new connections. Raises InputError if the password is unavailable."""
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
    """Let those who know the password read from ``factory``; nobody, without ``readers``."""
    permissions = GstRtspServer.RTSPPermissions.new()
    for permission in (_ACCESS, _CONSTRUCT):
        permissions.add_permission_for_role(_ROLE, permission, readers)
    factory.set_permissions(permissions)


class Auth(GstRtspServer.RTSPAuth):
    """The library's authenticator, which logs wrong passwords, and allows only so many.

    Whoever has a session has known the password; it is not asked for tries again.
    """

    __gtype_name__ = "MatteboxAuth"

    def do_check(self, context: Any, check: str) -> bool:
        """Whether a request may go on; the first of the checks is for its address.

        To a request that names a session of another connection there is none: the library has two
        threads use it then, without a reference, and either can end it.
        """
        if context.session is not None and held.owner(context.session) not in (
            None,
            context.client,
        ):
            context.session = None
        return bool(GstRtspServer.RTSPAuth.do_check(self, context, check))

    def do_authenticate(self, context: Any) -> bool:
        """Whether a request comes with the password; not looked at without a try left."""
        answer = _answer(context)
        if answer is None or context.session is not None:
            return bool(GstRtspServer.RTSPAuth.do_authenticate(self, context))
        address = context.conn.get_ip()
        if not wrong_passwords.take(address):
            return False
        done = bool(GstRtspServer.RTSPAuth.do_authenticate(self, context))
        # The library says True whatever the password; the right one sets the token.
        if context.token is not None:
            wrong_passwords.right(address)
        return done

    def do_generate_authenticate_header(self, context: Any) -> None:
        """Called for each 401: a reader's first carries the challenge, only a second is news."""
        GstRtspServer.RTSPAuth.do_generate_authenticate_header(self, context)
        if _answer(context) is not None:
            wrong_passwords.wrong(context.conn.get_ip())


def _answer(context: Any) -> str | None:
    """What a request gives as its proof; None for nothing."""
    try:
        _, answer = context.request.get_header(GstRtsp.RTSPHeaderField.AUTHORIZATION, 0)
    except UnicodeDecodeError:
        return ""
    return None if answer is None else str(answer)


class Paths(GstRtspServer.RTSPMountPoints):
    """Maps unserved paths to ``NOWHERE``; the library would take /live/any/thing for /live."""

    __gtype_name__ = "MatteboxPaths"

    def __init__(self, known: Callable[[str], bool]) -> None:
        """``known`` says whether a path, without its trailing slash, is served."""
        super().__init__()
        self._known = known
        nowhere = GstRtspServer.RTSPMediaFactory.new()
        permit(nowhere, readers=False)
        self.add_factory(NOWHERE, nowhere)

    def do_make_path(self, url: Any) -> str:
        """The path under which a DESCRIBE looks for what is served."""
        try:
            path: str = url.abspath or ""
        except UnicodeDecodeError:
            return NOWHERE
        return path if self._known(path.rstrip("/")) else NOWHERE
