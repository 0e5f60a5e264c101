"""From the settings to a network of classes, and the numbers of those to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.config.settings.stages.select import PERSON, SelectSettings
from appliance.errors import ModelError
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest

BACKGROUND = "background"
_MOST_TOLD = 60


def class_network(settings: SelectSettings) -> tuple[Manifest, Path]:
    """Manifest and ONNX file of the network that the settings name.

    Raises ModelError where there is none of that name, or it is not one of classes.
    """
    try:
        path = find_manifest(settings.model, model_folders())
    except ModelError as error:
        raise ModelError(
            "no network of classes: mattebox model add deeplab (or deeplab-small) fetches one; "
            f"{error}"
        ) from error
    return load_manifest(path, task="classes")


def class_numbers(manifest: Manifest, names: Sequence[str]) -> tuple[int, ...]:
    """The numbers of the classes of these names, in the network's order.

    Raises ModelError for a name that the network has not, with those that it has.
    """
    there = [one for one in manifest.classes if one not in (PERSON, BACKGROUND)]
    unknown = [name for name in names if name not in there]
    if unknown:
        more = f" and {len(there) - _MOST_TOLD} more" if len(there) > _MOST_TOLD else ""
        raise ModelError(
            f"{manifest.name} knows no {', '.join(unknown[:8])}; it knows "
            f"{', '.join(there[:_MOST_TOLD])}{more}; and {PERSON} is whom matting.model finds"
        )
    return tuple(n for n, name in enumerate(manifest.classes) if name in names)


def person_numbers(manifest: Manifest) -> tuple[int, ...]:
    """The number of the class for persons, if the network has one."""
    return tuple(n for n, name in enumerate(manifest.classes) if name == PERSON)


def mistakes(settings: SelectSettings) -> Iterator[tuple[str, str]]:
    """What is wrong with the stage's settings, while it is on: key (dotted) and message."""
    if not settings.looks:
        return
    try:
        manifest, _ = class_network(settings)
    except ModelError as error:
        for line in str(error).splitlines():
            yield "stages.select.model", line
        return
    try:
        class_numbers(manifest, settings.things)
    except ModelError as error:
        yield "stages.select.keep", str(error)
