"""What is known from the last time: which video is which, and what was found in it.

``make.json``, beside ``avatar.json``. It only saves work: lost or broken, all is looked at again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from appliance.errors import InputError, StorageError
from appliance.media.frame import Colour, Format, Matrix, Range
from appliance.tools.avatar.footage import Footage

RECORD = "make.json"
_VERSION = 1
_BLOCK = 1 << 20


@dataclass
class Record:
    """What was found so far.

    Attributes:
        digests: of a video's content, by its path, size and time of change.
        footage: what a video is, by its digest. notes: what there was to say of a clip, by its key.
        made: what seams and mouths were made from, each in a word.
    """

    digests: dict[str, str] = field(default_factory=dict)
    footage: dict[str, Footage] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def digest(self, path: Path) -> str:
        """Of a video's content, hexadecimal. Raises InputError when it cannot be read."""
        try:
            status = path.stat()
            known = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
            if known not in self.digests:
                made = hashlib.blake2b(digest_size=16)
                with path.open("rb") as file:
                    while block := file.read(_BLOCK):
                        made.update(block)
                self.digests[known] = made.hexdigest()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        return self.digests[known]

    def forget_all_but(self, files: Collection[Path], keys: Collection[str]) -> None:
        """Keep what is known of these videos and these clips only."""
        places = {str(path.resolve()) for path in files}
        self.digests = {k: v for k, v in self.digests.items() if k.rsplit("|", 2)[0] in places}
        used = set(self.digests.values())
        self.footage = {k: v for k, v in self.footage.items() if k in used}
        self.notes = {k: v for k, v in self.notes.items() if k in keys}

    def save(self, folder: Path) -> None:
        """Write it. Raises StorageError."""
        path, partial = folder / RECORD, folder / f".{RECORD}.{os.getpid()}"
        data = {
            "version": _VERSION, "digests": self.digests, "notes": self.notes, "made": self.made,
            "footage": {digest: asdict(one) for digest, one in self.footage.items()},
        }  # fmt: skip
        try:
            partial.write_text(json.dumps(data, default=lambda value: value.value), "utf-8")
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorageError(f"{path}: cannot be written: {error}; make room") from error


def load_record(folder: Path) -> Record:
    """What is known of this avatar; nothing where that is missing, broken or of another version."""
    try:
        data = json.loads((folder / RECORD).read_bytes())
        if data["version"] != _VERSION:
            return Record()
        footage = {digest: _footage(one) for digest, one in data["footage"].items()}
        return Record(dict(data["digests"]), footage, dict(data["notes"]), dict(data["made"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Record()


def _footage(data: dict[str, Any]) -> Footage:
    shape = data["format"]
    colour = Colour(Matrix(shape["colour"]["matrix"]), Range(shape["colour"]["range"]))
    numerator, denominator = map(int, shape["fps"])
    format = Format(int(shape["width"]), int(shape["height"]), (numerator, denominator), colour)
    times = tuple(map(int, data["times"]))
    return Footage(format, times, int(data["end"]), int(data["promised"]), bool(data["sounding"]))
