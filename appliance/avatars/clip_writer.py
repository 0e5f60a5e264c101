"""Writes clips: under another name until they are whole, so that no half of one is ever played."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from appliance.avatars.clip import MAGIC, Clip, ClipHeader, frames_begin
from appliance.errors import StorageError
from appliance.media.audio import I16
from appliance.media.frame import U8, Format, Rect

_DIGEST_BYTES = 16
_HEADER_ROOM = 1024


class ClipWriter:
    """Writes one clip frame by frame. As a context manager: left by an error, nothing remains."""

    def __init__(self, path: Path, format: Format, rect: Rect) -> None:
        """Begin a clip of what lies in ``rect`` of a canvas.

        Raises StorageError when the folder cannot be written to, ValueError for a ``rect`` that
        cannot be: see ``ClipHeader.check``.
        """
        self.path = path
        self._header = ClipHeader(format, rect, 1)
        self._header.check()
        self._count = 0
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self._partial.open("wb")
            self._file.seek(frames_begin(_HEADER_ROOM))
        except OSError as error:
            raise _unwritten(path, error) from error

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.abandon()

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return self._count

    def add(self, y: U8, uv: U8, alpha: U8) -> None:
        """Add a picture: the planes of ``rect`` only, shapes as in ``ClipFrame``.

        Raises ValueError for other shapes, StorageError when the disk is full.
        """
        rect = self._header.rect
        shape, half = (rect.height, rect.width), (rect.height // 2, rect.width // 2, 2)
        if (y.shape, uv.shape, alpha.shape) != (shape, half, shape):
            raise ValueError(
                f"planes of {y.shape}, {uv.shape}, {alpha.shape}: expected {shape}, {half}, {shape}"
            )
        data = b"".join((y.tobytes(), uv.tobytes(), alpha.tobytes()))
        self._hash.update(data)
        padding = bytes(self._header.stride - len(data))
        try:
            self._file.write(data)
            self._file.write(padding)
        except OSError as error:
            raise _unwritten(self.path, error) from error
        self._count += 1

    def finish(self, sound: I16 | None = None) -> Clip:
        """End the clip, and return it, mapped.

        ``sound``: int16 (samples, 2), for all pictures together; what is too long is cut, what is
        too short ends in silence. None: the clip has none.

        Raises StorageError when the disk is full, ValueError without a single frame.
        """
        if self._count == 0:
            raise ValueError(f"{self.path}: a clip without a frame")
        header = self._header
        whole = ClipHeader(header.format, header.rect, self._count, sound is not None)
        try:
            if sound is not None:
                data = sound[: whole.samples].tobytes()
                data += bytes(whole.samples * 4 - len(data))
                self._hash.update(data)
                self._file.write(data)
            whole = ClipHeader(
                whole.format, whole.rect, whole.frames, whole.sounding, self._hash.hexdigest()
            )
            text = whole.to_json()
            # JSON may be followed by spaces, so the room for it is of a fixed length.
            text += b" " * (_HEADER_ROOM - len(text))
            self._file.seek(0)
            self._file.write(MAGIC + len(text).to_bytes(8, "little") + text)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.replace(self.path)
        except OSError as error:
            raise _unwritten(self.path, error) from error
        return Clip(self.path)

    def abandon(self) -> None:
        """Remove what is not finished; after ``finish``, nothing."""
        # A full disk shows itself again when what is buffered is flushed.
        with contextlib.suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)


def _unwritten(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: the clip cannot be written: {error}; make room, or give another folder"
    )
