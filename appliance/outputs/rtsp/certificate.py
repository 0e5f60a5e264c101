"""The certificate of ``rtsps://`` outputs: is it valid, does its key fit, has the file changed?

Needs no GStreamer, so that ``mattebox check`` can check it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from appliance.config.settings import RtspSettings
from appliance.errors import InputError
from appliance.system.file_identity import Identity, identity

State = tuple[Identity | None, ...]


def files(rtsp: RtspSettings) -> tuple[str, str] | None:
    """The certificate and key files; None when there is no certificate."""
    if rtsp.certificate == "none":
        return None
    return rtsp.certificate, rtsp.certificate if rtsp.key == "none" else rtsp.key


def state(rtsp: RtspSettings) -> State:
    """What tells one state of the files from another, for instance after a renewal."""
    return tuple(identity(path) for path in files(rtsp) or ())


def problems(rtsp: RtspSettings) -> Iterator[tuple[str, str]]:
    """What is wrong with certificate and key: the setting's name, the reason and the remedy."""
    pair = files(rtsp)
    if pair is None:
        return
    certificate, key = pair
    of_key = "rtsp.certificate" if rtsp.key == "none" else "rtsp.key"
    missing = False
    for name, path in {"rtsp.certificate": certificate, of_key: key}.items():
        reason = _unreadable(path)
        if reason:
            yield name, f"{path} cannot be read ({reason}); name a PEM file that this user may read"
            missing = True
    if missing:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(certificate)
    except (ssl.SSLError, OSError, ValueError):
        yield "rtsp.certificate", f"{certificate} holds no certificate; expected PEM text with one"
        return
    try:
        # Given no password, it would prompt for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        yield of_key, f"{key} {_wrong_key(error, key, certificate)}"
    except (OSError, ValueError):
        yield of_key, f"{key} holds no private key; expected PEM text with one"


def load(rtsp: RtspSettings) -> ssl.SSLContext | None:
    """The TLS context that a server presents; None without a certificate. Raises InputError."""
    pair = files(rtsp)
    if pair is None:
        return None
    for _, problem in problems(rtsp):
        raise InputError(f"RTSP over TLS: {problem}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(*pair, password=lambda: b"")
    except (OSError, ValueError) as error:  # changed since the check above
        raise InputError(f"RTSP over TLS: {pair[0]} with {pair[1]}: {error}") from None
    return context


def _unreadable(path: str) -> str | None:
    try:
        # Opened, not just looked at: read permission can depend on more than mode bits.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.read(descriptor, 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        return error.strerror
    return None


def _wrong_key(error: ssl.SSLError, key: str, certificate: str) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"is not the key of {certificate}; name the key that it was made with"
    with open(key, "rb") as file:
        if b"ENCRYPTED" in file.read(1 << 16):
            return "is protected by a password; expected one without: openssl pkey -in … -out …"
    return "holds no private key; expected PEM text with one"
