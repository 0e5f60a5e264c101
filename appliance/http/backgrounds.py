"""The folder of backgrounds: what is in it, and what is accepted into it.

A name is never turned into a path: it is looked up among the names that the folder really has, so
that no "..", link or odd byte leads out of it.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog
from PIL import Image

from appliance.errors import InputError, OutputError
from appliance.media.picture_file import MOST_WORKING, too_costly, working_bytes

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
VIDEOS = frozenset({".mp4", ".mkv", ".mov", ".webm", ".m4v", ".avi"})
MOST_ENTRIES = 500
_MOST_NAME = 80
_TEMPORARY = ".upload-"
_MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", ".png"),
    (re.compile(rb"\xff\xd8\xff"), "JPEG", ".jpg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP", ".webp"),
)

log = structlog.get_logger(__name__)


class TooLarge(InputError):
    """A picture of more bytes or pixels than is allowed, or for which the folder has no room."""


@dataclass(frozen=True, slots=True)
class BackgroundFile:
    """One usable file: its ``name``, its kind, its size in bytes, its modification time."""

    name: str
    kind: Literal["picture", "video"]
    bytes: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What is accepted: bytes and pixels of one picture, bytes of the whole folder."""

    bytes: int
    pixels: int
    folder_bytes: int


class Folder:
    """The folder at ``path``, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[BackgroundFile]:
        """Its pictures and videos, at most 500, by name.

        Links, hidden files and names that are no UTF-8, which JSON cannot hold, are left out.

        Raises InputError when it cannot be read; a missing one counts as empty.
        """
        found = sorted(self._scan(), key=lambda entry: entry.name.casefold())
        return found[:MOST_ENTRIES]

    def find(self, name: str) -> Path | None:
        """The path of the entry called exactly ``name``; None if there is none."""
        return next((self.path / found.name for found in self._scan() if found.name == name), None)

    def name_of(self, path: Path) -> str | None:
        """The name of a file directly in the folder; None for all others."""
        return path.name if path.parent == self.path else None

    def _scan(self) -> Iterator[BackgroundFile]:
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    suffix = Path(entry.name).suffix.lower()
                    if not _is_text(entry.name):
                        continue
                    if entry.name.startswith(".") or suffix not in PICTURES | VIDEOS:
                        continue
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        kind: Literal["picture", "video"] = (
                            "picture" if suffix in PICTURES else "video"
                        )
                        yield BackgroundFile(entry.name, kind, status.st_size, status.st_mtime_ns)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(
                f"the folder of backgrounds {self.path} cannot be read ({error.strerror}); "
                "see http.backgrounds"
            ) from error

    def take(self, name: str, data: bytes, limits: Limits) -> tuple[str, int, int]:
        """Store a picture; returns its name in the folder, and width and height in pixels.

        The type comes from the first bytes of ``data`` and the size from its header, before
        anything is decoded; then it is decoded once, so that damage is found now. An existing entry
        of that name stays: the new one gets a number.

        Raises TooLarge, InputError for anything but a complete PNG, JPEG or WebP picture, or
        OutputError when it cannot be written.
        """
        width, height, suffix = examine(data, limits)
        entries = list(self._scan())
        if sum(entry.bytes for entry in entries) + len(data) > limits.folder_bytes:
            raise TooLarge(
                f"the folder {self.path} would hold more than {limits.folder_bytes // 10**6} MB "
                "(http.folder_mb); delete a background first"
            )
        if len(entries) >= MOST_ENTRIES:
            raise TooLarge(f"{self.path} holds {MOST_ENTRIES} backgrounds; delete some first")
        try:
            return self._write(tidy(name), suffix, data), width, height
        except OSError as error:
            raise OutputError(
                f"{self.path}: the background cannot be written ({error.strerror or error}); the "
                "folder must be there, writable for this user, on a disk with room"
            ) from error

    def _write(self, stem: str, suffix: str, data: bytes) -> str:
        self.path.mkdir(parents=True, exist_ok=True)
        for left in self.path.glob(f"{_TEMPORARY}*"):
            # Left by an upload that was killed: there is never more than one upload at a time.
            left.unlink(missing_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=self.path)
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o640)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            for number in range(1, MOST_ENTRIES + 2):
                name = f"{stem}{'' if number == 1 else f'-{number}'}{suffix}"
                try:
                    # Unlike a rename, this never replaces anything.
                    os.link(temporary, self.path / name)
                except FileExistsError:
                    continue
                log.info("a background was taken in", name=name, bytes=len(data))
                return name
            raise OSError(f"{stem} is taken {MOST_ENTRIES} times")
        finally:
            os.unlink(temporary)

    def remove(self, name: str) -> bool:
        """Delete an entry; False if there is none of that name. Raises OutputError."""
        path = self.find(name)
        if path is None:
            return False
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be deleted ({error.strerror})") from error
        log.info("a background was deleted", name=name)
        return True


def examine(data: bytes, limits: Limits) -> tuple[int, int, str]:
    """Width, height, and the suffix that the picture should have. Raises TooLarge, InputError."""
    if len(data) > limits.bytes:
        raise TooLarge(f"the picture has more than {limits.bytes // 10**6} MB (http.upload_mb)")
    known = next(((f, s) for magic, f, s in _MAGIC if magic.match(data)), None)
    if known is None:
        raise InputError("this is no picture that can be taken; expected PNG, JPEG or WebP")
    format, suffix = known
    try:
        # Lazy: only the header is read here.
        with Image.open(io.BytesIO(data), formats=(format,)) as picture:
            width, height = picture.size
            if width * height > limits.pixels:
                raise TooLarge(
                    f"the picture has {width}x{height} pixels; at most "
                    f"{limits.pixels // 10**6} million are taken (http.upload_mpixels): scale it "
                    "down first"
                )
            needs = working_bytes(picture)
            if needs > MOST_WORKING:
                raise TooLarge(too_costly(picture, needs))
            if format == "JPEG":
                picture.draft(None, (1920, 1920))
            picture.load()
    except Image.DecompressionBombError as error:
        raise TooLarge(f"the picture is far too large ({error}); scale it down first") from error
    except (Image.DecompressionBombWarning, OSError, ValueError, SyntaxError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the {format} picture is damaged or broken off ({error}); save it anew"
        ) from error
    return width, height, suffix


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def tidy(name: str) -> str:
    """A file name without suffix, safe on every file system: letters, digits, " .()-_"."""
    name = unicodedata.normalize("NFC", name)
    stem, dot, suffix = name.rpartition(".")
    if dot and f".{suffix.lower()}" in PICTURES | VIDEOS:
        name = stem
    name = re.sub(r"[^\w .()-]+", "-", name)
    name = name[:_MOST_NAME].strip(" .-_")
    while len(name.encode()) > 2 * _MOST_NAME:
        name = name[:-1]
    return name or "background"
