"""The files that the settings name: whether one has been replaced under the same name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from appliance.config.settings import Settings
from appliance.config.uris import background_scheme, source_scheme
from appliance.config.uris import files_of as named_files
from appliance.errors import ModelError
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.stages.looks.make import style_files
from appliance.system.file_identity import Identity, identity

Files = Mapping[str, tuple[Identity | None, ...]]
"""By section, the state of each file it names; None for one that is not there."""


def files_of(settings: Settings) -> Files:
    """The files of background, source (a device does not count), network and style."""
    found: dict[str, tuple[Identity | None, ...]] = {}
    for section, uri, scheme in (
        ("background", settings.background.uri, background_scheme(settings.background.uri)),
        ("source", settings.source.uri, source_scheme(settings.source.uri)),
    ):
        paths = named_files(uri, scheme)
        if paths:
            found[section] = tuple(identity(path.expanduser()) for path in paths)
    found["matting"] = tuple(identity(path) for path in _network(settings))
    found["stages"] = tuple(identity(path) for path in style_files(settings.stages.style))
    return found


def _network(settings: Settings) -> tuple[Path, ...]:
    try:
        manifest = find_manifest(settings.matting.model, model_folders())
        return (manifest, _model_of(manifest, identity(manifest)))
    except ModelError:
        return ()


@lru_cache(maxsize=16)
def _model_of(manifest: Path, state: Identity | None) -> Path:
    """The model's file. A manifest is 50 ms to read, and every change asks for it."""
    return load_manifest(manifest)[1]


def replaced(before: Files, now: Files) -> frozenset[str]:
    """The sections of which a file is another now; one that has gone is no reason to change."""
    return frozenset(
        section
        for section, files in now.items()
        if section in before and files != before[section] and None not in files and files
    )
