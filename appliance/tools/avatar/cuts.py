"""Which clips an avatar is made of: by the names of files, or by a list of cuts in YAML.

clips:
- {file: take1.mp4, name: idle, role: idle, from: 0, to: 12.5}
- {file: take1.mp4, name: wave, from: "0:14.2", to: "00:00:17:05"}
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.avatars.avatar import NAME, Role
from appliance.config.document import parse, read_text
from appliance.config.tree import InvalidConfig, Mapping, Node, Scalar
from appliance.errors import InputError

LIST = "avatar.yaml"
"""The list of clips that is looked for in a folder."""
VIDEOS = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".mxf", ".ogv", ".flv", ".wmv", ".3gp", ".gif",
})  # fmt: skip
"""What a file is called that is taken for a clip."""
_MOST_CLIPS = 200
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)|(\d+):(\d+):(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class CutTime:
    """A time in a file: seconds, and so many frames beyond them."""

    seconds: Fraction
    frames: int = 0

    def at(self, fps: tuple[int, int]) -> Fraction:
        """In seconds, of a file of this rate."""
        return self.seconds + Fraction(self.frames * fps[1], fps[0])


@dataclass(frozen=True, slots=True)
class ClipCut:
    """One clip to be made.

    Attributes:
        file: the video. name, role: what the clip will be called, and what it is for.
        begin, end: the part of the file; None: from its first picture, to its last.
        sound: whether its sound is kept, if it has any. says: what is said in it, if that is known.
    """

    file: Path
    name: str
    role: Role
    begin: CutTime | None = None
    end: CutTime | None = None
    sound: bool = True
    says: str = ""


@dataclass(frozen=True, slots=True)
class CutList:
    """What a folder asks for: clips in order, and the names of files that were left out."""

    cuts: tuple[ClipCut, ...]
    left_out: tuple[str, ...] = ()
    name: str = ""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1, max_length=1000)
    name: str = Field("", max_length=200)
    role: Role | None = None
    begin: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")
    sound: bool | None = None
    says: str = Field("", max_length=100_000)


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", max_length=200)
    clips: tuple[_Entry, ...] = Field(min_length=1, max_length=_MOST_CLIPS)


def find_cuts(folder: Path, listed: Path | None = None) -> CutList:
    """The clips that a folder, or a single video, is to become.

    ``listed``: the list of cuts; None: ``avatar.yaml`` in the folder, else every video is a clip.

    Raises InputError when there is nothing to make an avatar of, or the list does not fit it;
    InvalidConfig for a list that is no plain YAML.
    """
    files = _files(folder)
    base = folder if folder.is_dir() else folder.parent
    listed = listed or (base / LIST if (base / LIST).is_file() and folder.is_dir() else None)
    if listed is not None:
        return _from_list(listed, base, files)
    videos = [path for path in files if path.suffix.lower() in VIDEOS]
    others = tuple(path.name for path in files if path not in videos)
    if not videos:
        raise InputError(
            f"{folder}: no video in it; found {_some(others) or 'nothing'}. Put clips there: "
            "idle.mp4, talk.mp4, and one for each action, such as wave.mp4"
        )
    roles: list[Role] = [_role(path.stem) for path in videos] if len(videos) > 1 else ["idle"]
    cuts = [
        ClipCut(path, clip_name(path.stem, f"clip{number}"), role, sound=role != "idle")
        for number, (path, role) in enumerate(zip(videos, roles, strict=True), 1)
    ]
    return CutList(_checked(cuts, str(folder)), others)


def clip_name(text: str, other: str = "clip") -> str:
    """A name that the API takes, from the words of a file's; ``other`` if no letter can stay."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-._")[:64] or other


def _role(stem: str) -> Role:
    word = stem.lower()
    if word.startswith("idle"):
        return "idle"
    return "talk" if word.startswith(("talk", "speak")) else "action"


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    try:
        found = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    except FileNotFoundError:
        raise InputError(f"{folder}: there is no such folder; give one with clips in it") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); give a folder") from error
    return [path for path in found if path.name != LIST]


def _from_list(listed: Path, base: Path, files: list[Path]) -> CutList:
    tree, mistakes = parse(read_text(listed, "give a list of cuts with --cuts"), str(listed))
    if mistakes:
        raise InvalidConfig(mistakes)
    try:
        data = _List.model_validate(_texts(tree) if tree is not None else {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        what = "is not known here" if first["type"] == "extra_forbidden" else first["msg"]
        raise InputError(
            f"{listed}: {where}: {what}; expected clips: a list of {{file, name, role, "
            "from, to, sound, says}, of which only file must be there"
        ) from error
    cuts = []
    for number, entry in enumerate(data.clips):
        where = f"{listed}: clips.{number}"
        file = base / entry.file
        if not file.is_file():
            raise InputError(f"{where}: there is no file {entry.file!r} in {base}; check its name")
        name = clip_name(entry.name or file.stem, f"clip{number + 1}")
        role = entry.role or _role(entry.name or file.stem)
        begin, end = (
            None if text is None else _moment(text, f"{where}.{key}")
            for key, text in (("from", entry.begin), ("to", entry.end))
        )
        # An idle clip's sound is a hum that would be heard for ever.
        sound = entry.sound if entry.sound is not None else role != "idle"
        cuts.append(ClipCut(file, name, role, begin, end, sound, entry.says))
    used = {cut.file.resolve() for cut in cuts}
    others = tuple(p.name for p in files if p.resolve() not in used and p != listed)
    return CutList(_checked(cuts, str(listed)), others, data.name)


def _moment(text: str, where: str) -> CutTime:
    """Seconds, M:SS.s, H:MM:SS.s or, with frames at the end, HH:MM:SS:FF. Raises InputError."""
    found = _TIME.fullmatch(text.strip())
    if found is None or len(text) > 40:
        raise InputError(
            f"{where}: found {text[:40]!r}; expected seconds, M:SS, H:MM:SS or HH:MM:SS:FF"
        )
    hours, minutes, seconds, h, m, s, frames = found.groups()
    if frames is not None:
        return CutTime(Fraction(int(h) * 3600 + int(m) * 60 + int(s)), int(frames))
    return CutTime(int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(seconds.rstrip(".")))


def _checked(cuts: list[ClipCut], where: str) -> tuple[ClipCut, ...]:
    """Raises InputError for names that come twice, and without an idle clip."""
    names: dict[str, ClipCut] = {}
    for cut in cuts:
        assert NAME.fullmatch(cut.name)
        other = names.setdefault(cut.name, cut)
        if other is not cut:
            raise InputError(
                f"{where}: two clips would be called {cut.name!r} ({other.file.name} and "
                f"{cut.file.name}); give one of them another name"
            )
    if not any(cut.role == "idle" for cut in cuts):
        raise InputError(
            f"{where}: no clip for idling, found {_some([cut.name for cut in cuts])}; name the one "
            f"in which the person only stands there idle.mp4, or give it role: idle in {LIST}"
        )
    if len(cuts) > _MOST_CLIPS:
        raise InputError(f"{where}: {len(cuts)} clips; at most {_MOST_CLIPS} fit into one avatar")
    return tuple(cuts)


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def _texts(node: Node) -> Any:
    """Every scalar as it was written: 0:12 is a time here, and no number to the base of sixty."""
    if isinstance(node, Mapping):
        return {key: _texts(inner) for key, inner in node.items.items()}
    if isinstance(node, Scalar):
        return None if node.is_null else node.text
    return [_texts(inner) for inner in node.items]
