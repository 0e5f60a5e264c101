"""What may be set over HTTP: nothing that opens files, reaches secrets, or lets others in.

The rule is older than the editor (``stages.wanted_of``): whoever may steer the picture may not
thereby have any file of the machine opened or written, nor read its secrets and environment, nor
change who may come in. What a value was before, it may be again: it is the owner's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from appliance.config.secrets import Secret
from appliance.config.settings import Settings
from appliance.config.settings.base import Section
from appliance.config.tree import join
from appliance.config.uris import (
    Resolves,
    background_scheme,
    output_scheme,
    path_of,
    scheme_of,
    source_scheme,
)
from appliance.config.validate import section_of

ELSEWHERE = "change it in the file on the machine, or set http.editor: full there"
NO_REFERENCE = (
    "found a reference to a secret; over HTTP none is looked up, since it could be sent anywhere: "
    "write such an output into the file"
)
# Who may come in, and who may read.
_CLOSED = ("http", "rtsp")
# Sources that are nothing but a picture made here, or the machine's own camera connector.
_OWN_SOURCES = ("auto", "demo", "test", "csi")


@dataclass(frozen=True, slots=True)
class Places:
    """Where outputs may go and pictures may come from.

    Attributes:
        recordings, backgrounds: the folders. cameras, loopbacks: addresses of devices found.
        avatars: of those that are played by name.
    """

    recordings: Path
    backgrounds: Path
    cameras: frozenset[str] = frozenset()
    loopbacks: frozenset[str] = frozenset()
    avatars: frozenset[str] = frozenset()


def output_refusal(uri: str, places: Places) -> str | None:
    """Why an output may not be added over HTTP; None if it may."""
    if "${" in uri:
        return NO_REFERENCE
    path = path_of(uri) if output_scheme(uri) is not None else None
    if path is None:
        return None
    if uri in places.loopbacks or path.is_relative_to("/dev"):
        if uri in places.loopbacks:
            return None
        there = ", ".join(sorted(places.loopbacks)) or "none was found"
        return f"found {uri}; expected a loopback device of this machine: {there}"
    if not _is_inside(path, places.recordings):
        return (
            f"found {path}; recordings that are begun over HTTP go to {places.recordings} only "
            "(http.recordings); give just a name"
        )
    return None


def source_refusal(uri: str, places: Places) -> str | None:
    """Why a source may not be chosen over HTTP; None if it may."""
    name = "auto" if uri == "auto" else scheme_of(uri)
    if name in _OWN_SOURCES or uri in places.cameras | places.avatars:
        return None
    if source_scheme(uri) is None:
        return f"found {uri}, which is no source"
    return "this source is not among those found here (/api/devices)"


def background_refusal(uri: str, places: Places) -> str | None:
    """Why a background may not be chosen over HTTP; None if it may."""
    scheme, path = background_scheme(uri), path_of(uri)
    if scheme is not None and not scheme.has_file and path is None and "${" not in uri:
        return None
    if path is not None and path.parent == places.backgrounds:
        return None
    return f"a background over HTTP is one of the folder {places.backgrounds}, or an address"


def refusals(old: Settings, new: Settings, places: Places) -> list[tuple[str, str]]:
    """What of the way from ``old`` to ``new`` is not permitted: (dotted key, why) each."""
    return list(_section(old, new, "", places))


def _section(
    old: BaseModel, new: BaseModel, path: str, places: Places
) -> Iterator[tuple[str, str]]:
    for name, field in type(new).model_fields.items():
        before, after, key = getattr(old, name), getattr(new, name), join(path, name)
        if before == after:
            continue
        if key in _CLOSED:
            inner = next(
                (n for n in type(after).model_fields if getattr(before, n) != getattr(after, n)), ""
            )
            yield join(key, inner), f"says who may come in; {ELSEWHERE}"
        elif key == "outputs":
            yield from _outputs(old, new, places)
        elif key == "scenes":
            yield from _scenes(old, new, places)
        elif isinstance(after, Section):
            yield from _section(before, after, key, places)
        else:
            why = _leaf(key, field, before, after, places)
            if why is not None:
                yield key, f"{why}; {ELSEWHERE}"


def _outputs(old: Any, new: Any, places: Places) -> Iterator[tuple[str, str]]:
    for index, output in enumerate(new.outputs):
        before = [one for one in old.outputs if one.uri == output.uri]
        for name in type(output).model_fields:
            value = getattr(output, name)
            known = [getattr(one, name) for one in before]
            if isinstance(value, Secret) and value and value not in known:
                yield f"outputs.{index}.{name}", f"is a secret; {ELSEWHERE}"
        if not before:
            why = output_refusal(output.uri, places)
            if why is not None:
                yield f"outputs.{index}.uri", f"{why}; {ELSEWHERE}"


def _scenes(old: Any, new: Any, places: Places) -> Iterator[tuple[str, str]]:
    """A scene may set what may be set outside it, and what it set before."""
    before = {scene.name: scene.settings.written() for scene in old.scenes}
    for index, scene in enumerate(new.scenes):
        was = before.get(scene.name, {})
        for key, value in scene.settings.written().items():
            outside = attrgetter(key)(old)
            if value in (outside, was.get(key, outside)):
                continue
            why = _leaf(key, _field(type(old), key), was.get(key, outside), value, places)
            if why is not None:
                yield f"scenes.{index}.settings.{key}", f"{why}; {ELSEWHERE}"


def _field(model: type[BaseModel], key: str) -> FieldInfo:
    """The field of a dotted key."""
    *sections, name = key.split(".")
    for section in sections:
        model = section_of(model.model_fields[section]) or model
    return model.model_fields[name]


def _leaf(key: str, field: FieldInfo, before: Any, after: Any, places: Places) -> str | None:
    if isinstance(after, Secret):
        return "is a secret"
    if key == "source.sound":
        # auto may be a camera's microphone: whoever steers the picture may not begin to listen.
        return None if after == "none" else "says what is listened to"
    if key == "source.uri":
        return source_refusal(str(after), places)
    if key == "background.uri":
        return background_refusal(str(after), places)
    known = set(_words(before))
    for word in _words(after):
        if word in known:
            continue
        if "${" in word:
            return "found a reference to a secret"
        paths = any(isinstance(mark, Resolves) for mark in field.metadata)
        if ("/" in word and not _is_picture(word)) or (paths and "." in word):
            return f"found {word[:60]!r}, which names a file, a device or an address"
    return None


def _is_picture(word: str) -> bool:
    """Whether it is a background that is no file: blur://, gradient://."""
    scheme = background_scheme(word)
    return scheme is not None and not scheme.has_file and path_of(word) is None


def _words(value: Any) -> Iterable[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _words(getattr(value, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _words(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _words(inner)


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a file of that name would really lie in ``folder``, whatever links there are."""
    if path.is_symlink():
        return False
    parent, real = os.path.realpath(path.parent), os.path.realpath(folder)
    return Path(parent).is_relative_to(real)
