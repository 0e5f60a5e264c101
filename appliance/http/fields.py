"""A setting as the API describes it, so that a page can make a control of it."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from appliance.config.secrets import Secret
from appliance.config.uris import Resolves
from appliance.config.validate import allowed
from appliance.config.write_back import Value
from appliance.errors import InputError
from appliance.http.schemas import StageField

Kind = Literal["switch", "number", "whole number", "choice", "text", "secret"]


def field_of(key: str, field: FieldInfo, value: Any) -> StageField:
    """What there is to set, and what it is set to."""
    low = next((m.ge if isinstance(m, Ge) else m.gt for m in field.metadata
                if isinstance(m, (Ge, Gt))), None)  # fmt: skip
    high = next((m.le if isinstance(m, Le) else m.lt for m in field.metadata
                 if isinstance(m, (Le, Lt))), None)  # fmt: skip
    return StageField(
        name=key, kind=_kind(field), description=field.description or "", allowed=allowed(field),
        minimum=low, maximum=high, choices=_choices(field),
        value="" if isinstance(value, Secret) else value,
    )  # fmt: skip


def _kind(field: FieldInfo) -> Kind:
    if field.annotation is bool:
        return "switch"
    if field.annotation is int:
        return "whole number"
    if field.annotation is float:
        return "number"
    if field.annotation is Secret:
        return "secret"
    return "choice" if _choices(field) else "text"


def _choices(field: FieldInfo) -> list[str]:
    literal = get_origin(field.annotation) is Literal
    return [str(word) for word in get_args(field.annotation)] if literal else []


def check_path(key: str, field: FieldInfo, value: Value) -> None:
    """Raise InputError for a path where a name is meant; see ``stages.wanted_of``."""
    paths = any(isinstance(mark, Resolves) for mark in field.metadata)
    if paths and isinstance(value, str) and ("/" in value or "." in value):
        raise InputError(
            f"{key}: found {value[:50]!r}; a file is named in the configuration file only; here "
            "one of the names that come with mattebox is expected"
        )
