"""Whole sections of the settings over HTTP, made from their own fields: sound, load."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel

from appliance.config.settings import Settings
from appliance.config.validate import section_of
from appliance.config.write_back import Value
from appliance.errors import InputError
from appliance.http.control_schemas import SectionAnswer, SectionsAnswer, SectionsBody
from appliance.http.fields import check_path, field_of

# What can be set while running, and lets nobody in and no file be opened.
_NAMES = ("sound", "load")
_PLAIN = (bool, int, float, str)


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name in _NAMES:
        field = Settings.model_fields.get(name)
        section = None if field is None else section_of(field)
        if section is not None:
            yield name, section


@cache
def section_keys() -> tuple[str, ...]:
    """Every setting of these sections, as a dotted key of the configuration."""
    return tuple(f"{name}.{key}" for name, section in _sections() for key in section.model_fields)


def sections(settings: Settings) -> SectionsAnswer:
    """The sections with what there is to set."""
    return SectionsAnswer(
        sections=[
            SectionAnswer(
                name=name,
                title=str(section.model_config.get("title") or name),
                description=" ".join((section.__doc__ or "").split()),
                fields=[
                    field_of(key, field, value)
                    for key, field in section.model_fields.items()
                    if isinstance(value := getattr(getattr(settings, name), key), _PLAIN)
                ],
            )
            for name, section in _sections()
        ]
    )


def wanted_sections(body: SectionsBody) -> dict[str, Value]:
    """What a request is to change, as dotted key -> value. Raises InputError."""
    found: dict[str, Value] = {}
    known = dict(_sections())
    for name, changes in body.sections.items():
        if name not in known:
            raise InputError(
                f"there is no section {name[:50]!r} here; there are {', '.join(known)}"
            )
        fields = known[name].model_fields
        for key, value in changes.items():
            if key not in fields:
                raise InputError(
                    f"{name}: there is no setting {key[:50]!r}; there are {', '.join(fields)}"
                )
            check_path(f"{name}.{key}", fields[key], value)
            found[f"{name}.{key}"] = value
    return found
