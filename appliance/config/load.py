"""The configuration: from file, environment and flags to validated, frozen settings.

A flag beats the environment, the environment beats the file, the file beats the defaults. All
mistakes are reported at once, each with where it was made, the key, what was found and what is
allowed. Relative paths in the file are relative to the file's own folder, so that a configuration
can be moved with its pictures; those in flags and variables are relative to the current folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from appliance.config.document import parse, read_text
from appliance.config.overrides import Override, apply, from_environment
from appliance.config.settings import Settings
from appliance.config.tree import InvalidConfig, Mapping, Mistake, Origin
from appliance.config.validate import Reading
from appliance.system.file_identity import Identity, identity
from appliance.system.json_schema import named_by_title
from appliance.system.redact import redact

__all__ = [
    "Attempt",
    "InvalidConfig",
    "LoadedConfig",
    "Mistake",
    "Origin",
    "Override",
    "attempt",
    "changed",
    "find",
    "load",
    "load_located",
    "schema",
    "to_yaml",
]

SEARCH = (Path("config.yaml"), Path("/etc/mattebox/config.yaml"))

# Left by a full disk or a copy that broke off more often than by anybody who means it.
_EMPTY = "is empty; write the settings again, or {} if the defaults are meant"


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """Settings, the file they came from (None: all defaults), and where each was written."""

    settings: Settings
    path: Path | None
    identity: Identity | None
    """The state of the file that was read."""
    text: str = field(repr=False)
    """What the file holds; "" without one."""
    says_nothing: bool
    """Whether there is a file that has no setting, nor says with {} that there is none."""
    _reading: Reading = field(repr=False)

    def is_written(self, key: str) -> bool:
        """Whether ``key`` (dotted) itself stands in the file, the environment or a flag."""
        return self._reading.has(key)

    def origin(self, key: str) -> Origin:
        """Where ``key`` (dotted), or else the section around it, was written."""
        found = self._reading.origin(key)
        # A key that was not written has its default; the whole file has no line.
        return found or Origin("the default" if key or self.path is None else str(self.path))

    def is_wrong(self, key: str) -> bool:
        """Whether ``key`` was left out for a mistake, so that it has its default here."""
        return self._reading.is_wrong(key)

    def where(self, key: str) -> str:
        """``origin`` as messages show it: ``config.yaml:12:8``."""
        return str(self.origin(key))


def find() -> Path | None:
    """The file that is used when none is named: ./config.yaml, else /etc/mattebox/config.yaml."""
    for path in SEARCH:
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass  # it is there, but not accessible: reading it will say why
        return path
    return None


def load(
    path: Path | None,
    *,
    env: MappingABC[str, str] | None = None,
    overrides: Iterable[tuple[str, str] | Override] = (),
) -> Settings:
    """The settings of a file (None: the defaults) under ``env`` and ``overrides``.

    ``overrides`` are (dotted key, value as text) pairs, of which later ones win; an Override also
    names its flag for messages. Raises InvalidConfig, a ConfigError, with every mistake.
    """
    return load_located(path, env=env, overrides=overrides).settings


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of reading the settings.

    Attributes:
        mistakes: all of them, by their place in the file.
        loaded: the settings; with mistakes, those that result when what is wrong is left out, for
            finding more mistakes only. None if the file could not be understood at all.
    """

    mistakes: tuple[Mistake, ...]
    loaded: LoadedConfig | None

    def result(self, more: Iterable[Mistake] = ()) -> LoadedConfig:
        """The settings. Raises InvalidConfig with all mistakes, ``more`` of them included.

        Of ``more``, those are left out that are about a key which is wrong anyway.
        """
        loaded = self.loaded
        found = list(self.mistakes)
        found += [m for m in more if loaded is None or not loaded.is_wrong(m.key)]
        if found or loaded is None:
            found.sort(key=lambda m: (m.origin.line == 0, m.origin.line, m.origin.column))
            raise InvalidConfig(found)
        return loaded


def load_located(
    path: Path | None,
    *,
    env: MappingABC[str, str] | None = None,
    overrides: Iterable[tuple[str, str] | Override] = (),
    text: str | None = None,
) -> LoadedConfig:
    """``load``, keeping where each setting was written; ``text`` as for ``attempt``."""
    return attempt(path, env=env, overrides=overrides, text=text).result()


def attempt(
    path: Path | None,
    *,
    env: MappingABC[str, str] | None = None,
    overrides: Iterable[tuple[str, str] | Override] = (),
    text: str | None = None,
) -> Attempt:
    """``load_located`` that raises nothing, so that a caller can look for more mistakes.

    ``text``: what the file at ``path`` is to be read as holding, whatever it holds.
    """
    mistakes: list[Mistake] = []
    root, folder = Mapping({}, Origin("defaults")), Path.cwd()
    read, tree, given = None, None, text
    text = ""
    understood = True
    if path is not None:
        # Before reading, so that a save in the meantime counts as another state.
        label, read = str(path), identity(path)
        try:
            text = read_text(path) if given is None else given
        except InvalidConfig as error:
            mistakes = list(error.mistakes)
        else:
            if text.strip():
                tree, mistakes = parse(text, label)
            else:
                mistakes = [Mistake(Origin(label), "", _EMPTY)]
        folder = path.parent.absolute()
        understood = tree is not None or not mistakes
        if isinstance(tree, Mapping):
            root = tree
        elif tree is not None:
            expected = f"expected sections: {', '.join(Settings.model_fields)}"
            mistakes.append(Mistake(tree.origin, "", f"found {tree.shown()}; {expected}"))
    layers = [*from_environment(env or {}), *(Override(*item) for item in overrides)]
    mistakes += apply(root, layers, _default_lists())
    reading = Reading(root, folder)
    settings = reading.settings()
    mistakes += reading.mistakes
    if settings is None or not understood:
        return Attempt(tuple(mistakes), None)
    silent = path is not None and tree is None
    loaded = LoadedConfig(settings, path, read, text, silent, reading)
    return Attempt(tuple(mistakes), loaded)


def _default_lists() -> Mapping:
    """A fresh tree of the default outputs, for a file that leaves them out."""
    outputs = [output.model_dump(include={"uri"}) for output in Settings().outputs]
    tree, _ = parse(json.dumps({"outputs": outputs}), "defaults", located=False)
    if not isinstance(tree, Mapping):
        raise TypeError("the default outputs are not a mapping")
    return tree


def changed(old: Settings, new: Settings) -> frozenset[str]:
    """The sections that differ: "roi", "source", …; outputs one by one: "outputs.0".

    An output that was added or removed differs too.
    """
    names = {
        name
        for name in Settings.model_fields
        if name != "outputs" and getattr(old, name) != getattr(new, name)
    }
    for index in range(max(len(old.outputs), len(new.outputs))):
        if old.outputs[index : index + 1] != new.outputs[index : index + 1]:
            names.add(f"outputs.{index}")
    return frozenset(names)


def plain(settings: Settings) -> dict[str, Any]:
    """The settings as the file would write them: sizes as 1920x1080, rates as 30 or 30000/1001."""
    data = settings.model_dump()
    data["outputs"] = list(data["outputs"])
    # Of a scene, only what it writes: its defaults are what stands around it.
    data["scenes"] = [
        scene.model_dump() | {"settings": scene.settings.model_dump(exclude_unset=True)}
        for scene in settings.scenes
    ]
    _write_plain(data["source"])
    _write_plain(data["canvas"])
    for scene in data["scenes"]:
        _write_plain(scene["settings"].get("source", {}))
    return data


def _write_plain(section: dict[str, Any]) -> None:
    size, rate = section.get("size", "auto"), section.get("fps", "auto")
    if size != "auto":
        section["size"] = f"{size[0]}x{size[1]}"
    if rate != "auto":
        section["fps"] = rate[0] if rate[1] == 1 else f"{rate[0]}/{rate[1]}"


def to_yaml(settings: Settings) -> str:
    """The settings as YAML that ``load`` reads back; passwords in addresses are hidden."""
    text = yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True, width=1000)
    return redact(text)


def schema() -> dict[str, Any]:
    """JSON Schema of the file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mattebox configuration",
        **named_by_title(Settings.model_json_schema()),
    }
