"""What can go wrong when a session is asked for."""

from __future__ import annotations

from appliance.errors import MatteboxError


class SessionLimit(MatteboxError, RuntimeError):
    """There is no place for one more session now; the message says why. HTTP: 503."""


class NoSuchSession(MatteboxError, LookupError):
    """There is no session of this id; the message says why, if it has ended. HTTP: 404."""
