"""One published file fetched by its address, with a deadline."""

from __future__ import annotations

import hashlib
import os
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from appliance.errors import FetchError, StorageError
from appliance.tools.importers.base import Release

_WAIT_S, _DEADLINE_S = 20.0, 300.0
_BLOCK = 1 << 16


def download(address: str, release: Release, folder: Path, *, seconds: float = _DEADLINE_S) -> Path:
    """Fetch ``release`` from ``address`` into ``folder``; returns the file's path.

    The proxy that the environment names is used (https_proxy). Raises FetchError with what to do:
    no network, too slow, another file; StorageError when it cannot be written.
    """
    elsewhere = f"or fetch {address} on another machine and name the file: --from FILE"
    end = time.monotonic() + seconds
    most = release.size or 0
    try:
        with urllib.request.urlopen(address, timeout=_WAIT_S) as answer:
            parts, size = [], 0
            while block := answer.read(_BLOCK):
                parts.append(block)
                size += len(block)
                if size > most:
                    break
                if time.monotonic() >= end:
                    raise FetchError(
                        f"{address}: took longer than {seconds:g} s; try again on a better line, "
                        f"{elsewhere}"
                    )
    except (urllib.error.URLError, HTTPException, OSError) as error:
        if isinstance(error, FetchError):
            raise
        why = getattr(error, "reason", None) or error
        raise FetchError(
            f"{address}: cannot be fetched: {why}; is there a network, a proxy (https_proxy)? Try "
            f"again, {elsewhere}"
        ) from error
    data = b"".join(parts)
    digest = hashlib.sha256(data).hexdigest()
    if not release.matches(len(data), digest):
        found = f"more than {most:,}" if len(data) > most else f"{len(data):,}"
        raise FetchError(
            f"{address}: {found} bytes, SHA-256 {digest[:12]}…; expected {most:,} bytes, "
            f"{release.sha256[:12]}…: what is published there is another file now; {elsewhere}"
        )
    path = folder / release.file
    try:
        path.write_bytes(data)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {os.strerror(error.errno or 0)}; make room, or point "
            "TMPDIR elsewhere"
        ) from error
    return path
